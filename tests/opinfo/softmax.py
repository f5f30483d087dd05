"""The rows of softmax, log_softmax and their backwards."""

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import (
    TAILS,
    Array,
    Arrays,
    Backend,
    ErrorCase,
    Function,
    Gradient,
    Sample,
    f32,
    fed,
    wrong,
)
from tests.opinfo.tolerance import magnitude, softmax_units, summation
from tests.reference import softmax as reference

# Shape and axis.
CASES = (
    *(((t,), -1) for t in TAILS),
    *(((3, t), -1) for t in TAILS),
    *(((t, 5), 0) for t in TAILS),
    *(((2, t, 3), 1) for t in TAILS),
    *(((2, 3, t), -2) for t in TAILS),
    *(((2, 3, 4, 5), axis) for axis in range(-4, 4)),
    *(((0, 5), 1), ((5, 0), 1), ((0, 5), 0), ((2, 0, 3), 1), ((2, 0, 3), 2)),
)


def make(rng: Generator, shape: tuple[int, ...], axis: int) -> Sample:
    return Sample({"x": 3 * rng.standard_normal(shape)}, {"axis": axis})


def samples(rng: Generator) -> list[Sample]:
    return [make(rng, *case) for case in CASES]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, *case) for case in (((2000, 130), -1), ((130, 2000), 0), ((40, 50, 60), 1))]


def run(name: str) -> Any:
    def call(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
        function = getattr(backend.functional, name)
        out_array = None if out is None else out[0]
        return (function(*sample.arrays.values(), sample.options["axis"], out=out_array),)

    return call


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    return Sample({"grad_output": grad_output, "y": y}, sample.options)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    relative, _ = softmax_units(sample.arrays["x"], sample.options["axis"])
    return (np.abs(wanted[0]) * relative,)


def log_bound(sample: Sample, wanted: Arrays) -> Arrays:
    return (softmax_units(sample.arrays["x"], sample.options["axis"])[1],)


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    g, y = magnitude(*sample.arrays.values())
    axis = sample.options["axis"]
    total = (g * y).sum(axis=axis, keepdims=True)
    return (y * (4 * g + (4 + summation(y.shape[axis])) * total),)


def log_backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    g, y = (a.astype(np.float64) for a in sample.arrays.values())
    axis = sample.options["axis"]
    total = np.abs(g).sum(axis=axis, keepdims=True)
    return (4 * np.abs(g) + (4 + summation(y.shape[axis])) * np.exp(y) * total,)


def separable(sample: Sample) -> bool:
    ndim = next(iter(sample.arrays.values())).ndim
    return sample.options["axis"] % ndim != 0


def forward_errors(name: str) -> tuple[ErrorCase, ...]:
    return (
        wrong(name, "axis past the end", (f32(2, 3), 2), ValueError, r"axis.*\[-2, 2\).*2"),
        wrong(name, "axis before the start", (f32(2, 3), -3), ValueError, r"axis.*\[-2, 2\).*-3"),
        wrong(name, "axis of a number", (f32(), 1), ValueError, r"axis.*\[0, 0\).*\(\).*1"),
        wrong(name, "x None", (None,), TypeError, r"x.*ndarray.*None"),
        wrong(name, "out of another shape", (f32(2, 3),), ValueError, r"out.*\(2, 3\).*\(6,\)", out=f32(6)),
    )


def backward_errors(name: str) -> tuple[ErrorCase, ...]:
    return (
        wrong(
            name,
            "y of another shape",
            (f32(2, 3), f32(3, 2)),
            ValueError,
            r"\(2, 3\).*\(3, 2\)|\(3, 2\).*\(2, 3\)",
        ),
        wrong(name, "axis past the end", (f32(2, 3), f32(2, 3), 5), ValueError, r"axis.*\[-2, 2\).*5"),
        wrong(name, "y None", (f32(2, 3), None), TypeError, r"y.*ndarray.*None"),
    )


def row(name: str, meaning: Any, allowed: Any) -> Function:
    return Function(
        name=name,
        stem="softmax",
        run=run(name),
        reference=lambda s: (meaning(**s.arrays, **s.options),),
        samples=samples,
        large=large,
        bound=allowed,
        errors=forward_errors(name),
        batched=("x",),
        separable=separable,
    )


def backward_row(forward: Function, meaning: Any, allowed: Any) -> Function:
    name = forward.name + "_backward"
    return Function(
        name=name,
        stem="softmax",
        run=run(name),
        reference=lambda s: (meaning(**s.arrays, **s.options),),
        samples=fed(samples, forward.reference, feed),
        large=fed(large, forward.reference, feed),
        bound=allowed,
        errors=backward_errors(name),
        batched=("grad_output", "y"),
        separable=separable,
    )


softmax = row("softmax", reference.softmax, bound)
log_softmax = row("log_softmax", reference.log_softmax, log_bound)
softmax_backward = backward_row(softmax, reference.softmax_backward, backward_bound)
log_softmax_backward = backward_row(log_softmax, reference.log_softmax_backward, log_backward_bound)
FUNCTIONS = (softmax, softmax_backward, log_softmax, log_softmax_backward)
GRADIENTS = (
    Gradient(softmax, softmax_backward, ("x",), feed),
    Gradient(log_softmax, log_softmax_backward, ("x",), feed),
)
