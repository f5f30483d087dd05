"""Minor page faults of a training step in the steady state, by library.

    python benchmarks/faults.py            the training steps on one thread
    python benchmarks/faults.py 2          on two threads

A fault is a fresh page of 4 KiB that the system has to find and clear: about a microsecond. Memory that is
used again has none. Each library runs in a process of its own, and some steps pass before the counting.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.case import Case, Library
from benchmarks.cases import CASES
from benchmarks.worker import Worker

WARM_UP, SECONDS = 10, 1.0
LIBRARIES: tuple[Library, ...] = ("fastnn", "torch")


def training_steps() -> list[Case]:
    return [case for case in CASES.values() if case.rebuild and not case.name.endswith("channels_last")]


def faults(worker: Worker, case: Case) -> float:
    """Faults a step."""
    worker.ask("prepare", case.name)
    steps = worker.ask("iterations", SECONDS)
    worker.ask("faults", WARM_UP)
    per_step: float = worker.ask("faults", steps)
    worker.ask("drop")
    return per_step


def main(arguments: Sequence[str]) -> None:
    threads = int(arguments[0]) if arguments else 1
    workers = {library: Worker(library, threads) for library in LIBRARIES}
    print(f"{'page faults a step':42}" + "".join(f"{library:>12}" for library in workers))
    for case in training_steps():
        counts = [faults(worker, case) for worker in workers.values()]
        print(f"{case.name:42}" + "".join(f"{count:12.2f}" for count in counts), flush=True)
    for worker in workers.values():
        worker.close()


if __name__ == "__main__":
    main(sys.argv[1:])
