"""The rows of clip_grad_norm and clip_grad_value."""

from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Arrays, Backend, Function, Sample, f32, group, wrong
from tests.opinfo.tolerance import summation
from tests.reference import clip_grad as reference

SHAPES = (*((t,) for t in TAILS), (3, 5), (2, 3, 4), (0,), (4, 0), (17, 33))
LARGE = ((200_001,), (3,), (400, 300), (64,))
INF = float("inf")
NORMS = tuple(
    {"max_norm": m, "norm_type": p} for m, p in product((0.0, 0.7, 100.0, INF), (1.0, 2.0, INF, 0.5, 3.0))
)
LIMITS = tuple({"clip_value": limit} for limit in (0.0, 0.25, 1.0, INF))


def make(rng: Generator, shapes: tuple, options: dict[str, Any]) -> Sample:
    return Sample({f"grads{i}": rng.standard_normal(shape) for i, shape in enumerate(shapes)}, options)


def few(rng: Generator, choices: tuple) -> list[Sample]:
    """Each choice with another few of the shapes, the last with all."""
    made = []
    for i, options in enumerate(choices):
        shapes = tuple(SHAPES[(i * 5 + j) % len(SHAPES)] for j in range(i % 6))
        made.append(make(rng, shapes, options))
    return [*made, *(make(rng, SHAPES, options) for options in choices[1:3])]


# One call may hold gradients of both dtypes, so only the first has to be of a given one.
FREE = tuple(f"grads{i}" for i in range(1, len(SHAPES)))


def in_place(sample: Sample) -> tuple[str, ...]:
    return tuple(sample.arrays)


def run_norm(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    grads, o = group(sample, "grads"), sample.options
    norm = backend.core.clip_grad_norm(grads, o["max_norm"], o["norm_type"], False)
    return (np.float64(backend.asnumpy(norm)), *grads)


def mean_norm(sample: Sample) -> Arrays:
    o = sample.options
    norm, clipped = reference.clip_norm(group(sample, "grads"), o["max_norm"], o["norm_type"])
    return (norm, *clipped)


def bound_norm(sample: Sample, wanted: Arrays) -> Arrays:
    """Those of the sum and of its terms, where p log|g| carries its error into the exponent."""
    grads = group(sample, "grads")
    with np.errstate(all="ignore"):
        logs = [np.abs(np.log(np.abs(g.astype(np.float64)))) for g in grads]
        exponent = max((float(e[np.isfinite(e)].max(initial=0.0)) for e in logs), default=0.0)
        units = 8 + summation(sum(g.size for g in grads)) + 4 * exponent
        return tuple(units * np.abs(w) for w in wanted)


def run_value(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    grads = group(sample, "grads")
    backend.core.clip_grad_value(grads, sample.options["clip_value"])
    return tuple(grads)


def mean_value(sample: Sample) -> Arrays:
    return tuple(reference.clip_value(group(sample, "grads"), sample.options["clip_value"]))


FROZEN = f32(2, 3)
FROZEN.flags.writeable = False
G = f32(2, 3)
BAD_GRADS: tuple[tuple[str, Any, type[Exception], str], ...] = (
    ("gradients of integers", [np.ones(3, int)], TypeError, r"grads.*float32.*int64"),
    ("a gradient a list", [[1.0]], TypeError, r"grads.*ndarray.*list"),
    ("gradients a number", 3, TypeError, r"grads.*sequence.*int"),
    ("gradient read-only", [G, FROZEN], ValueError, r"grads\[1\] .*writeable.*read-only"),
    ("gradient strided", [f32(4)[::2]], ValueError, r"grads\[0\] .*contiguous.*strided"),
)
NORM_ERRORS = (
    *(wrong("clip_grad_norm", label, (g, 1.0, 2.0, False), e, match) for label, g, e, match in BAD_GRADS),
    wrong(
        "clip_grad_norm", "negative max_norm", ([G], -1.0, 2.0, False), ValueError, r"max_norm >= 0, got -1"
    ),
    wrong("clip_grad_norm", "max_norm a NaN", ([G], np.nan, 2.0, False), ValueError, r"max_norm.*got nan"),
    wrong("clip_grad_norm", "norm_type 0", ([G], 1.0, 0.0, False), ValueError, r"norm_type > 0, got 0"),
    wrong(
        "clip_grad_norm", "norm_type -inf", ([G], 1.0, -INF, False), ValueError, r"norm_type > 0, got -inf"
    ),
    wrong(
        "clip_grad_norm", "infinite norm", ([G * INF], 1.0, 2.0, True), ValueError, r"finite norm, got inf"
    ),
)
VALUE_ERRORS = (
    *(wrong("clip_grad_value", label, (g, 1.0), e, match) for label, g, e, match in BAD_GRADS),
    wrong("clip_grad_value", "negative clip_value", ([G], -0.5), ValueError, r"clip_value >= 0, got -0.5"),
    wrong("clip_grad_value", "clip_value a NaN", ([G], np.nan), ValueError, r"clip_value >= 0, got nan"),
)

clip_norm = Function(
    name="clip_grad_norm",
    stem="clip_grad",
    run=run_norm,
    reference=mean_norm,
    samples=lambda rng: few(rng, NORMS),
    large=lambda rng: [make(rng, LARGE, options) for options in NORMS[5:10]],
    bound=bound_norm,
    errors=NORM_ERRORS,
    outs=(),
    in_place=in_place,
    free_dtype=FREE,
)
clip_value = Function(
    name="clip_grad_value",
    stem="clip_grad",
    run=run_value,
    reference=mean_value,
    samples=lambda rng: few(rng, LIMITS),
    large=lambda rng: [make(rng, LARGE, LIMITS[2])],
    errors=VALUE_ERRORS,
    outs=(),
    in_place=in_place,
    free_dtype=FREE,
)
FUNCTIONS = (clip_norm, clip_value)
GRADIENTS = ()
