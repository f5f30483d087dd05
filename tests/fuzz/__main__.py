"""python -m tests.fuzz [--calls 100000] [--seed N] [--first I]: see the package.

Prints how the calls ended, and every one that ended the process or raised what no caller expects.
`--first I --calls 1` makes one of them again.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.runner import GOOD, READY, Calls
from tests.processes import ROOT, limited_sanitizer

# Ends of the process after which there is enough to look at.
CRASHES = 20


@dataclass
class Report:
    seed: int
    ends: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    crashes: int = 0

    def add(self, number: int, end: str) -> None:
        self.ends[end if end in GOOD else "failed"] += 1
        if end not in GOOD:
            self.failures.append((number, end))

    def __str__(self) -> str:
        """The first failure of every function and kind, and the counts."""
        calls = Calls(self.seed) if self.failures else None
        told: dict[tuple[str, str], str] = {}
        for number, end in self.failures:
            call = calls[number]
            text = f"call {number} of seed {self.seed}: {end}\n  {call}"
            told.setdefault((call.name, end.partition(":")[0]), text)
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        return "\n".join([*told.values(), f"{self.ends.total()} calls: {ends}"])


def environment() -> dict[str, str]:
    """With the tests on the path."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **limited_sanitizer(), "PYTHONPATH": path}


def run_until_it_ends(report: Report, first: int, count: int, runner: str) -> int:
    """Makes up to `count` calls in one process; how many it made."""
    done = subprocess.run(
        [sys.executable, "-m", runner, *map(str, (report.seed, first, count))],
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
        check=False,
    )
    ready, *ends = done.stdout.splitlines() or [""]
    if ready != READY:
        raise RuntimeError(f"the process ended with {done.returncode} before its first call")
    for number, end in enumerate(ends, first):
        report.add(number, end)
    if done.returncode == 0:
        return len(ends)
    code = done.returncode
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    report.add(first + len(ends), f"ended the process: {how}")
    report.crashes += 1
    return len(ends) + 1


def fuzz(seed: int, first: int, count: int, runner: str = "tests.fuzz.runner") -> Report:
    report = Report(seed)
    end = first + count
    while first < end and report.crashes < CRASHES:
        first += run_until_it_ends(report, first, end - first, runner)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description="Calls with wrong arguments.")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    report = fuzz(given.seed, given.first, given.calls)
    print(report)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
