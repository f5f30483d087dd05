"""The rows of linear and linear_backward."""

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
from tests.opinfo.tolerance import magnitude
from tests.reference import linear as reference

# M, K, N: x (M, K), weight (N, K).
SHAPES = (
    *((t, 5, 3) for t in TAILS),
    *((2, t, 3) for t in TAILS),
    *((3, 2, t) for t in TAILS),
    *((17, 33, 65), (64, 64, 64), (1, 100, 40), (40, 100, 1), (5, 300, 9)),
    *((1, 100, 75), (2, 64, 37), (1, 300, 70), (4, 40, 70)),
    *((0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0)),
)


def make(rng: Generator, lead: tuple[int, ...], K: int, N: int, bias: bool, activation: str | None) -> Sample:
    arrays = {"x": rng.standard_normal((*lead, K)), "weight": rng.standard_normal((N, K))}
    if bias:
        arrays["bias"] = rng.standard_normal(N)
    return Sample(arrays, {"activation": activation} if activation else {})


def samples(rng: Generator) -> list[Sample]:
    kinds = [(bias, act) for bias in (True, False) for act in (None, "relu")]
    made = [make(rng, (M,), K, N, *kinds[i % 4]) for i, (M, K, N) in enumerate(SHAPES)]
    leads = ((), (2, 3), (2, 1, 3), (0, 3))
    return made + [make(rng, lead, 7, 5, *kinds[i % 4]) for i, lead in enumerate(leads)]


def large(rng: Generator) -> list[Sample]:
    shapes = ((190, 300, 260), (1, 2000, 1000), (3000, 17, 10), (30, 5000, 30), (32, 256, 200))
    return [make(rng, (M,), K, N, i % 2 == 0, None) for i, (M, K, N) in enumerate(shapes)]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    y = backend.functional.linear(
        a["x"], a["weight"], a.get("bias"), out=None if out is None else out[0], **sample.options
    )
    return (y,)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    sizes = {name: magnitude(a)[0] for name, a in sample.arrays.items()}
    return (4 * reference.forward(**sizes),)


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    return backend.functional.linear_backward(a["grad_output"], a["x"], a["weight"], out=out)


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    a = sample.arrays
    terms = reference.backward(*magnitude(a["grad_output"], a["x"], a["weight"]))
    return tuple(4 * t for t in terms)


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    """The gradient past the fused activation, too."""
    a = sample.arrays
    if sample.options:
        grad_output = np.where(y > 0, grad_output, 0.0)
    return Sample({"grad_output": grad_output, "x": a["x"], "weight": a["weight"]})


ERRORS = (
    wrong("linear", "weight of another K", (f32(8, 5), f32(3, 4)), ValueError, r"weight.*\(O, 5\).*\(3, 4\)"),
    wrong("linear", "weight 1-d", (f32(8, 5), f32(5)), ValueError, r"weight.*\(O, 5\).*\(5,\)"),
    wrong("linear", "weight 3-d", (f32(8, 5), f32(1, 3, 5)), ValueError, r"weight.*\(1, 3, 5\)"),
    wrong("linear", "x 0-d", (f32(), f32(3, 4)), ValueError, r"x .*\(\)"),
    wrong("linear", "bias of another N", (f32(8, 5), f32(3, 5), f32(4)), ValueError, r"bias.*\(3,\).*\(4,\)"),
    wrong("linear", "bias 2-d", (f32(8, 5), f32(3, 5), f32(1, 3)), ValueError, r"bias.*\(3,\).*\(1, 3\)"),
    wrong(
        "linear",
        "unknown activation",
        (f32(8, 5), f32(3, 5)),
        ValueError,
        r"activation.*relu.*swish",
        activation="swish",
    ),
    wrong("linear", "x None", (None, f32(3, 4)), TypeError, r"x.*ndarray.*None"),
    wrong(
        "linear",
        "out of another shape",
        (f32(8, 5), f32(3, 5)),
        ValueError,
        r"out.*\(8, 3\).*\(3, 8\)",
        out=f32(3, 8),
    ),
)
BACKWARD_ERRORS = (
    wrong(
        "linear_backward",
        "grad_output of another N",
        (f32(8, 4), f32(8, 5), f32(3, 5)),
        ValueError,
        r"grad_output.*3\).*\(8, 5\).*\(8, 4\)",
    ),
    wrong(
        "linear_backward",
        "grad_output of another M",
        (f32(7, 3), f32(8, 5), f32(3, 5)),
        ValueError,
        r"grad_output.*3\).*\(8, 5\).*\(7, 3\)",
    ),
    wrong(
        "linear_backward",
        "x of another K",
        (f32(8, 3), f32(8, 6), f32(3, 5)),
        ValueError,
        r"weight.*\(O, 6\).*\(3, 5\)",
    ),
    wrong(
        "linear_backward", "weight None", (f32(8, 3), f32(8, 5), None), TypeError, r"weight.*ndarray.*None"
    ),
    wrong(
        "linear_backward",
        "accumulate without out",
        (f32(8, 3), f32(8, 5), f32(3, 5)),
        ValueError,
        r"out .*accumulate=True.*None",
        accumulate=True,
    ),
    wrong(
        "linear_backward",
        "out for grad_weight of another shape",
        (f32(8, 3), f32(8, 5), f32(3, 5)),
        ValueError,
        r"out.*\(3, 5\).*\(5, 3\)",
        out=(None, f32(5, 3), None),
    ),
)

forward = Function(
    name="linear",
    stem="linear",
    run=run,
    reference=lambda s: (reference.forward(**s.arrays, **s.options),),
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    batched=("x",),
    separable=lambda s: s.arrays["x"].ndim > 1,
)
backward = Function(
    name="linear_backward",
    stem="linear",
    run=run_backward,
    reference=lambda s: reference.backward(**s.arrays),
    samples=fed(samples, forward.reference, feed),
    large=fed(large, forward.reference, feed),
    bound=backward_bound,
    errors=BACKWARD_ERRORS,
    outs=(0, 1, 2),
    batched=("grad_output", "x"),
    separable=forward.separable,
)
FUNCTIONS = (forward, backward)
GRADIENTS = (Gradient(forward, backward, ("x", "weight", "bias"), feed),)
