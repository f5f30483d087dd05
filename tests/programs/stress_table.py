"""Calls every function of the table from several Python threads at once, for ThreadSanitizer to watch.

Leaves with 1 where a result had other bits than alone. With --race, two threads write one array instead, and
that has to be reported.
"""

import sys
import threading

import numpy as np

import fastnn
import fastnn.functional as F
from tests.backends import CPU
from tests.opinfo import DTYPES, FUNCTIONS, Function, Sample

THREADS, ROUNDS = 3, 12


def bits(function: Function, given: Sample) -> list[bytes]:
    results = function.run(CPU, given.map(lambda _, a: a.copy()), None)
    return [np.asarray(r).tobytes() for r in results]


def jobs() -> list[tuple[Function, Sample, list[bytes]]]:
    """Of every function two calls that are cut among threads, and one that is not."""
    rng = np.random.default_rng(0)
    made = []
    for i, function in enumerate(FUNCTIONS):
        fresh = function.fresh()
        for sample in (fresh[len(fresh) // 2], *function.large(rng)[:2]):
            given = sample.cast(DTYPES[i % 2])
            made.append((function, given, bits(function, given)))
    return made


def stress() -> int:
    todo, wrong, done = jobs(), [], threading.Event()

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for i in rng.permutation(np.arange(ROUNDS * len(FUNCTIONS)) % len(todo)):
            function, given, wanted = todo[i]
            if bits(function, given) != wanted:
                wrong.append(str(function))

    def change() -> None:
        n = 0
        while not done.wait(0.002):
            n += 1
            fastnn.set_num_threads(1 + n % 4)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(THREADS)]
    changer = threading.Thread(target=change)
    for thread in (*workers, changer):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    changer.join()
    return len(wrong)


def race() -> None:
    x, out = np.ones(1_000_000, np.float32), np.empty(1_000_000, np.float32)
    writers = [threading.Thread(target=lambda: [F.relu(x, out=out) for _ in range(20)]) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


if __name__ == "__main__":
    fastnn.set_num_threads(3)
    if sys.argv[1:] == ["--race"]:
        race()
    else:
        sys.exit(min(stress(), 1))
