"""Training, forks, checkpoints, threads and wrong calls in random order for an hour, to see what grows.

    python -m tests.soak --minutes 60 --seed 0

Prints memory, descriptors and threads as time goes by. Leaves with 1 where a piece of work failed, or where
at the end memory is over 1 % above that after the first tenth, or there are more descriptors or threads.
"""

import argparse
import ctypes
import gc
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

import fastnn
import fastnn.functional as F
from fastnn import io, nn, optim, train
from tests.backends import CPU
from tests.opinfo import FUNCTIONS

Work = Callable[[np.random.Generator, Path], None]


def model_of(kind: int, dtype: type) -> tuple[nn.Module, tuple[int, ...]]:
    """A net and the shape of one sample."""
    if kind == 0:
        hidden = (nn.Linear(32, 64, dtype=dtype), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5, dtype=dtype))
        return nn.Sequential(*hidden), (32,)
    convolution = (
        nn.Conv2d(1, 8, 3, dtype=dtype),
        nn.BatchNorm2d(8, dtype=dtype),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
    return nn.Sequential(*convolution, nn.Flatten(), nn.Linear(288, 5, dtype=dtype)), (1, 14, 14)


def training(rng: np.random.Generator, _: Path) -> None:
    """An epoch of a net, a batch size and a number of threads that are drawn."""
    dtype = (np.float32, np.float64)[rng.integers(2)]
    model, shape = model_of(int(rng.integers(2)), dtype)
    x = rng.standard_normal((int(rng.integers(1, 600)), *shape)).astype(dtype)
    y = rng.integers(0, 5, len(x))
    optimizer = (optim.SGD, optim.Adam, optim.RMSprop)[rng.integers(3)](model.parameters(), lr=1e-3)
    with fastnn.threads(int(rng.integers(1, 4))):
        batch = int(rng.integers(2, 64))
        history = train.fit(
            model, nn.CrossEntropyLoss(), optimizer, (x, y), epochs=1, batch_size=batch, progress=False
        )
    assert np.isfinite(history["loss"]).all()


def fork(rng: np.random.Generator, folder: Path) -> None:
    """A child that trains."""
    child = os.fork()
    if child == 0:
        try:
            training(rng, folder)
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def checkpoint(rng: np.random.Generator, folder: Path) -> None:
    """What is loaded is what was saved, and no other file is left."""
    model, _ = model_of(1, np.float32)
    other, _ = model_of(1, np.float32)
    optimizers = [optim.Adam(m.parameters(), lr=float(rng.random())) for m in (model, other)]
    path = folder / "run.safetensors"
    io.save_checkpoint(path, model, optimizer=optimizers[0])
    io.load_checkpoint(path, other, optimizer=optimizers[1])
    assert all(np.array_equal(a, other.state_dict()[name]) for name, a in model.state_dict().items())
    assert list(folder.iterdir()) == [path]


def wrong_calls(rng: np.random.Generator, _: Path) -> None:
    """Each raises what it has to."""
    function = FUNCTIONS[rng.integers(len(FUNCTIONS))]
    for case in function.errors:
        try:
            case.call(CPU)
        except case.exception:
            continue
        raise AssertionError(f"{function} accepted {case.label}")


def threads(rng: np.random.Generator, _: Path) -> None:
    """Several Python threads, each with an operation of its own, get the bits that it has alone."""
    chosen = [FUNCTIONS[i] for i in rng.integers(len(FUNCTIONS), size=3)]
    samples = [f.fresh()[0].cast("float32") for f in chosen]

    def bits(i: int) -> list[bytes]:
        return [
            np.asarray(r).tobytes() for r in chosen[i].run(CPU, samples[i].map(lambda _, a: a.copy()), None)
        ]

    alone, together = [bits(i) for i in range(3)], [[b""]] * 3

    def work(i: int) -> None:
        together[i] = bits(i)

    started = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert together == alone


WORK: tuple[Work, ...] = (training, fork, checkpoint, wrong_calls, threads)


def state() -> tuple[int, int, int]:
    """Bytes in memory, open descriptors, and threads for two: once what is not needed has been given back."""
    with fastnn.threads(2):
        F.relu(np.ones(1 << 20, np.float32))
    fastnn.empty_cache()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    entries = (len(list(Path(f"/proc/self/{folder}").iterdir())) for folder in ("fd", "task"))
    return pages * os.sysconf("SC_PAGE_SIZE"), *entries


def soak(minutes: float, seed: int) -> int:
    """The exit code."""
    rng, done, failures = np.random.default_rng(seed), Counter[str](), 0
    began, end, shown, settled = time.monotonic(), 60 * minutes, 0.0, state()
    settling = True
    with tempfile.TemporaryDirectory() as folder:
        while (now := time.monotonic() - began) < end:
            work = WORK[rng.integers(len(WORK))]
            try:
                work(rng, Path(folder))
            except Exception as error:
                failures += 1
                print(f"{work.__name__}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            done[work.__name__] += 1
            if settling and now > end / 10:
                settled, settling = state(), False
            if now >= shown:
                shown += end / 20
                report(now, state())
    last = state()
    report(time.monotonic() - began, last)
    print(f"{dict(sorted(done.items()))}, {failures} failures, memory {last[0] / settled[0] - 1:+.2%}")
    grown = last[0] > 1.01 * settled[0] or last[1] > settled[1] or last[2] > settled[2]
    return int(grown or failures > 0)


def report(seconds: float, figures: tuple[int, int, int]) -> None:
    memory, descriptors, tasks = figures
    print(
        f"{seconds / 60:6.1f} min {memory / 2**20:8.1f} MiB {descriptors:4} descriptors {tasks:3} threads",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(soak(options.minutes, options.seed))
