"""The row of dropout, whose map is linear and so its own backward."""

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
RATES = (0.5, 0.1, 0.0, 1.0, 0.999)
KEYS = ((0, 0), (1, 7), (2**64 - 1, 2**32), (12345678901234567, 2**64 - 1))


def make(rng: Generator, shape: tuple[int, ...], i: int) -> Sample:
    seed, call = KEYS[i % len(KEYS)]
    return Sample({"x": rng.standard_normal(shape)}, {"p": RATES[i % len(RATES)], "seed": seed, "call": call})


def samples(rng: Generator) -> list[Sample]:
    return [make(rng, shape, i) for i, shape in enumerate(SHAPES)]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, shape, i) for i, shape in enumerate(((300_001,), (700, 301)))]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    o = sample.options
    out_array = None if out is None else out[0]
    key = (o["seed"], o["call"])
    return (backend.functional.dropout(sample.arrays["x"], o["p"], key=key, out=out_array),)


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

dropout = Function(
    name="dropout",
    stem="dropout",
    run=run,
    reference=lambda s: (reference.forward(**s.arrays, **s.options),),
    samples=samples,
    large=large,
    errors=ERRORS,
)
FUNCTIONS = (dropout,)
GRADIENTS = (Gradient(dropout, dropout, ("x",), feed),)
