"""Compares random configurations with PyTorch and prints those that disagree.

python -m tests.peers.differential [--cases 2000] [--seed N] [--only 'basic.draw_linear float32'] [--number I]
"""

import argparse
import sys

from tests.peers.differential.driver import share, sources


def main() -> int:
    parser = argparse.ArgumentParser(description="Random configurations against PyTorch.")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="what the names of the draws begin with")
    parser.add_argument("--number", type=int, help="this case only")
    given = parser.parse_args()
    chosen = [source for source in sources() if str(source).startswith(given.only)]
    done, failures = 0, 0
    for source in chosen:
        numbers = range(share(given.cases, len(chosen))) if given.number is None else [given.number]
        for number in numbers:
            done += 1
            try:
                source.check(given.seed, number)
            except AssertionError as error:
                failures += 1
                print(f"{source}: {error}\n")
    print(f"{done} configurations of {len(chosen)} kinds, {failures} disagree")
    return 1 if failures or not done else 0


if __name__ == "__main__":
    sys.exit(main())
