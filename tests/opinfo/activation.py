"""The rows of relu and relu_backward."""

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import (
    TAILS,
    Array,
    Arrays,
    Backend,
    Function,
    Gradient,
    Sample,
    f32,
    fed,
    wrong,
)
from tests.reference import activation as reference

SHAPES = (
    *((t,) for t in TAILS),
    *((3, t) for t in TAILS),
    *((t, 5) for t in TAILS),
    *((), (2, 3, 4), (2, 1, 3, 2), (0,), (4, 0), (0, 4), (100, 37)),
)


def away_from_zero(rng: Generator, shape: tuple[int, ...]) -> Array:
    """The kink at 0 has no derivative to check."""
    x = rng.standard_normal(shape)
    return np.asarray(x + np.copysign(0.01, x))


def samples(rng: Generator) -> list[Sample]:
    return [Sample({"x": away_from_zero(rng, shape)}) for shape in SHAPES]


def large(rng: Generator) -> list[Sample]:
    return [Sample({"x": away_from_zero(rng, shape)}) for shape in ((300_001,), (700, 301))]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    return (backend.functional.relu(sample.arrays["x"], out=None if out is None else out[0]),)


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    out_array = None if out is None else out[0]
    return (backend.functional.relu_backward(a["grad_output"], a["y"], out=out_array),)


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    return Sample({"grad_output": np.asarray(grad_output), "y": np.asarray(y)})


ERRORS = (
    wrong("relu", "x None", (None,), TypeError, r"x.*ndarray.*None"),
    wrong("relu", "x a number", (1.5,), TypeError, r"x.*ndarray.*float"),
    wrong("relu", "x a string", ("abc",), TypeError, r"x.*ndarray.*str"),
    wrong(
        "relu", "out of another shape", (f32(2, 3),), ValueError, r"out.*\(2, 3\).*\(3, 2\)", out=f32(3, 2)
    ),
    wrong("relu", "out a number", (f32(2, 3),), TypeError, r"out.*ndarray.*float", out=1.0),
)
BACKWARD_ERRORS = (
    wrong(
        "relu_backward",
        "y of another shape",
        (f32(2, 3), f32(2, 4)),
        ValueError,
        r"\(2, 3\).*\(2, 4\)|\(2, 4\).*\(2, 3\)",
    ),
    wrong(
        "relu_backward",
        "y of other ndim",
        (f32(2, 3), f32(6)),
        ValueError,
        r"\(2, 3\).*\(6,\)|\(6,\).*\(2, 3\)",
    ),
    wrong("relu_backward", "grad_output None", (None, f32(2)), TypeError, r"grad_output.*ndarray.*None"),
)

forward = Function(
    name="relu",
    stem="activation",
    run=run,
    reference=lambda s: (reference.relu(**s.arrays),),
    samples=samples,
    large=large,
    errors=ERRORS,
    batched=("x",),
    separable=lambda s: s.arrays["x"].ndim > 0,
)
backward = Function(
    name="relu_backward",
    stem="activation",
    run=run_backward,
    reference=lambda s: (reference.relu_backward(**s.arrays),),
    samples=fed(samples, forward.reference, feed),
    large=fed(large, forward.reference, feed),
    errors=BACKWARD_ERRORS,
    batched=("grad_output", "y"),
    separable=lambda s: s.arrays["y"].ndim > 0,
)
FUNCTIONS = (forward, backward)
GRADIENTS = (Gradient(forward, backward, ("x",), feed),)
