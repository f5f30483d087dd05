"""The rows of batch_norm_max_pool2d and its backward, which layers call natively."""

from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator

from fastnn.functional.batch_norm import gradient_options, make_options
from fastnn.functional.pool2d import pool_options
from tests.opinfo import batch_norm, pool2d
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
from tests.reference import batch_norm_max_pool2d as reference
from tests.reference.pool2d import maximum, maximum_backward

Options = dict[str, Any]
WINDOW = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

# Planes of less than 16 elements, or more than 2**14, are pooled after all of them have been normalised.
CASES: tuple[tuple[tuple[int, ...], Options], ...] = (
    *(((2, 1, 4, t), {"kernel_size": (2, min(t, 2))}) for t in TAILS),
    *(((1, 2, 6, t), {"kernel_size": (2, min(t, 2))}) for t in TAILS),
    *(((3, 1, t, 3), {"kernel_size": (min(t, 2), 2)}) for t in TAILS),
    ((2, 2, 9, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 2, 6, 7), {"kernel_size": 3, "stride": 1}),
    ((2, 2, 6, 7), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ((2, 2, 9, 9), {"kernel_size": 2, "stride": 3, "dilation": 2}),
    ((2, 1, 18, 17), {"kernel_size": 17, "stride": 1}),  # places that no byte holds
    ((9, 2, 8, 8), {"kernel_size": 2}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
)
LARGE: tuple[tuple[tuple[int, ...], Options], ...] = (
    ((30, 20, 16, 14), {"kernel_size": 2}),
    ((150, 2, 30, 31), {"kernel_size": 2}),
    ((2, 2, 130, 130), {"kernel_size": 2}),
    ((12, 9, 20, 30), {"kernel_size": 3, "stride": 2, "padding": 1}),
)
FACTORS = tuple(product((True, False), (True, False), ("relu", None)))  # weight, bias, activation


def make(rng: Generator, case: int, shape: tuple[int, ...], window: Options) -> Sample:
    """Every third one in evaluation, the others move the running statistics."""
    C = shape[1]
    weight, bias, activation = FACTORS[case % len(FACTORS)]
    arrays = {"x": batch_norm.spread(rng, shape)}
    arrays |= {"running_mean": rng.standard_normal(C), "running_var": rng.random(C) + 0.5}
    if weight:
        arrays["weight"] = rng.standard_normal(C)
    if bias:
        arrays["bias"] = rng.standard_normal(C)
    norm: Options = {"training": case % 3 > 0, "eps": (1e-5, 0.1)[case % 2]}
    if activation:
        norm["activation"] = activation
    return Sample(arrays, {**norm, **window})


def samples(rng: Generator) -> list[Sample]:
    return [make(rng, i, *case) for i, case in enumerate(CASES)]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, i + 1, *case) for i, case in enumerate((*LARGE, LARGE[0]))]


def of_norm(sample: Sample) -> Sample:
    return Sample(sample.arrays, {name: o for name, o in sample.options.items() if name not in WINDOW})


def of_window(sample: Sample) -> Options:
    return {name: o for name, o in sample.options.items() if name in WINDOW}


def axes(sample: Sample) -> Any:
    return pool2d.windows(sample.arrays["x"].shape[-2:], of_window(sample))[:2]


def native_window(sample: Sample) -> Any:
    given = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False, **of_window(sample)}
    return pool_options("max_pool2d", *(given[name] for name in WINDOW))


def affine(sample: Sample) -> Arrays:
    return sample.arrays.get("weight"), sample.arrays.get("bias")


# --- forward -------------------------------------------------------------------------------------
def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a, o = sample.arrays, sample.options
    running = a.get("running_mean"), a.get("running_var")
    options = make_options("batch_norm", o["training"], 0.1, o["eps"], o.get("activation"))
    y, places, *stats = backend.core.batch_norm_max_pool2d(
        a["x"], running, affine(sample), options, native_window(sample), True
    )
    assert places.shape == y.shape
    return (y, *stats, *(running if o["training"] else ()))


def meaning(sample: Sample) -> Arrays:
    return reference.forward(*axes(sample), **sample.arrays, **of_norm(sample).options)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    """A maximum is off by no more than the worst of its window."""
    norm = of_norm(sample)
    units, *rest = batch_norm.bound(norm, batch_norm.meaning(norm))
    return (maximum(units, *axes(sample))[0], *rest)


# --- backward ------------------------------------------------------------------------------------
def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    norm = batch_norm.feed(of_norm(sample), grad_output, y)
    rows, columns = axes(sample)
    places = maximum(batch_norm.meaning(of_norm(sample))[0], rows, columns)[1]
    width = sample.arrays["x"].shape[-1]
    if len(rows[0]) * len(columns[0]) <= 256 and width % 3 > 0:  # indices, else, do as well
        places = reference.taps(rows, columns, places, width)
    return Sample({**norm.arrays, "places": places}, {**norm.options, **of_window(sample)})


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a, o = sample.arrays, sample.options
    options = gradient_options(
        "batch_norm_backward", o["training"], o.get("activation"), (True, True, True), False
    )
    saved = a["x"], a["places"], a["save_mean"], a["save_invstd"]
    return backend.core.batch_norm_max_pool2d_backward(
        a["grad_output"], saved, affine(sample), options, native_window(sample), out
    )


def in_planes(sample: Sample) -> Array:
    places: Array = sample.arrays["places"]
    if places.dtype == np.int64:
        return places
    return reference.indices(*axes(sample), places, sample.arrays["x"].shape[-1])


