"""The rows of max_pool2d, avg_pool2d, their adaptive forms, and the backwards."""

import math
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
from tests.opinfo.tolerance import magnitude, summation
from tests.reference import pool2d as reference

Options = dict[str, Any]
NAMES = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

# Shape and window, of both kinds of pooling.
SLIDING: tuple[tuple[tuple[int, ...], Options], ...] = (
    *(((1, 2, 2, t), {"kernel_size": (2, min(t, 2))}) for t in TAILS),
    *(((2, 1, t, 4), {"kernel_size": 3, "stride": 2, "padding": 1}) for t in TAILS[:-1]),
    *(((1, 1, 2, t), {"kernel_size": (2, 3), "stride": 1, "padding": ((0, 0), (1, 1))}) for t in TAILS),
    ((2, 2, 5, 7), {"kernel_size": 3, "stride": 3}),
    ((2, 2, 5, 7), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ((1, 3, 6, 6), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    ((1, 2, 4, 20), {"kernel_size": (1, 5), "stride": (1, 3), "padding": (0, 2)}),
    ((1, 2, 4, 20), {"kernel_size": (2, 4), "stride": (1, 4), "ceil_mode": True}),
    ((2, 3, 5), {"kernel_size": 2}),
    ((3, 4, 4), {"kernel_size": 4, "stride": 1, "padding": 3}),
    ((1, 1, 3, 4), {"kernel_size": 5, "stride": 2, "padding": ((4, 1), (0, 3))}),
    ((1, 2, 4, 4), {"kernel_size": 3, "stride": 1, "padding": "same"}),
    ((1, 2, 4, 4), {"kernel_size": 2, "stride": 1, "padding": "same"}),
    ((1, 2, 4, 4), {"kernel_size": 3, "stride": 2, "padding": "valid", "ceil_mode": True}),
    ((2, 2, 7, 7), {"kernel_size": 7}),
    ((1, 1, 18, 17), {"kernel_size": 17, "stride": 1}),
    ((1, 1, 2, 2), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
    ((2, 0, 4, 4), {"kernel_size": 2}),
)
DILATED: tuple[tuple[tuple[int, ...], Options], ...] = (
    ((1, 2, 6, 9), {"kernel_size": 2, "dilation": 2}),
    ((1, 2, 6, 9), {"kernel_size": 3, "stride": 1, "padding": 2, "dilation": 2}),
    ((1, 1, 7, 24), {"kernel_size": (3, 2), "stride": 2, "padding": (4, 2), "dilation": (3, 3)}),
    ((1, 1, 4, 12), {"kernel_size": 2, "stride": 3, "dilation": (1, 4), "ceil_mode": True}),
)
LARGE: tuple[tuple[tuple[int, ...], Options], ...] = (
    ((32, 16, 12, 12), {"kernel_size": 2}),
    ((1, 1, 100, 90), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 3, 70, 80), {"kernel_size": (9, 7), "stride": (9, 7)}),
    ((2, 40, 20, 30), {"kernel_size": 3, "stride": (2, 1), "padding": 1}),
)
ADAPTIVE: tuple[tuple[tuple[int, ...], Any], ...] = (
    *(((1, 2, 3, t), (2, 3)) for t in TAILS),
    *(((1, 1, 2, t), (3, None)) for t in TAILS),
    ((1, 1, 17, 5), (4, 3)),
    ((1, 1, 32, 2), (5, 1)),
    ((2, 3, 7, 7), 1),
    ((2, 2, 5, 4), (None, 2)),
    ((2, 3, 4), 2),
    ((1, 2, 3, 3), 5),
    ((1, 1, 18, 17), 1),
    ((2, 1, 4, 4), (0, 2)),
    ((0, 2, 4, 4), 2),
)
LARGE_ADAPTIVE: tuple[tuple[tuple[int, ...], Any], ...] = (
    ((32, 16, 12, 12), 1),
    ((1, 2, 130, 140), 7),
    ((16, 16, 14, 14), (7, 2)),
)


def distinct(rng: Generator, shape: tuple[int, ...]) -> Array:
    """No two values are equal or near, so that the maximum has a derivative."""
    n = math.prod(shape)
    return np.asarray((rng.permutation(n) - n / 2).reshape(shape) / 8 + 1 / 16)


# --- the meaning of options ----------------------------------------------------------------------
def two(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (value, value)


def all_sides(padding: Any, reach: list[int]) -> list[tuple[int, int]]:
    if padding == "valid":
        return [(0, 0), (0, 0)]
    if padding == "same":
        return [(r // 2, r - r // 2) for r in reach]
    return [two(side) for side in two(padding)]


def windows(plane: tuple[int, int], o: Options) -> tuple[list, list, tuple[int, int]]:
    """The cells of the windows of both axes, and where the padded plane ends."""
    if "output_size" in o:
        rows, columns = (
            reference.adaptive_windows(*axis) for axis in zip(plane, two(o["output_size"]), strict=True)
        )
        return rows, columns, plane
    kernel, dilation = two(o["kernel_size"]), two(o.get("dilation", 1))
    stride = two(o.get("stride", kernel))
    sides = all_sides(o.get("padding", 0), [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)])
    rows, columns = (
        reference.windows(plane[a], kernel[a], stride[a], sides[a], dilation[a], o.get("ceil_mode", False))
        for a in (0, 1)
    )
    return rows, columns, (plane[0] + sides[0][1], plane[1] + sides[1][1])


def divisor(plane: tuple[int, int], o: Options) -> Array:
    rows, columns, ends = windows(plane, o)
    if o.get("divisor_override"):
        return np.full((len(rows), len(columns)), float(o["divisor_override"]))
    if o.get("count_include_pad", True) and "output_size" not in o:
        return reference.divisors(rows, columns, ends, -(2**60))
    return reference.divisors(rows, columns, plane, 0)


def plane_of(sample: Sample) -> tuple[int, int]:
    return sample.options["plane"] if "plane" in sample.options else sample.arrays["x"].shape[-2:]


def max_meaning(sample: Sample) -> Arrays:
    y, places = reference.maximum(sample.arrays["x"], *windows(plane_of(sample), sample.options)[:2])
    return (y, places) if sample.options.get("return_indices") else (y,)


def max_backward_meaning(sample: Sample) -> Arrays:
    a = sample.arrays
    return (reference.maximum_backward(a["grad_output"], a["indices"], plane_of(sample)),)


def avg_meaning(sample: Sample) -> Arrays:
    plane, o = plane_of(sample), sample.options
    return (reference.average(sample.arrays["x"], *windows(plane, o)[:2], divisor(plane, o)),)


def avg_backward_meaning(sample: Sample) -> Arrays:
    plane, o = plane_of(sample), sample.options
    rows, columns, _ = windows(plane, o)
    grad_output = sample.arrays["grad_output"]
    return (reference.average_backward(grad_output, plane, rows, columns, divisor(plane, o)),)


# --- calls ---------------------------------------------------------------------------------------
def kept(o: Options) -> Options:
    return {name: value for name, value in o.items() if name != "plane"}


def input_shape(sample: Sample) -> tuple[int, ...]:
    return (*np.shape(sample.arrays["grad_output"])[:-2], *sample.options["plane"])


def run(name: str) -> Any:
    def call(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
        x, o = sample.arrays["x"], kept(sample.options)
        out_array = None if out is None else out[0]
        result = getattr(backend.functional, name)(x, **o, out=out_array)
        if not o.get("return_indices"):
            return (result,)
        y, places = result
        assert places.dtype == np.int64
        return y, backend.asnumpy(places).astype(y.dtype)

    return call


def run_backward(name: str) -> Any:
    def call(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
        o = {} if "output_size" in sample.options else kept(sample.options)
        function, out_array = getattr(backend.functional, name), None if out is None else out[0]
        return (function(*sample.arrays.values(), input_shape(sample), **o, out=out_array),)

    return call


def feed_max(sample: Sample, grad_output: Array, y: Any) -> Sample:
    plane = plane_of(sample)
    places = reference.maximum(sample.arrays["x"], *windows(plane, sample.options)[:2])[1]
    options = {k: v for k, v in sample.options.items() if k != "return_indices"}
    return Sample({"grad_output": grad_output, "indices": places}, {**options, "plane": plane})


def feed_avg(sample: Sample, grad_output: Array, y: Any) -> Sample:
    return Sample({"grad_output": grad_output}, {**sample.options, "plane": plane_of(sample)})


# --- samples -------------------------------------------------------------------------------------
def maximum_samples(cases: tuple) -> Any:
    """Every other one with indices."""

    def samples(rng: Generator) -> list[Sample]:
        return [
            Sample({"x": distinct(rng, shape)}, {**o, **({"return_indices": True} if i % 2 else {})})
            for i, (shape, o) in enumerate(cases)
        ]

    return samples


def average_samples(cases: tuple) -> Any:
    def samples(rng: Generator) -> list[Sample]:
        kinds: tuple[Options, ...] = (
            {},
            {"count_include_pad": False},
            {"divisor_override": 3},
            {"count_include_pad": True},
        )
        return [
            Sample({"x": rng.standard_normal(shape)}, {**o, **kinds[i % 4]})
            for i, (shape, o) in enumerate(cases)
        ]

    return samples


def adaptive_samples(cases: tuple) -> Any:
    def samples(rng: Generator) -> list[Sample]:
        return [Sample({"x": distinct(rng, shape)}, {"output_size": size}) for shape, size in cases]

    return samples


# --- tolerances ----------------------------------------------------------------------------------
def max_backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    (g,) = magnitude(sample.arrays["grad_output"])
    return max_backward_meaning(sample.put(grad_output=4 * g))


def cells_of_largest(sample: Sample) -> int:
    rows, columns, _ = windows(plane_of(sample), sample.options)
    return max(map(len, rows), default=0) * max(map(len, columns), default=0)


def avg_bound(sample: Sample, wanted: Arrays) -> Arrays:
    units = 4 + summation(cells_of_largest(sample))
    return (units * avg_meaning(sample.put(x=magnitude(sample.arrays["x"])[0]))[0],)


def avg_backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    units = 4 + summation(cells_of_largest(sample))
    (g,) = magnitude(sample.arrays["grad_output"])
    return (units * avg_backward_meaning(sample.put(grad_output=g))[0],)


# --- wrong calls ---------------------------------------------------------------------------------
X = f32(1, 1, 4, 4)


def window_errors(name: str) -> tuple[ErrorCase, ...]:
    return (
        wrong(name, "x 2-d", (f32(4, 4), 2), ValueError, r"x of shape \(C, H, W\).*\(4, 4\)"),
        wrong(name, "x 5-d", (f32(1, 1, 1, 4, 4), 2), ValueError, r"x of shape.*\(1, 1, 1, 4, 4\)"),
        wrong(name, "no rows", (f32(1, 1, 0, 4), 2), ValueError, r"x with H and W.*\(1, 1, 0, 4\)"),
        wrong(name, "x None", (None, 2), TypeError, r"x.*ndarray.*None"),
        wrong(name, "window too large", (X, 5), ValueError, r"window of 5 cells.*4 cells.*\(1, 1, 4, 4\)"),
        wrong(name, "kernel 0", (X, 0), ValueError, r"kernel_size.*1.*0"),
        wrong(name, "kernel of three", (X, (1, 2, 3)), ValueError, r"kernel_size.*pair.*\(1, 2, 3\)"),
        wrong(name, "kernel a float", (X, 2.0), TypeError, r"kernel_size.*int.*2\.0"),
        wrong(name, "kernel a pair of floats", (X, (2.0, 2.0)), TypeError, r"kernel_size.*int.*2\.0"),
        wrong(name, "kernel huge", (X, 2**70), ValueError, r"kernel_size.*2\*\*40"),
        wrong(name, "stride 0", (X, 2, 0), ValueError, r"stride.*1.*0"),
        wrong(name, "padding of the window", (X, 2, 2, 2), ValueError, r"padding smaller.*2.*2"),
        wrong(name, "padding negative", (X, 2, 2, -1), ValueError, r"padding.*0.*-1"),
        wrong(name, "padding a word", (X, 2, 2, "full"), ValueError, r"padding.*same.*valid.*full"),
        wrong(name, "same with a stride", (X, 2, 2, "same"), ValueError, r"stride 1.*same.*\(2, 2\)"),
        wrong(name, "ceil_mode a number", (X, 2), TypeError, r"ceil_mode.*True or False.*1", ceil_mode=1),
        wrong(name, "out of another shape", (X, 2), ValueError, r"out.*\(1, 1, 2, 2\).*\(4,\)", out=f32(4)),
    )


def places(*values: int) -> Array:
    return np.array(values, dtype=np.int64).reshape(1, 1, 1, -1)


def index_error(label: str, position: int, value: int) -> ErrorCase:
    """Of two windows in a plane of 2 x 4 cells."""
    given = places(*(value if i == position else 1 + 2 * i for i in range(2)))
    match = rf"indices in the rows.*\[0, 8\).*got {value} at position \(0, 0, 0, {position}\)"
    arguments = (f32(1, 1, 1, 2), given, (1, 1, 2, 4), 2)
    return wrong("max_pool2d_backward", label, arguments, IndexError, match)


MAX_ERRORS = (
    wrong("max_pool2d", "dilation 0", (X, 2, 2, 0, 0), ValueError, r"dilation.*1.*0"),
    wrong("max_pool2d", "return_indices a number", (X, 2), TypeError, r"return_indices.*0", return_indices=0),
)
AVG_ERRORS = (
    wrong("avg_pool2d", "divisor 0", (X, 2), ValueError, r"divisor_override.*0", divisor_override=0),
    wrong(
        "avg_pool2d", "divisor a float", (X, 2), TypeError, r"divisor_override.*1\.5", divisor_override=1.5
    ),
    wrong("avg_pool2d", "include a number", (X, 2), TypeError, r"count_include_pad.*1", count_include_pad=1),
)
G = f32(1, 1, 2, 2)
MAX_BACKWARD_ERRORS = (
    index_error("index past the plane", 1, 8),
    index_error("index below 0", 0, -1),
    index_error("index of INT64_MIN", 0, -(2**63)),
    index_error("index of INT64_MAX", 1, 2**63 - 1),
    wrong(
        "max_pool2d_backward",
        "index of other rows",
        (G, np.full((1, 1, 2, 2), 0), (1, 1, 4, 4), 2),
        IndexError,
        r"\[8, 16\).*got 0 at position \(0, 0, 1, 0\)",
    ),
    wrong(
        "max_pool2d_backward",
        "indices int32",
        (G, np.zeros((1, 1, 2, 2), np.int32), X.shape, 2),
        TypeError,
        r"indices.*int64.*int32",
    ),
    wrong(
        "max_pool2d_backward",
        "indices of bytes",
        (G, np.zeros((1, 1, 2, 2), np.uint8), X.shape, 2),
        TypeError,
        r"indices.*int64.*uint8",
    ),
    wrong(
        "max_pool2d_backward",
        "indices of another shape",
        (G, places(0), X.shape, 2),
        ValueError,
        r"indices.*\(1, 1, 2, 2\).*\(1, 1, 1, 1\)",
    ),
    wrong(
        "max_pool2d_backward",
        "grad_output of another shape",
        (X, places(0), X.shape, 2),
        ValueError,
        r"grad_output.*\(1, 1, 2, 2\).*\(1, 1, 4, 4\)",
    ),
    wrong(
        "max_pool2d_backward",
        "input_shape a number",
        (G, places(0), 4, 2),
        TypeError,
        r"input_shape.*tuple.*4",
    ),
    wrong(
        "max_pool2d_backward",
        "input_shape 2-d",
        (G, places(0), (4, 4), 2),
        ValueError,
        r"input_shape.*\(4, 4\)",
    ),
)
AVG_BACKWARD_ERRORS = (
    wrong(
        "avg_pool2d_backward",
        "grad_output of another shape",
        (X, X.shape, 2),
        ValueError,
        r"grad_output.*\(1, 1, 2, 2\).*\(1, 1, 4, 4\)",
    ),
    wrong(
        "avg_pool2d_backward", "input_shape negative", (G, (1, 1, -4, 4), 2), ValueError, r"input_shape.*-4"
    ),
    wrong(
        "avg_pool2d_backward",
        "input_shape of floats",
        (G, (1, 1, 4.0, 4), 2),
        TypeError,
        r"input_shape.*4\.0",
    ),
    wrong("avg_pool2d_backward", "input_shape huge", (G, (2**62, 2**62, 4, 4), 2), ValueError, r"2\*\*63"),
)


def adaptive_errors(name: str) -> tuple[ErrorCase, ...]:
    return (
        wrong(name, "x 2-d", (f32(4, 4), 2), ValueError, r"x of shape.*\(4, 4\)"),
        wrong(name, "x without columns", (f32(1, 4, 0), 1), ValueError, r"x with H and W.*\(1, 4, 0\)"),
        wrong(name, "output negative", (X, -1), ValueError, r"output_size.*0.*-1"),
        wrong(name, "output of three", (X, (1, 2, 3)), ValueError, r"output_size.*pair.*\(1, 2, 3\)"),
        wrong(name, "output a float", (X, (1, 2.5)), TypeError, r"output_size.*int.*2\.5"),
        wrong(name, "output huge", (X, 2**31), ValueError, r"output_size.*2147483648"),
        wrong(name, "x None", (None, 2), TypeError, r"x.*ndarray.*None"),
    )


ADAPTIVE_BACKWARD_ERRORS = (
    wrong(
        "adaptive_avg_pool2d_backward",
        "fewer axes",
        (f32(1, 2, 2), X.shape),
        ValueError,
        r"grad_output.*axes.*\(1, 2, 2\)",
    ),
    wrong(
        "adaptive_avg_pool2d_backward",
        "other channels",
        (f32(1, 3, 2, 2), X.shape),
        ValueError,
        r"grad_output.*\(1, 1, 2, 2\).*\(1, 3, 2, 2\)",
    ),
)


# --- rows ----------------------------------------------------------------------------------------
def pool(
    kind: str, cases: tuple, large: tuple, errors: tuple, backward_errors: tuple
) -> tuple[Function, Function]:
    name, maximum = f"{kind}_pool2d", kind.endswith("max")
    adaptive = kind.startswith("adaptive")
    make: Any = adaptive_samples if adaptive else maximum_samples if maximum else average_samples
    feed, meaning = (feed_max, max_meaning) if maximum else (feed_avg, avg_meaning)
    forward = Function(
        name=name,
        stem="pool2d",
        run=run(name),
        reference=meaning,
        samples=make(cases),
        large=make(large),
        bound=None if maximum else avg_bound,
        errors=errors,
        batched=("x",),
    )
    backward = Function(
        name=f"{name}_backward",
        stem="pool2d",
        run=run_backward(f"{name}_backward"),
        reference=max_backward_meaning if maximum else avg_backward_meaning,
        samples=fed(make(cases), meaning, feed),
        large=fed(make(large), meaning, feed),
        bound=max_backward_bound if maximum else avg_backward_bound,
        errors=backward_errors,
        batched=("grad_output", "indices") if maximum else ("grad_output",),
    )
    return forward, backward


ROWS = (
    pool(
        "max", (*SLIDING, *DILATED), LARGE, (*window_errors("max_pool2d"), *MAX_ERRORS), MAX_BACKWARD_ERRORS
    ),
    pool("avg", SLIDING, LARGE, (*window_errors("avg_pool2d"), *AVG_ERRORS), AVG_BACKWARD_ERRORS),
    pool("adaptive_max", ADAPTIVE, LARGE_ADAPTIVE, adaptive_errors("adaptive_max_pool2d"), ()),
    pool(
        "adaptive_avg",
        ADAPTIVE,
        LARGE_ADAPTIVE,
        adaptive_errors("adaptive_avg_pool2d"),
        ADAPTIVE_BACKWARD_ERRORS,
    ),
)
FUNCTIONS = tuple(function for row in ROWS for function in row)
GRADIENTS = tuple(
    Gradient(forward, backward, ("x",), feed_max if "max" in forward.name else feed_avg)
    for forward, backward in ROWS
)
