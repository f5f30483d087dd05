"""The rows of batch_norm, with and without running statistics to update, and of batch_norm_backward."""

from itertools import product
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
from tests.reference import batch_norm as reference

# Planes of less than 16 elements are read by columns, the others by channels.
SHAPES = (
    *((4, t) for t in TAILS),
    *((t, 2, 5) for t in TAILS),
    *((3, 2, t) for t in TAILS),
    *((2, 3, 4, 5), (5, 1, 3, 7), (2, 2, 2, 2, 3), (1, 2, 9), (1, 2, 20), (300, 3)),
    *((0, 3), (3, 0), (2, 3, 0), (0, 2, 4, 5), (2, 0, 17)),
)
# By columns in parts, channels at once, channels in parts of whole planes and of pieces of planes.
LARGE = ((5000, 40), (40, 20, 24, 24), (3, 2, 300, 301), (1, 2, 140_001))
FACTORS = tuple(product((True, False), (True, False), (None, "relu")))  # weight, bias, activation


def spread(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Values that lie apart in every channel: the derivatives of a variance near 0 are steep."""
    C, n = shape[1], int(np.prod((shape[0], *shape[2:])))
    steps = rng.permuted(np.tile(np.linspace(-1.5, 1.5, n), (C, 1)), axis=1) + 2 * rng.standard_normal((C, 1))
    x = steps.reshape(C, shape[0], *shape[2:]).swapaxes(0, 1)
    return x + 0.1 * rng.standard_normal(shape)


def make(rng: Generator, shape: tuple[int, ...], case: int, training: bool, running: bool) -> Sample:
    C = shape[1]
    weight, bias, activation = FACTORS[case % len(FACTORS)]
    arrays = {"x": spread(rng, shape)}
    if running:
        arrays |= {"running_mean": rng.standard_normal(C), "running_var": rng.random(C) + 0.5}
    if weight:
        arrays["weight"] = rng.standard_normal(C)
    if bias:
        arrays["bias"] = rng.standard_normal(C)
    options: dict[str, Any] = {"training": training, "eps": (1e-5, 0.1)[case % 2]}
    if activation:
        options["activation"] = activation
    return Sample(arrays, options)


def samples(rng: Generator) -> list[Sample]:
    """Training without running statistics, and evaluation with them."""
    return [make(rng, shape, i, i % 3 > 0, i % 3 == 0) for i, shape in enumerate(SHAPES)]


def running_samples(rng: Generator) -> list[Sample]:
    """Training that moves the running statistics."""
    made = [make(rng, shape, i, True, True) for i, shape in enumerate(SHAPES)]
    for i, sample in enumerate(made):
        sample.options["momentum"] = (0.1, 1.0, 0.0, 0.75)[i % 4]
    return made


def large(rng: Generator) -> list[Sample]:
    return [make(rng, shape, i, True, False) for i, shape in enumerate((*LARGE, LARGE[1]))] + [
        make(rng, LARGE[i], i, False, True) for i in (0, 2)
    ]


def large_running(rng: Generator) -> list[Sample]:
    return [make(rng, shape, i, True, True) for i, shape in enumerate(LARGE)]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    running = (a.get("running_mean"), a.get("running_var"))
    return backend.functional.batch_norm_with_stats(
        a["x"],
        *running,
        a.get("weight"),
        a.get("bias"),
        **sample.options,
        out=None if out is None else out[0],
    )


def run_in_place(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    return (*run(backend, sample, out), sample.arrays["running_mean"], sample.arrays["running_var"])


def meaning(sample: Sample) -> Arrays:
    return reference.forward(**sample.arrays, **sample.options)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    """The mean carries half an ulp of itself, and 64 additions a lane go into mean and variance."""
    a = sample.arrays
    x = np.asarray(a["x"], dtype=np.float64)
    _, mean, invstd, *running = wanted
    with np.errstate(all="ignore"):
        d = np.abs(x - reference.along(x, mean))
        deviation = 1 / invstd
        scale = np.abs(reference.wide(a.get("weight"), x.shape[1], 1.0)) * invstd
        shift = np.abs(reference.wide(a.get("bias"), x.shape[1], 0.0))
        off = np.abs(mean) + 16 * deviation
        y = reference.along(x, scale) * (16 * d + reference.along(x, off)) + 2 * reference.along(x, shift)
        units = [y, off, 16 * invstd]
        if running:
            units += [
                4 * np.abs(a[name]) + 4 * np.abs(value) + extra
                for name, value, extra in zip(
                    ("running_mean", "running_var"), running, (off, 40 * deviation**2), strict=True
                )
            ]
    return tuple(units)


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    return backend.functional.batch_norm_backward(
        a["grad_output"],
        a["x"],
        a.get("weight"),
        a["save_mean"],
        a["save_invstd"],
        **sample.options,
        bias=a.get("bias"),
        out=out,
    )


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    a = sample.arrays
    x, mean = (np.asarray(a[name], dtype=np.float64) for name in ("x", "save_mean"))
    (g, invstd), C = magnitude(a["grad_output"], a["save_invstd"]), x.shape[1]
    n = max(x.size // max(C, 1), 1)
    with np.errstate(all="ignore"):
        d = x - reference.along(x, mean)
        scale = reference.wide(a.get("weight"), C, 1.0) * a["save_invstd"]
        channels = np.zeros(C, bool)
        if "activation" in sample.options:
            shift = reference.along(x, reference.wide(a.get("bias"), C, 0.0))
            scaled = reference.along(x, scale) * d
            # Where y rounds to either side of 0, the whole gradient of the element is in doubt.
            doubtful = np.abs(scaled + shift) < 1e-6 * (np.abs(scaled) + np.abs(shift)) + 1e-37
            channels = reference.sums(doubtful) > 0
            g = np.where(scaled + shift <= 0, 0.0, g)
        total, product = reference.sums(g), reference.sums(g * np.abs(d))
        inner = 4 * g
        if sample.options["training"]:
            slope = reference.along(x, 24 * invstd**2 * product / n)
            inner = inner + reference.along(x, 20 * total / n) + np.abs(d) * slope
        units = reference.along(x, np.abs(scale)) * inner, 20 * invstd * product, 18 * total
        doubt = reference.along(x, channels), channels, channels
    return tuple(np.where(c, np.inf, u) for c, u in zip(doubt, units, strict=True))


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    a = sample.arrays
    _, mean, invstd, *_ = meaning(sample)
    arrays = {"grad_output": np.asarray(grad_output), "x": a["x"], "save_mean": mean, "save_invstd": invstd}
    arrays |= {name: a[name] for name in ("weight", "bias") if name in a}
    options = {name: sample.options[name] for name in ("training", "activation") if name in sample.options}
    return Sample(arrays, options)


def evaluation(sample: Sample) -> bool:
    return not sample.options["training"]


X, M, V = f32(4, 3, 2), f32(3), f32(3)
T = {"training": True}
FROZEN = f32(3)
FROZEN.flags.writeable = False


def bad(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong("batch_norm", label, given, exception, match, **options)


ERRORS = (
    bad("x 1-d", (f32(4), None, None), ValueError, r"x .*\(N, C, \.\.\.\).*\(4,\)", **T),
    bad("no running statistics", (X, None, None), ValueError, r"running_mean .*training=False.*None"),
    bad("one running statistic", (X, M, None), ValueError, r"running_mean .*None for running_var", **T),
    bad("one value a channel", (f32(1, 3), None, None), ValueError, r"more than one value.*\(1, 3\)", **T),
    bad("running_mean of another C", (X, f32(4), V), ValueError, r"running_mean.*\(3,\).*\(4,\)"),
    bad("running_var 2-d", (X, M, f32(3, 1)), ValueError, r"running_var.*\(3,\).*\(3, 1\)", **T),
    bad("running_mean read-only", (X, FROZEN, V), ValueError, r"running_mean.*writeable.*read-only", **T),
    bad("running_mean is running_var", (X, M, M), ValueError, r"running_mean.*not to overlap", **T),
    bad("running_mean is weight", (X, M, V, M), ValueError, r"running_mean.*not to overlap", **T),
    bad("running_mean None", (X, None, V), ValueError, r"running_mean.*None for running_mean"),
    bad("weight of another C", (X, M, V, f32(2)), ValueError, r"weight.*\(3,\).*\(2,\)"),
    bad("bias 0-d", (X, M, V, None, f32()), ValueError, r"bias.*\(3,\).*\(\)"),
    bad("eps 0 in training", (X, None, None), ValueError, r"eps > 0.*0", eps=0.0, **T),
    bad("eps negative", (X, M, V), ValueError, r"eps.*>= 0.*-1", eps=-1.0),
    bad("eps NaN", (X, M, V), ValueError, r"eps.*finite.*nan", eps=np.nan),
    bad("eps a string", (X, M, V), TypeError, r"eps.*number.*'small'", eps="small"),
    bad("momentum None", (X, None, None), TypeError, r"momentum.*number.*None", momentum=None, **T),
    bad("training a number", (X, M, V), TypeError, r"training.*True or False.*1", training=1),
    bad("unknown activation", (X, M, V), ValueError, r"activation.*relu.*gelu", activation="gelu"),
    bad("x None", (None, M, V), TypeError, r"x.*ndarray.*None"),
)


def bad_backward(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong("batch_norm_backward", label, given, exception, match, **options)


BACKWARD_ERRORS = (
    bad_backward(
        "grad_output of another shape", (f32(4, 3), X, M, M, V, True), ValueError, r"grad_output.*\(4, 3, 2\)"
    ),
    bad_backward("x 1-d", (M, M, M, M, V, True), ValueError, r"x .*\(3,\)"),
    bad_backward("weight of another C", (X, X, f32(2), M, V, True), ValueError, r"weight.*\(3,\).*\(2,\)"),
    bad_backward("save_mean of another C", (X, X, M, f32(2), V, True), ValueError, r"save_mean.*\(2,\)"),
    bad_backward("save_invstd None", (X, X, M, M, None, True), TypeError, r"save_invstd.*ndarray.*None"),
    bad_backward(
        "accumulate without out", (X, X, M, M, V, True), ValueError, r"out .*accumulate=True", accumulate=True
    ),
    bad_backward("needs of two", (X, X, M, M, V, True), ValueError, r"needs.*three.*2", needs=(True, True)),
    bad_backward(
        "out for grad_weight of another shape",
        (X, X, M, M, V, True),
        ValueError,
        r"out\[1\].*\(3,\).*\(2,\)",
        out=(None, f32(2), None),
    ),
    bad_backward("out an array", (X, X, M, M, V, True), TypeError, r"out.*tuple of three.*ndarray", out=X),
)

forward = Function(
    name="batch_norm",
    stem="batch_norm",
    run=run,
    reference=meaning,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    batched=("x",),
    separable=evaluation,
)
in_place = Function(
    name="batch_norm_with_stats",
    stem="batch_norm",
    run=run_in_place,
    reference=meaning,
    samples=running_samples,
    large=large_running,
    bound=bound,
    outs=(),
    in_place=lambda sample: ("running_mean", "running_var"),
)
backward = Function(
    name="batch_norm_backward",
    stem="batch_norm",
    run=run_backward,
    reference=lambda s: reference.backward(**s.arrays, **s.options),
    samples=fed(samples, meaning, feed),
    large=fed(large, meaning, feed),
    bound=backward_bound,
    errors=BACKWARD_ERRORS,
    outs=(0, 1, 2),
    # An infinite save_mean comes with a save_invstd that is NaN.
    specials=("grad_output", "x", "save_invstd"),
    batched=("grad_output", "x"),
    separable=evaluation,
)
FUNCTIONS = (forward, in_place, backward)
GRADIENTS = (Gradient(forward, backward, ("x", "weight", "bias"), feed),)