def backward_meaning(sample: Sample) -> Arrays:
    return reference.backward(**{**sample.arrays, "places": in_planes(sample)}, **of_norm(sample).options)


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    """Gradients of windows that share a maximum are added up first."""
    a = sample.arrays
    sent = maximum_backward(np.abs(a["grad_output"]), in_planes(sample), a["x"].shape[-2:])
    arrays = {name: value for name, value in a.items() if name != "places"}
    return batch_norm.backward_bound(
        Sample({**arrays, "grad_output": 2 * sent}, of_norm(sample).options), wanted
    )


def evaluation(sample: Sample) -> bool:
    return not sample.options["training"]


# --- wrong calls ---------------------------------------------------------------------------------
X, V = f32(2, 3, 4, 4), f32(3)
FROZEN = f32(3)
FROZEN.flags.writeable = False
NONE = (None, None)
TRAINING, EVALUATION = (make_options("batch_norm", training, 0.1, 1e-5, None) for training in (True, False))
TWOS, FIVES = (pool_options("max_pool2d", k, None, 0) for k in (2, 5))


def bad(label: str, given: tuple[Any, ...], exception: Any, match: str) -> ErrorCase:
    return wrong("batch_norm_max_pool2d", label, given, exception, match)


ERRORS = (
    bad("x 3-d", (X[0], NONE, NONE, TRAINING, TWOS, True), ValueError, r"x .*\(N, C, H, W\).*\(3, 4, 4\)"),
    bad("x None", (None, NONE, NONE, TRAINING, TWOS, True), TypeError, r"x.*ndarray.*None"),
    bad("x of integers", (X.astype(int), NONE, NONE, TRAINING, TWOS, True), TypeError, r"x.*int64"),
    bad(
        "window too large", (X, NONE, NONE, TRAINING, FIVES, True), ValueError, r"window of 5 cells.*4 cells"
    ),
    bad("no windows", (X, NONE, NONE, TRAINING, None, True), TypeError, r"options.*Pool2dOptions.*NoneType"),
    bad("no running statistics", (X, NONE, NONE, EVALUATION, TWOS, True), ValueError, r"running_mean .*None"),
    bad(
        "one running statistic",
        (X, (V, None), NONE, TRAINING, TWOS, True),
        ValueError,
        r"None for running_var",
    ),
    bad("read-only", (X, (FROZEN, V), NONE, TRAINING, TWOS, True), ValueError, r"running_mean.*read-only"),
    bad(
        "one array twice",
        (X, (V, V), NONE, TRAINING, TWOS, True),
        ValueError,
        r"running_mean.*not to overlap",
    ),
    bad(
        "weight of another C", (X, NONE, (f32(2), None), TRAINING, TWOS, True), ValueError, r"weight.*\(2,\)"
    ),
    bad(
        "one value a channel",
        (f32(1, 3, 1, 1), NONE, NONE, TRAINING, pool_options("max_pool2d", 1, None, 0), True),
        ValueError,
        r"more than one value.*\(1, 3, 1, 1\)",
    ),
)
G, TAPS = f32(2, 3, 2, 2), np.zeros((2, 3, 2, 2), np.uint8)
GRADIENTS_OF_ALL = gradient_options("batch_norm_backward", True, None, (True, True, True), False)


def bad_backward(
    label: str, grad_output: Any, saved: tuple[Any, ...], exception: Any, match: str, windows: Any = TWOS
) -> ErrorCase:
    given = (grad_output, saved, NONE, GRADIENTS_OF_ALL, windows, None)
    return wrong("batch_norm_max_pool2d_backward", label, given, exception, match)


BACKWARD_ERRORS = (
    bad_backward(
        "grad_output as x", X, (X, TAPS, V, V), ValueError, r"grad_output.*\(2, 3, 2, 2\).*\(2, 3, 4, 4\)"
    ),
    bad_backward("grad_output None", None, (X, TAPS, V, V), TypeError, r"grad_output.*ndarray.*None"),
    bad_backward("places None", G, (X, None, V, V), TypeError, r"indices.*ndarray.*None"),
    bad_backward("places of another shape", G, (X, TAPS[:1], V, V), ValueError, r"indices.*\(1, 3, 2, 2\)"),
    bad_backward("places int32", G, (X, TAPS.astype(np.int32), V, V), TypeError, r"indices.*int64.*int32"),
    bad_backward("save_mean of another C", G, (X, TAPS, f32(2), V), ValueError, r"save_mean.*\(2,\)"),
    bad_backward("save_invstd None", G, (X, TAPS, V, None), TypeError, r"save_invstd.*ndarray.*None"),
    bad_backward("x 3-d", G, (X[:, :, 0], TAPS, V, V), ValueError, r"x .*\(N, C, H, W\).*\(2, 3, 4\)"),
    bad_backward("window too large", G, (X, TAPS, V, V), ValueError, r"window of 5 cells.*4 cells", FIVES),
)

forward = Function(
    name="batch_norm_max_pool2d",
    stem="batch_norm_max_pool2d",
    run=run,
    reference=meaning,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    outs=(),
    in_place=lambda sample: () if evaluation(sample) else ("running_mean", "running_var"),
    batched=("x",),
    separable=evaluation,
)
backward = Function(
    name="batch_norm_max_pool2d_backward",
    stem="batch_norm_max_pool2d",
    run=run_backward,
    reference=backward_meaning,
    samples=fed(samples, meaning, feed),
    large=fed(large, meaning, feed),
    bound=backward_bound,
    errors=BACKWARD_ERRORS,
    outs=(0, 1, 2),
    specials=("grad_output", "x", "save_invstd"),
    batched=("grad_output", "x", "places"),
    separable=evaluation,
)
FUNCTIONS = (forward, backward)
GRADIENTS = (Gradient(forward, backward, ("x", "weight", "bias"), feed),)
