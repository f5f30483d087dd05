"""The rows of im2col and col2im, each the other's backward."""

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Gradient, Sample, f32, wrong
from tests.opinfo.tolerance import magnitude
from tests.reference import im2col as reference

# Shape of x, kernel_size, dilation, padding, stride.
Geometry = tuple[tuple[int, ...], tuple, tuple, tuple, tuple]
ONE, NONE = (1, 1), ((0, 0), (0, 0))


def even(h: int, w: int) -> tuple:
    return ((h, h), (w, w))


CASES: tuple[Geometry, ...] = (
    *(((1, 2, 3, t), (2, min(3, t)), ONE, even(1, 1), ONE) for t in TAILS),
    *(((2, 1, 2, t), (2, 1), ONE, NONE, (1, 2)) for t in TAILS),
    *(((1, t, 4), (1, 3), ONE, even(0, 1), (2, 1)) for t in TAILS),
    *(((2, 1, 1, t), (1, 1), ONE, NONE, ONE) for t in TAILS),
    ((2, 3, 5, 6), (3, 3), ONE, NONE, ONE),
    ((2, 3, 5, 6), (3, 2), (2, 3), ((2, 1), (0, 3)), ONE),
    ((1, 2, 7, 7), (3, 3), (2, 2), even(2, 2), (2, 2)),
    ((2, 2, 4, 5), (1, 1), ONE, NONE, (3, 2)),  # strides over cells that no window sees
    ((1, 1, 4, 4), (4, 4), ONE, NONE, ONE),
    ((1, 2, 3, 3), (2, 2), ONE, even(3, 4), ONE),  # windows within the padding
    ((1, 1, 2, 2), (5, 5), ONE, even(3, 2), (4, 4)),
    ((3, 4, 6), (2, 3), ONE, ((0, 1), (1, 0)), (2, 3)),
    ((1, 1, 1), (1, 1), ONE, NONE, ONE),
    ((0, 2, 4, 5), (3, 3), ONE, even(1, 1), ONE),
)
LARGE: tuple[Geometry, ...] = (
    ((4, 6, 60, 50), (3, 3), ONE, even(1, 1), ONE),
    ((1, 1, 300, 400), (5, 2), (1, 2), even(2, 0), (2, 2)),
    ((300, 5, 9, 7), (3, 3), ONE, NONE, ONE),
)


def options_of(case: Geometry) -> dict[str, Any]:
    return dict(zip(("kernel_size", "dilation", "padding", "stride"), case[1:], strict=True))


def make(rng: Generator, case: Geometry) -> Sample:
    return Sample({"x": rng.standard_normal(case[0])}, options_of(case))


def make_columns(rng: Generator, case: Geometry) -> Sample:
    shape = reference.im2col(np.zeros(case[0]), **options_of(case)).shape
    return Sample({"columns": rng.standard_normal(shape)}, {"output_size": case[0][-2:], **options_of(case)})


