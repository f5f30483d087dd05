"""Cost against size: what one unit of work costs, from the smallest arrays to the largest.

    python benchmarks/sizes.py                  one thread
    python benchmarks/sizes.py --threads 2

Cost should grow with work: a curve that jumps between neighbouring sizes marks a block size, a cache or a
path that was chosen badly. Products and convolutions are drawn as a share of the FMA peak, the rest as
nanoseconds an element, each against the size that varies. fastnn only; compare.py measures it against others.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import compare, machine, plot, report, timing
from benchmarks.bench_adam import fastnn_builder as adam
from benchmarks.bench_batch_norm import fastnn_forward as batch_norm
from benchmarks.bench_conv2d import Layer
from benchmarks.bench_conv2d import fastnn_backward as conv2d_backward
from benchmarks.bench_conv2d import fastnn_forward as conv2d_forward
from benchmarks.bench_cross_entropy import build_fastnn as cross_entropy
from benchmarks.bench_linear import fastnn_forward as linear
from benchmarks.bench_pool2d import max_backward, max_forward
from benchmarks.case import Array, Call

SECONDS, BLOCKS = 0.01, 5
RNG = np.random.default_rng(0)


@dataclass(frozen=True)
class Point:
    """One size of a family: the axis it varies along, the work, and what a call takes."""

    family: str
    axis: str
    size: int
    flops: float
    elements: float
    seconds: float

    def cost(self, peak: float) -> float:
        """The share of the peak, or nanoseconds an element."""
        return self.flops / self.seconds / peak if self.flops else 1e9 * self.seconds / self.elements


def normal(*shape: int) -> Array:
    return RNG.standard_normal(shape, np.float32)


def seconds_per_call(call: Call) -> float:
    """The median over some blocks."""

    def run(n: int) -> float:
        start = perf_counter()
        for _ in range(n):
            call()
        return perf_counter() - start

    n = timing.iterations(run, SECONDS)
    return median(run(n) for _ in range(BLOCKS)) / n


# --- the families: (size, FLOP or 0, elements, a call) for each size ---
Sized = Iterator[tuple[int, float, float, Call]]


def product() -> Sized:
    for n in (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096):
        yield n, 2.0 * n**3, 0, linear(normal(n, n), normal(n, n))


def conv2d(layers: Sequence[tuple[int, Layer]], forward: bool) -> Sized:
    for size, layer in layers:
        if forward:
            call = conv2d_forward(layer, *[a.astype(np.float32) for a in layer.inputs(RNG)])
        else:
            call = conv2d_backward(layer, *[a.astype(np.float32) for a in layer.backward_inputs(RNG)])
        yield size, (1 if forward else 2) * layer.flops, 0, call


def planes() -> list[tuple[int, Layer]]:
    """64 channels, and as many images as keep the work alike."""
    sizes = (7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224)
    return [(n, Layer("", max(1, 12544 // n**2), 64, n, 64, 3, 1, 1)) for n in sizes]


def batches() -> list[tuple[int, Layer]]:
    sizes = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
    return [(n, Layer("", n, 64, 14, 64, 3, 1, 1)) for n in sizes]


def elementwise(make: Callable[[int], tuple[Call, int]], largest: float) -> Sized:
    """Sizes from a thousand elements on, by factors of the square root of ten."""
    for size in np.geomspace(1e3, largest, round(2 * np.log10(largest / 1e3)) + 1):
        call, elements = make(int(size))
        yield elements, 0, elements, call


def max_pool2d(size: int, forward: bool) -> tuple[Call, int]:
    shape = (-(-size // 784), 1, 28, 28) if size < 784 * 32 else (size // (784 * 32), 32, 28, 28)
    kind = (max_forward if forward else max_backward)(shape, 2, 2, 0)
    call: Call = kind["builders"]["fastnn"](*[a.astype(np.float32) for a in kind["inputs"](RNG)])
    return call, int(np.prod(shape))


def normalise(size: int) -> tuple[Call, int]:
    C = 32
    x = normal(-(-size // (C * 196)), C, 14, 14)
    return batch_norm(True, False)(x, normal(C), normal(C), normal(C), np.ones(C, np.float32)), x.size


def classify(size: int) -> tuple[Call, int]:
    N = -(-size // 100)
    return cross_entropy(normal(N, 100), RNG.integers(0, 100, N)), N * 100


def optimize(size: int) -> tuple[Call, int]:
    return adam("Adam")(normal(size), normal(size)), size


FAMILIES: dict[str, tuple[str, Callable[[], Sized]]] = {
    "product n x n x n": ("n", product),
    "conv2d 3x3 forward, 64 channels": ("plane", lambda: conv2d(planes(), True)),
    "conv2d 3x3 backward, 64 channels": ("plane", lambda: conv2d(planes(), False)),
    "conv2d 3x3 forward, 64x14x14": ("batch", lambda: conv2d(batches(), True)),
    "conv2d 3x3 backward, 64x14x14": ("batch", lambda: conv2d(batches(), False)),
    "max_pool2d 2x2 forward": ("elements", lambda: elementwise(lambda n: max_pool2d(n, True), 10**7.5)),
    "max_pool2d 2x2 backward": ("elements", lambda: elementwise(lambda n: max_pool2d(n, False), 10**7.5)),
    "batch_norm, training": ("elements", lambda: elementwise(normalise, 10**7.5)),
    "cross_entropy with gradient": ("elements", lambda: elementwise(classify, 10**7.5)),
    "Adam": ("elements", lambda: elementwise(optimize, 10**7.5)),
}


def measure(family: str) -> list[Point]:
    axis, sized = FAMILIES[family]
    points = []
    for size, flops, elements, call in sized():
        points.append(Point(family, axis, size, flops, elements, seconds_per_call(call)))
    return points


def cliffs(points: Sequence[Point], peak: float) -> list[str]:
    """Where a larger size costs over half as much again a unit of work as the one before."""
    found = []
    for before, after in pairwise(points):
        if before.family == after.family:
            ratio = after.cost(peak) / before.cost(peak)
            worse = 1 / ratio if after.flops else ratio
            if worse > 1.5:
                found.append(f"{after.family}: {after.size} costs {worse:.2f} times {before.size} a unit")
    return found


# --- the picture ---
def draw(points: Sequence[Point], peak: float, title: str) -> Any:
    from matplotlib.figure import Figure

    axes_names = list(dict.fromkeys(point.axis for point in points))
    figure = Figure(figsize=(8.4, 7.2), layout="constrained")
    panels = figure.subplots(2, 2).flat
    for panel, name in zip(panels, axes_names, strict=False):
        _panel(panel, [point for point in points if point.axis == name], peak, name)
    figure.suptitle(title, fontsize=11)
    return figure


def _panel(panel: Any, points: Sequence[Point], peak: float, name: str) -> None:
    for family in dict.fromkeys(point.family for point in points):
        line = [point for point in points if point.family == family]
        panel.plot([p.size for p in line], [p.cost(peak) for p in line], ".-", lw=1.2, label=family)
    panel.set_xscale("log")
    panel.set_yscale("log")
    if points[0].flops:
        panel.set_ylim(0.02, 1.1)
        panel.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["2 %", "5 %", "10 %", "20 %", "50 %", "100 %"])
    panel.set_ylabel("share of the FMA peak" if points[0].flops else "nanoseconds an element")
    panel.set_xlabel(name)
    panel.grid(which="major", color="0.85", lw=0.6)
    panel.legend(fontsize=7)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--out", metavar="NAME", help="name of the results (default: as compare.py's, -sizes)"
    )
    options = parser.parse_args(arguments)
    import fastnn
    from fastnn import _core

    fastnn.set_num_threads(options.threads)
    facts = machine.describe()
    peak = _core.fma_peak("float32", 200)
    points = [point for family in FAMILIES for point in measure(family)]
    for point in points:
        print(
            f"{point.family:36} {point.size:9} {report.duration(point.seconds):>10} {point.cost(peak):9.3f}"
        )
    print("\n".join(cliffs(points, peak)))
    name = options.out or compare.default_name(str(facts["cpu"]), f"{fastnn.isa()} sizes {options.threads}")
    path = compare.RESULTS / f"{name}.json"
    content = {**facts, "isa": fastnn.isa(), "threads": options.threads, "peak": peak}
    report.write_json(path, {**content, "points": [asdict(point) for point in points]})
    title = f"fastnn: what a unit of work costs; {facts['cpu']} ({fastnn.isa()}), {options.threads} thread(s)"
    plot.write(path.with_suffix(".png"), draw(points, peak, title))
    print(f"written: {path}")


if __name__ == "__main__":
    main()
