"""Kills and stops ranks at random points, as often as asked: `python -m tests.mpi.kills 100`.

Four jobs of three ranks at a time. Prints how long the survivors took to raise; leaves with 1 where one of
them did not, or not within 10 s.
"""

import random
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mpi.launch import lose_a_rank

JOBS, LIMIT = 4, 10.0


def main(tries: int) -> int:
    rng = random.Random(0)
    signals = signal.SIGKILL, signal.SIGSTOP
    cases = [(rng.choice(signals), rng.randrange(3), rng.uniform(0, 1)) for _ in range(tries)]
    slowest, failures = 0.0, 0
    with ThreadPoolExecutor(JOBS) as pool:
        for case, outcome in zip(cases, pool.map(lambda case: lose_a_rank(*case), cases), strict=True):
            how, victim, delay = case
            longest = max(outcome.raised.values(), default=float("inf"))
            good = len(outcome.raised) == 2 and longest < LIMIT and outcome.code != 0
            slowest, failures = max(slowest, longest), failures + (not good)
            note = "" if good else f"  {outcome}"
            print(
                f"{how.name} rank {victim} after {delay:.3f} s: raised {longest:.2f} s later{note}",
                flush=True,
            )
    print(f"{tries} tries, {failures} failures, slowest {slowest:.2f} s")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
