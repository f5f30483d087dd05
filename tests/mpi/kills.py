"""Kills and stops ranks at random points, as often as asked: `python -m tests.mpi.kills 100`.

Prints how long the survivors took to raise; leaves with 1 where one of them did not, or not within 10 s.
"""

import random
import signal
import sys

from tests.mpi.launch import lose_a_rank


def main(tries: int) -> int:
    rng = random.Random(0)
    slowest, failures = 0.0, 0
    for number in range(tries):
        how, victim = rng.choice([signal.SIGKILL, signal.SIGSTOP]), rng.randrange(3)
        delay = rng.uniform(0, 1)
        outcome = lose_a_rank(how, victim, delay)
        missing = {0, 1, 2} - {victim} - outcome.raised.keys()
        longest = max(outcome.raised.values(), default=99.0)
        slowest = max(slowest, longest)
        good = not missing and longest < 10 and outcome.code != 0
        failures += not good
        print(
            number + 1,
            how.name,
            victim,
            f"{delay:.3f}",
            f"{longest:.2f} s",
            "" if good else outcome,
            flush=True,
        )
    print(f"{tries} tries, {failures} failures, slowest {slowest:.2f} s")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
