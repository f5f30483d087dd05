"""The rows of dropout and dropout2d, whose maps are linear and so their own backwards."""

from collections.abc import Callable, Sequence
from typing import Any

from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Gradient, Sample, f32, wrong
from tests.reference import dropout as reference

SHAPES = (
    *((t,) for t in TAILS),
    *((3, t) for t in TAILS),
    *((t, 5) for t in TAILS),
    *((), (2, 3, 4), (2, 1, 3, 2), (0,), (4, 0), (100, 37)),
)
PLANES = (
    *((2, t, 3) for t in TAILS),
    *((3, 2, t) for t in TAILS),
    *((1, 70, 2, 2), (2, 3, 4, 5), (1, 2, 3, 2, 2), (0, 3, 4), (2, 0, 3), (2, 3, 0), (1, 1, 1)),
)
RATES = (0.5, 0.1, 0.0, 1.0, 0.999)
KEYS = ((0, 0), (1, 7), (2**64 - 1, 2**32), (12345678901234567, 2**64 - 1))


def make(rng: Generator, shape: tuple[int, ...], i: int) -> Sample:
    seed, call = KEYS[i % len(KEYS)]
    return Sample({"x": rng.standard_normal(shape)}, {"p": RATES[i % len(RATES)], "seed": seed, "call": call})


def sampler(shapes: Sequence[tuple[int, ...]]) -> Callable[[Generator], list[Sample]]:
    return lambda rng: [make(rng, shape, i) for i, shape in enumerate(shapes)]


def runner(name: str) -> Callable[[Backend, Sample, Arrays | None], Arrays]:
    def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
        o = sample.options
        out_array = None if out is None else out[0]
        function = getattr(backend.functional, name)
        return (function(sample.arrays["x"], o["p"], key=(o["seed"], o["call"]), out=out_array),)

    return run


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    return sample.put(x=grad_output)


ERRORS = (
    wrong("dropout", "p above 1", (f32(3), 1.5), ValueError, r"p .*\[0, 1\].*1\.5"),
    wrong("dropout", "p below 0", (f32(3), -0.1), ValueError, r"p .*\[0, 1\].*-0\.1"),
    wrong("dropout", "p NaN", (f32(3), float("nan")), ValueError, r"p .*\[0, 1\].*nan"),
    wrong("dropout", "p infinite", (f32(3), float("inf")), ValueError, r"p .*\[0, 1\].*inf"),
    wrong("dropout", "x None", (None, 0.5), TypeError, r"x .*ndarray.*None"),
    wrong("dropout", "x a number", (1.0, 0.5), TypeError, r"x .*ndarray.*float"),
    wrong("dropout", "out a number", (f32(3), 0.5), TypeError, r"out .*ndarray.*int", out=1),
    wrong("dropout", "out of another shape", (f32(3), 0.5), ValueError, r"out.*\(3,\).*\(4,\)", out=f32(4)),
)
X = f32(1, 2, 3)
ERRORS2D = (
    wrong("dropout2d", "p above 1", (X, 1.5), ValueError, r"p .*\[0, 1\].*1\.5"),
    wrong("dropout2d", "p below 0", (X, -0.1), ValueError, r"p .*\[0, 1\].*-0\.1"),
    wrong("dropout2d", "p a string", (X, "half"), TypeError, r"p .*number.*half"),
    wrong("dropout2d", "x None", (None, 0.5), TypeError, r"x .*ndarray.*None"),
    wrong("dropout2d", "x 2-d", (f32(3, 4), 0.5), ValueError, r"x .*\(N, C, L\).*\(3, 4\)"),
    wrong("dropout2d", "x 0-d", (f32(), 0.5), ValueError, r"x .*\(N, C, L\).*\(\)"),
    wrong("dropout2d", "out a number", (X, 0.5), TypeError, r"out .*ndarray.*int", out=1),
    wrong("dropout2d", "key of three", (X, 0.5), TypeError, r"key .*pair.*\(1, 2, 3\)", key=(1, 2, 3)),
    wrong("dropout2d", "out of another shape", (X, 0.5), ValueError, r"out.*\(1, 2, 3\).*\(4,\)", out=f32(4)),
)

dropout = Function(
    name="dropout",
    stem="dropout",
    run=runner("dropout"),
    reference=lambda s: (reference.forward(**s.arrays, **s.options),),
    samples=sampler(SHAPES),
    large=sampler(((300_001,), (700, 301))),
    errors=ERRORS,
)
dropout2d = Function(
    name="dropout2d",
    stem="dropout",
    run=runner("dropout2d"),
    reference=lambda s: (reference.forward2d(**s.arrays, **s.options),),
    samples=sampler(PLANES),
    large=sampler(((30, 70, 11, 13), (3000, 41, 3), (1, 3, 200, 301))),
    errors=ERRORS2D,
)
FUNCTIONS = (dropout, dropout2d)
GRADIENTS = (Gradient(dropout, dropout, ("x",), feed), Gradient(dropout2d, dropout2d, ("x",), feed))
