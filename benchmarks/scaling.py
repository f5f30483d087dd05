"""What data parallel training costs and brings on this machine: the figures of docs/scaling.md.

    python benchmarks/scaling.py            throughput of 2 ranks against 1, all-reduce, overlap
    python benchmarks/scaling.py --ranks 4
    python benchmarks/scaling_model.py      carries the figures to more ranks

Each rank has one thread. Throughput is measured in blocks, in turn: 1 rank, all ranks at once with a net each
(what the machine gives), and all ranks with one net. A ratio is the median of those of neighbouring blocks: a
machine that slows down slows both. The all-reduce is timed between barriers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fastnn
from benchmarks.bench_cnn import SHAPES, cnn
from fastnn import distributed, nn, optim
from fastnn.distributed import Group

BATCH = 128  # of a rank
STEPS = 8  # in a block of about 0.2 s
PAIRS = 15
SIZES = [4 << (2 * i) for i in range(13)]  # 4 bytes to 64 MiB


def main(argv: Sequence[str] | None = None) -> int:
    """Start the ranks, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if not options.worker:
        mpiexec = Path(sys.executable).parent / "mpiexec"
        launcher = [str(mpiexec) if mpiexec.exists() else "mpiexec", "-n", str(options.ranks)]
        return subprocess.run([*launcher, sys.executable, __file__, "--worker"], check=False).returncode
    group = distributed.init("mpi")
    fastnn.set_num_threads(1)
    lines = [*throughput(group), "", *overlap(group), "", *all_reduces(group)]
    if group.rank == 0:
        print("\n".join(lines))
    return 0


def throughput(group: Group) -> list[str]:
    """Steps of the CNN of bench_cnn.py by rank 0 alone, by all at once, and by all with one net."""
    alone, together = Training(Group()), Training(group)
    together.run(2)
    times = []  # seconds of blocks: these three, and the averaging in the last
    for _ in range(PAIRS):
        group.barrier()
        first = alone.run(STEPS)[0] if group.rank == 0 else 0.0
        group.barrier()
        second = alone.run(STEPS)[0]
        group.barrier()
        times.append((first, second, *together.run(STEPS)))
    ranks = group.all_gather(np.array(times))
    single, apart = ranks[0, :, 0], ranks[:, :, 1].mean(axis=0)
    several, waited = ranks[0, :, 2:].T
    size, step = group.size, _milliseconds_a_step
    return [
        f"CNN 28x28, batch {BATCH} per rank, {together.parameters:,} parameters, one thread a rank",
        f"step, 1 rank                         {step(single)}",
        f"step, {size} ranks                        {step(several)}, "
        f"of which {step(waited)} in the all-reduce, waiting included",
        f"throughput, {size} ranks / 1               {_ratio(size * single / several)}",
        f"without an all-reduce, {size} ranks / 1    {_ratio(size * single / apart)}",
    ]


def _ratio(ratios: Any) -> str:
    low, high = np.percentile(ratios, [10, 90])
    return f"{np.median(ratios):8.2f} ({low:.2f} to {high:.2f})"


def _milliseconds_a_step(blocks: Any) -> str:
    return f"{np.median(blocks) / STEPS * 1e3:.2f} ms"


class Training:
    """A model, its optimizer and a batch, ready for steps."""

    def __init__(self, group: Group) -> None:
        rng = np.random.default_rng(group.rank)
        weights = [rng.standard_normal(shape) * 0.05 for shape in SHAPES]
        self._model: Any = cnn(nn, [weight.astype(np.float32) for weight in weights])
        self._loss, self._group = nn.CrossEntropyLoss(), group
        self._optimizer = distributed.optimizer(optim.Adam(self._model.parameters()), group)
        self._x = rng.standard_normal((BATCH, 1, 28, 28), np.float32)
        self._y = rng.integers(0, 10, BATCH)
        self.parameters = sum(p.data.size for p in self._model.parameters())
        self.run(3)

    def run(self, steps: int) -> tuple[float, float]:
        """Seconds of so many steps, and how many of them went into the averaging."""
        waited, began = 0.0, time.perf_counter()
        for _ in range(steps):
            self._loss(self._model(self._x), self._y)
            self._model.zero_grad()
            self._model.backward_parameters(self._loss.backward())
            ready = time.perf_counter()
            self._optimizer.synchronize()
            waited += time.perf_counter() - ready
            self._optimizer.step()
        return time.perf_counter() - began, waited


def overlap(group: Group) -> list[str]:
    """Products of matrices and an all-reduce of the net's size, one after the other and side by side."""
    a = np.random.default_rng(0).standard_normal((768, 768), np.float32)
    gradients = np.zeros(421_738, np.float32)

    def compute() -> None:
        for _ in range(4):
            fastnn.functional.linear(a, a)

    def communicate() -> None:
        for _ in range(4):
            group.all_reduce(gradients)

    def both() -> None:
        beside = threading.Thread(target=communicate)
        beside.start()
        compute()
        beside.join()

    times = {name: timed(group, call) for name, call in (("a", compute), ("b", communicate), ("c", both))}
    a_ms, b_ms, c_ms = (times[name] * 1e3 for name in "abc")
    return [
        f"compute {a_ms:.2f} ms, all-reduce {b_ms:.2f} ms, in turn {a_ms + b_ms:.2f} ms, "
        f"side by side {c_ms:.2f} ms"
    ]


def timed(group: Group, call: Callable[[], None], repeats: int = 25) -> float:
    """The median, over the repeats, of the slowest rank's seconds."""
    times = []
    for _ in range(repeats):
        group.barrier()
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return float(np.median(group.all_gather(np.array(times)).max(axis=0)))


def all_reduces(group: Group) -> list[str]:
    """Time of one by its size; the median of the ranks' slowest."""
    lines = ["all-reduce of float32      time      bytes / time"]
    for size in SIZES:
        array = np.zeros(size // 4, np.float32)
        repeats = 9 if size >= 1 << 22 else 200
        slowest = timed(group, partial(group.all_reduce, array), repeats)
        lines.append(f"{size:>14,} bytes {slowest * 1e6:10.1f} us {size / slowest / 1e9:10.2f} GB/s")
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