def run(name: str) -> Any:
    def call(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
        (array,) = sample.arrays.values()
        function = getattr(backend.functional, name)
        return (function(array, **sample.options, out=None if out is None else out[0]),)

    return call


def col2im_bound(sample: Sample, wanted: Arrays) -> Arrays:
    return (4 * reference.col2im(*magnitude(sample.arrays["columns"]), **sample.options),)


def feed_columns(sample: Sample, grad_output: Array, y: Any) -> Sample:
    size = sample.arrays["x"].shape[-2:]
    return Sample({"columns": grad_output}, {"output_size": size, **sample.options})


def feed_image(sample: Sample, grad_output: Array, y: Any) -> Sample:
    options = {name: value for name, value in sample.options.items() if name != "output_size"}
    return Sample({"x": grad_output}, options)


def batch_of(name: str, ndim: int) -> Any:
    return lambda sample: sample.arrays[name].ndim == ndim


IMAGE, COLUMNS = f32(2, 3, 5, 6), f32(2, 12, 20)
ERRORS = (
    wrong("im2col", "x 2-d", (f32(5, 6), 2), ValueError, r"x of shape \(N, C, H, W\).*\(5, 6\)"),
    wrong("im2col", "x 5-d", (f32(1, 1, 1, 1, 1), 1), ValueError, r"x of shape.*\(1, 1, 1, 1, 1\)"),
    wrong(
        "im2col", "no channels", (f32(2, 0, 5, 6), 2), ValueError, r"x of shape.*at least 1.*\(2, 0, 5, 6\)"
    ),
    wrong("im2col", "no rows", (f32(2, 3, 0, 6), 1), ValueError, r"x of shape.*at least 1.*\(2, 3, 0, 6\)"),
    wrong("im2col", "kernel larger than x", (IMAGE, (6, 2)), ValueError, r"window of 6 x 2.*5 x 6"),
    wrong("im2col", "dilated beyond x", (IMAGE, 3, 3), ValueError, r"window of 7 x 7.*5 x 6"),
    wrong("im2col", "kernel 0", (IMAGE, 0), ValueError, r"kernel_size >= 1, got 0"),
    wrong("im2col", "kernel of three", (IMAGE, (2, 2, 2)), ValueError, r"kernel_size.*pair.*\(2, 2, 2\)"),
    wrong("im2col", "kernel a float", (IMAGE, 2.0), TypeError, r"kernel_size.*int.*2\.0"),
    wrong("im2col", "kernel beyond 64 bits", (IMAGE, 2**70), ValueError, r"kernel_size.*2\*\*40"),
    wrong("im2col", "dilation 0", (IMAGE, 2, 0), ValueError, r"dilation >= 1, got 0"),
    wrong(
        "im2col",
        "dilation times kernel",
        (IMAGE, 2**30, 2**30),
        ValueError,
        r"dilation \* \(kernel_size - 1\)",
    ),
    wrong("im2col", "padding below 0", (IMAGE, 2, 1, -1), ValueError, r"padding >= 0, got -1"),
    wrong("im2col", "padding of three", (IMAGE, 2, 1, (1, 1, 1)), ValueError, r"padding.*\(1, 1, 1\)"),
    wrong("im2col", "padding unknown", (IMAGE, 2, 1, "full"), ValueError, r"padding.*same.*full"),
    wrong("im2col", "same with a stride", (IMAGE, 2, 1, "same", 2), ValueError, r"stride 1.*same.*\(2, 2\)"),
    wrong("im2col", "stride 0", (IMAGE, 2, 1, 0, (1, 0)), ValueError, r"stride >= 1, got 0"),
    wrong("im2col", "x None", (None, 2), TypeError, r"x.*ndarray.*None"),
    wrong(
        "im2col", "out of another shape", (IMAGE, 2), ValueError, r"out.*\(2, 12, 20\)", out=f32(2, 12, 19)
    ),
)
COL2IM_ERRORS = (
    wrong(
        "col2im", "columns 4-d", (IMAGE, (5, 6), 2), ValueError, r"columns.*\(N, C \* 4, 20\).*\(2, 3, 5, 6\)"
    ),
    wrong("col2im", "columns 1-d", (f32(4), 2, 2), ValueError, r"columns.*\(C \* 4, 1\).*\(4,\)"),
    wrong("col2im", "rows of no window", (f32(2, 13, 20), (5, 6), 2), ValueError, r"columns.*C \* 4.*13"),
    wrong("col2im", "no rows", (f32(2, 0, 20), (5, 6), 2), ValueError, r"columns.*C \* 4.*\(2, 0, 20\)"),
    wrong("col2im", "other windows", (COLUMNS, (6, 6), 2), ValueError, r"columns.*25.*6 x 6.*\(2, 12, 20\)"),
    wrong(
        "col2im",
        "kernel larger than output",
        (COLUMNS, 2, 3),
        ValueError,
        r"output_size.*window of 3 x 3.*2 x 2",
    ),
    wrong("col2im", "output_size 0", (COLUMNS, (0, 6), 2), ValueError, r"output_size >= 1, got 0"),
    wrong("col2im", "output_size of one", (COLUMNS, (5,), 2), ValueError, r"output_size.*pair.*\(5,\)"),
    wrong("col2im", "output_size a float", (COLUMNS, 5.5, 2), TypeError, r"output_size.*int.*5\.5"),
    wrong("col2im", "output_size beyond 64 bits", (COLUMNS, 2**70, 2), ValueError, r"output_size.*2\*\*40"),
    wrong("col2im", "stride 0", (COLUMNS, (5, 6), 2, 1, 0, 0), ValueError, r"stride >= 1, got 0"),
    wrong("col2im", "columns None", (None, (5, 6), 2), TypeError, r"columns.*ndarray.*None"),
    wrong(
        "col2im", "out of another shape", (COLUMNS, (5, 6), 2), ValueError, r"out.*\(2, 3, 5, 6\)", out=f32(3)
    ),
)

im2col = Function(
    name="im2col",
    stem="im2col",
    run=run("im2col"),
    reference=lambda s: (reference.im2col(**s.arrays, **s.options),),
    samples=lambda rng: [make(rng, case) for case in CASES],
    large=lambda rng: [make(rng, case) for case in LARGE],
    errors=ERRORS,
    batched=("x",),
    separable=batch_of("x", 4),
)
col2im = Function(
    name="col2im",
    stem="im2col",
    run=run("col2im"),
    reference=lambda s: (reference.col2im(**s.arrays, **s.options),),
    samples=lambda rng: [make_columns(rng, case) for case in CASES],
    large=lambda rng: [make_columns(rng, case) for case in LARGE],
    bound=col2im_bound,
    errors=COL2IM_ERRORS,
    batched=("columns",),
    separable=batch_of("columns", 3),
)
FUNCTIONS = (im2col, col2im)
GRADIENTS = (
    Gradient(im2col, col2im, ("x",), feed_columns),
    Gradient(col2im, im2col, ("columns",), feed_image),
)
