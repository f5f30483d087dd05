"""The cost model of docs/scaling.md: the step of data parallel training on more ranks than are at hand.

    python benchmarks/scaling_model.py                                     the table of docs/scaling.md
    python benchmarks/scaling_model.py --latency 20e-6 --bandwidth 1.2e9   another network

A step on P ranks takes compute + jitter sqrt(2 ln P) + all-reduce; the formulas stand at the functions.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.distributed.mpi import PART, WHOLE
from fastnn.distributed.shared import PIECE

RANKS = (1, 2, 4, 8, 16, 64, 256, 1024)


@dataclass(frozen=True)
class Network:
    """Seconds a message, bytes a second each way of a rank, bytes a second of adding and copying."""

    latency: float
    bandwidth: float
    memory: float


def all_reduce(size: int, ranks: int, network: Network) -> float:
    """Seconds for `size` bytes, as `fastnn.distributed` does it.

    Small: gathered whole in ceil(log2 P) messages, (P - 1) n bytes. Large: pieces, each of which every rank
    sends in P - 1 parts and gets back in P - 1 parts, 2 (P - 1) / P n bytes, and adds (P - 1) / P n of them.
    """
    if ranks == 1:
        return 0.0
    if size * ranks <= WHOLE:
        bytes_moved = (ranks - 1) * size
        return math.ceil(math.log2(ranks)) * network.latency + bytes_moved / network.bandwidth
    pieces = math.ceil(size / max(PIECE, PART * ranks))
    share = (ranks - 1) / ranks * size
    messages = 2 * pieces * (ranks - 1)
    return messages * network.latency + 2 * share / network.bandwidth + share / network.memory


def step(compute: float, jitter: float, size: int, bucket: int, ranks: int, network: Network) -> float:
    """Seconds: the slowest of P ranks whose times scatter by `jitter` (normal), then the buckets in turn."""
    slowest = compute + jitter * math.sqrt(2.0 * math.log(ranks))
    whole, rest = divmod(size, bucket)
    buckets = [bucket] * whole + [rest] * (rest > 0)
    return slowest + sum(all_reduce(each, ranks, network) for each in buckets)


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--latency", type=float, default=2e-6, help="seconds a message")
    parser.add_argument("--bandwidth", type=float, default=10e9, help="bytes a second each way")
    parser.add_argument("--memory", type=float, default=10e9, help="bytes a second of adding what came")
    parser.add_argument("--compute", type=float, default=28e-3, help="seconds of a step on one rank")
    parser.add_argument("--jitter", type=float, default=0.3e-3, help="deviation of that time")
    parser.add_argument("--size", type=int, default=4 * 421_738, help="bytes of gradients")
    parser.add_argument("--bucket", type=int, default=32 << 20, help="bytes of a bucket")
    options = parser.parse_args(argv)
    network = Network(options.latency, options.bandwidth, options.memory)
    print("| ranks | all-reduce | step | efficiency |")
    print("|--:|--:|--:|--:|")
    for ranks in RANKS:
        seconds = step(options.compute, options.jitter, options.size, options.bucket, ranks, network)
        reduce = seconds - step(options.compute, options.jitter, 0, options.bucket, ranks, network)
        efficiency = options.compute / seconds
        print(f"| {ranks:,} | {reduce * 1e3:.2f} ms | {seconds * 1e3:.2f} ms | {efficiency:.0%} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
