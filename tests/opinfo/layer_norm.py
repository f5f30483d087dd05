"""The rows of layer_norm and layer_norm_backward."""

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
from tests.opinfo.batch_norm import spread
from tests.reference import layer_norm as reference

# Shape, and how many of its last axes are normalised.
CASES = (
    *(((t, 5), 1) for t in TAILS),
    *(((2, t), 1) for t in TAILS if t > 1),
    *(((3, 2, t), 2) for t in TAILS),
    *(((2, 3, 4, 5), axes) for axes in (1, 2, 3, 4)),
    *(((7,), 1), ((3, 300), 1), ((70, 3), 1), ((130, 2), 1), ((4, 1), 1)),
    *(((0, 5), 1), ((3, 0), 1), ((2, 0, 3), 2), ((2, 0, 3), 1)),
)
LARGE = (((3000, 70), 1), ((9, 40_000), 1), ((20, 30, 8, 9), 3))


def make(rng: Generator, shape: tuple[int, ...], axes: int, case: int) -> Sample:
    normalized = shape[len(shape) - axes :]
    rows = spread(rng, (int(np.prod(normalized)), int(np.prod(shape[: len(shape) - axes])))).T
    arrays = {"x": rows.reshape(shape).copy()}
    if case % 4 < 2:
        arrays["weight"] = rng.standard_normal(normalized)
    if case % 2 == 0:
        arrays["bias"] = rng.standard_normal(normalized)
    return Sample(arrays, {"normalized_shape": normalized, "eps": (1e-5, 0.1)[case % 3 == 0]})


def samples(rng: Generator) -> list[Sample]:
    return [make(rng, *case, i) for i, case in enumerate(CASES)]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, *case, i) for i, case in enumerate(LARGE)]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    return backend.functional.layer_norm_with_stats(
        **sample.arrays, **sample.options, out=None if out is None else out[0]
    )


def meaning(sample: Sample) -> Arrays:
    return reference.forward(**sample.arrays, **sample.options)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    """The mean carries half an ulp of itself, and 64 additions a lane go into mean and variance."""
    a = sample.arrays
    _, mean, rstd = wanted
    with np.errstate(all="ignore"):
        d = np.abs(a["x"].astype(np.float64) - mean)
        off = np.abs(mean) + 16 / rstd
        y = rstd * (16 * d + off) * np.abs(a.get("weight", 1.0)) + 2 * np.abs(a.get("bias", 0.0))
        return y, off, 16 * rstd


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    return backend.functional.layer_norm_backward(**sample.arrays, **sample.options, out=out)


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    a, normalized = sample.arrays, sample.options["normalized_shape"]
    x, mean = (a[name].astype(np.float64) for name in ("x", "mean"))
    lead = tuple(range(x.ndim - len(normalized)))
    axes, n = tuple(range(len(lead), x.ndim)), max(int(np.prod(normalized)), 1)
    with np.errstate(all="ignore"):
        g, d, rstd = np.abs(a["grad_output"]).astype(np.float64), np.abs(x - mean), np.abs(a["rstd"])
        u = g * np.abs(a.get("weight", 1.0))
        total, product = (s.sum(axis=axes, keepdims=True) for s in (u, u * d))
        grad_x = rstd * (6 * u + 20 * total / n + 26 * d * rstd.astype(np.float64) ** 2 * product / n)
        return grad_x, 20 * (g * d * rstd).sum(axis=lead), 18 * g.sum(axis=lead)


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    _, mean, rstd = meaning(sample)
    arrays = {"grad_output": np.asarray(grad_output), "x": sample.arrays["x"], "mean": mean, "rstd": rstd}
    if "weight" in sample.arrays:
        arrays["weight"] = sample.arrays["weight"]
    return Sample(arrays, {"normalized_shape": sample.options["normalized_shape"]})


def rows_apart(sample: Sample) -> bool:
    return sample.arrays["x"].ndim > len(sample.options["normalized_shape"])


X, W, S = f32(4, 3), f32(3), f32(4, 1)


def bad(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong("layer_norm", label, given, exception, match, **options)


def bad_backward(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong("layer_norm_backward", label, given, exception, match, **options)


ERRORS = (
    bad("another last axis", (X, 4), ValueError, r"x .*\(4,\).*\(4, 3\)"),
    bad("more axes than x has", (X, (2, 4, 3)), ValueError, r"x .*\(2, 4, 3\).*\(4, 3\)"),
    bad("no axis", (X, ()), ValueError, r"normalized_shape.*at least one.*\(\)"),
    bad("empty list", (X, []), ValueError, r"normalized_shape.*at least one.*\[\]"),
    bad("x 0-d", (f32(), 1), ValueError, r"x .*\(1,\).*\(\)"),
    bad("shape a float", (X, 3.0), TypeError, r"normalized_shape.*int.*3\.0"),
    bad("shape of a float", (X, (3.0,)), TypeError, r"normalized_shape.*int.*float"),
    bad("shape negative", (X, -3), ValueError, r"normalized_shape >= 0.*-3"),
    bad("weight of another shape", (X, 3, f32(4)), ValueError, r"weight.*\(3,\).*\(4,\)"),
    bad("bias 2-d", (X, 3, W, f32(1, 3)), ValueError, r"bias.*\(3,\).*\(1, 3\)"),
    bad("eps negative", (X, 3, W, W, -1e-5), ValueError, r"eps.*>= 0.*-1e-05"),
    bad("eps infinite", (X, 3, W, W, np.inf), ValueError, r"eps.*finite.*inf"),
    bad("eps None", (X, 3, W, W, None), TypeError, r"eps.*number.*None"),
    bad("x None", (None, 3), TypeError, r"x.*ndarray.*None"),
)
BACKWARD_ERRORS = (
    bad_backward(
        "grad_output of another shape", (f32(4, 2), X, 3, S, S), ValueError, r"grad_output.*\(4, 2\)"
    ),
    bad_backward("mean without its axis", (X, X, 3, f32(4), S), ValueError, r"mean.*\(4, 1\).*\(4,\)"),
    bad_backward("rstd of another shape", (X, X, 3, S, f32(1, 4)), ValueError, r"rstd.*\(4, 1\).*\(1, 4\)"),
    bad_backward("weight of another shape", (X, X, 3, S, S, S), ValueError, r"weight.*\(3,\).*\(4, 1\)"),
    bad_backward("another last axis", (X, X, 4, S, S), ValueError, r"x .*\(4,\).*\(4, 3\)"),
    bad_backward("rstd None", (X, X, 3, S, None), TypeError, r"rstd.*ndarray.*None"),
    bad_backward("accumulate without out", (X, X, 3, S, S), ValueError, r"out .*accumulate", accumulate=True),
)

forward = Function(
    name="layer_norm",
    stem="layer_norm",
    run=run,
    reference=meaning,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    batched=("x",),
    batched_results=(0, 1, 2),
    separable=rows_apart,
)
backward = Function(
    name="layer_norm_backward",
    stem="layer_norm",
    run=run_backward,
    reference=lambda s: reference.backward(**s.arrays, **s.options),
    samples=fed(samples, meaning, feed),
    large=fed(large, meaning, feed),
    bound=backward_bound,
    errors=BACKWARD_ERRORS,
    outs=(0, 1, 2),
    specials=("grad_output", "x", "rstd"),  # an infinite mean comes with an rstd that is NaN
    batched=("grad_output", "x", "mean", "rstd"),
    separable=rows_apart,
)
FUNCTIONS = (forward, backward)
GRADIENTS = (Gradient(forward, backward, ("x", "weight", "bias"), feed),)
