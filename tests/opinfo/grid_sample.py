"""The rows of affine_grid, grid_sample, affine_sample, and the backwards.

Places lie clear of the lines on which a tap changes, where a gradient jumps and a rounding would decide.
"""

from itertools import cycle
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Gradient, Sample, f32, fed, wrong
from tests.opinfo.tolerance import magnitude, summation
from tests.reference import grid_sample as reference

Options = dict[str, Any]
OPTIONS: tuple[Options, ...] = tuple(
    {"mode": mode, "padding_mode": padding, "align_corners": align}
    for mode in ("bilinear", "nearest")
    for padding in ("zeros", "border")
    for align in (False, True)
)
# N, C, H, W, and the height and the width of the result.
SHAPES = (
    *((1, 1, 2, t, 3, 2) for t in TAILS),
    *((1, 2, t, 3, 1, 4) for t in TAILS),
    *((2, 1, 3, 4, 1, t) for t in TAILS),
    *((1, t, 3, 2, 2, 2) for t in TAILS),
    (3, 2, 4, 5, 3, 6),
    (1, 1, 1, 1, 2, 2),
    (1, 1, 5, 6, 13, 11),
    (0, 2, 3, 3, 2, 2),
    (2, 0, 3, 3, 2, 2),
    (2, 2, 3, 3, 0, 2),
    (2, 2, 3, 3, 2, 0),
)
LARGE = ((9, 2, 12, 13, 20, 21), (1, 3, 20, 30, 80, 70), (40, 1, 6, 6, 9, 9))


def axis(rng: Generator, n: int, count: tuple[int, ...], align_corners: bool) -> Array:
    """Coordinates of places around an axis, 0.1 to 0.4 past a cell or past the middle of two."""
    p = rng.integers(-4, 2 * n + 2, count) / 2 + rng.uniform(0.1, 0.4, count)
    if align_corners and n == 1:
        return np.asarray(rng.uniform(-2, 2, count))
    return np.asarray(p * 2 / (n - 1) - 1 if align_corners else (2 * p + 1) / n - 1)


def make(rng: Generator, shape: tuple[int, ...], options: Options) -> Sample:
    N, C, H, W, OH, OW = shape
    cells, align = (N, OH, OW), options["align_corners"]
    grid = np.stack([axis(rng, W, cells, align), axis(rng, H, cells, align)], axis=-1)
    return Sample({"input": rng.standard_normal((N, C, H, W)), "grid": grid}, options)


def samples(rng: Generator) -> list[Sample]:
    # Planes of one and two rows and columns, which hold less than the two by two cells around a place.
    narrow = [(1, 2, H, W, 3, 7) for H in (1, 2) for W in (1, 2)]
    return [
        *(make(rng, shape, options) for shape, options in zip(SHAPES, cycle(OPTIONS[::3]), strict=False)),
        *(make(rng, shape, options) for shape in narrow for options in OPTIONS[::2]),
    ]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, shape, options) for shape in LARGE for options in OPTIONS[::3]]


def run(name: str, *names: str) -> Any:
    def call(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
        arrays = [sample.arrays[name] for name in names]
        function = getattr(backend.functional, name)
        return (function(*arrays, **sample.options, out=None if out is None else out[0]),)

    return call


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    result: Arrays = backend.functional.grid_sample_backward(
        *sample.arrays.values(), **sample.options, out=out
    )
    return result


def finite(array: Array) -> Array:
    """Magnitudes, without those that are infinite or NaN."""
    return np.nan_to_num(magnitude(array)[0], nan=0.0, posinf=0.0)


def cells_of(sample: Sample) -> int:
    return int(sum(sample.arrays["input"].shape[2:]))


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    """A coordinate is off by a few eps of the size of a plane, and the value by that times its slope."""
    x, grid = sample.arrays["input"], sample.arrays["grid"]
    far = finite(grid).max(axis=-1, initial=0.0)[:, None]
    largest = finite(x).max(axis=(2, 3), initial=0.0)[:, :, None, None]
    return ((8 + 8 * cells_of(sample) * (1 + far)) * largest,)


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    """Likewise, over all cells that read one, or over all channels."""
    g, x, grid = magnitude(*sample.arrays.values())
    C = x.shape[1]
    cells = cells_of(sample) * (2 + min(float(np.nanmax(grid, initial=0.0)), 1e3))
    terms = finite(g).sum(axis=(2, 3))[:, :, None, None]
    by_input = (16 * cells + summation(g[0, 0].size if g.size else 0)) * terms
    largest = finite(x).max(axis=(2, 3), initial=0.0)
    both = finite(g) * largest[:, :, None, None]
    by_grid = (32 * cells + summation(C)) * cells * both.sum(axis=1)[..., None]
    return np.broadcast_to(by_input, x.shape), np.broadcast_to(by_grid, grid.shape)


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    return Sample({"grad_output": grad_output, **sample.arrays}, sample.options)


# --- affine --------------------------------------------------------------------------------------
SIZES = (
    *((N, 1, 2, t) for N, t in enumerate(TAILS, 1)),
    *((N, 3, t, 3) for N, t in enumerate(TAILS, 13)),
    *((t, 1, 2, 2) for t in TAILS),
    *((0, 1, 2, 2), (2, 1, 0, 3), (2, 1, 3, 0), (1, 0, 1, 1), (3, 2, 11, 13)),
)
LARGE_SIZES = ((3, 1, 150, 140), (1, 1, 300, 310), (700, 2, 7, 9))


def make_theta(rng: Generator, size: tuple[int, ...], align_corners: bool) -> Sample:
    theta = rng.standard_normal((size[0], 2, 3))
    return Sample({"theta": theta}, {"size": size, "align_corners": align_corners})


def affine_bound(sample: Sample, wanted: Arrays) -> Arrays:
    theta = finite(sample.arrays["theta"])
    return (8 * theta.sum(axis=2)[:, None, None, :],)


def affine_backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    grad = finite(sample.arrays["grad_grid"])
    return (8 * grad.sum(axis=(1, 2))[:, :, None],)


def feed_grid(sample: Sample, grad_output: Array, y: Any) -> Sample:
    return Sample({"grad_grid": grad_output}, sample.options)


def per_row(name: str) -> Any:
    """The size holds N, so a call for one row needs another size."""
    plain = run(name, "theta" if name == "affine_grid" else "grad_grid")

    def call(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
        (array,) = sample.arrays.values()
        size = (np.shape(array)[0], *sample.options["size"][1:])
        resized = Sample(sample.arrays, {**sample.options, "size": size})
        result: Arrays = plain(backend, resized, out)
        return result

    return call


# --- affine_sample -------------------------------------------------------------------------------
def make_affine(rng: Generator, shape: tuple[int, ...], options: Options) -> Sample:
    arrays = {"input": rng.standard_normal(shape), "theta": rng.uniform(-1.2, 1.2, (shape[0], 2, 3))}
    return Sample(arrays, {**options, "mode": "bilinear"})


def affine_samples(rng: Generator) -> list[Sample]:
    shapes = [size for size in SIZES if min(size[2:]) > 0]
    return [make_affine(rng, shape, options) for shape, options in zip(shapes, cycle(OPTIONS), strict=False)]


def affine_large(rng: Generator) -> list[Sample]:
    return [make_affine(rng, shape, OPTIONS[i]) for i, shape in enumerate(((3, 2, 60, 50), (200, 1, 8, 9)))]


def run_affine_sample(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    options = (sample.options[name] for name in ("mode", "padding_mode", "align_corners"))
    return (backend.core.affine_sample(*sample.arrays.values(), *options, None if out is None else out[0]),)


def affine_meaning(sample: Sample) -> Arrays:
    x, theta = sample.arrays.values()
    grid = reference.affine(theta, x.shape, sample.options["align_corners"])
    return (reference.forward(x, grid, **sample.options),)


def affine_sample_bound(sample: Sample, wanted: Arrays) -> Arrays:
    x, theta = sample.arrays.values()
    far = finite(theta).sum(axis=(1, 2))[:, None, None, None]
    largest = finite(x).max(axis=(2, 3), initial=0.0)[:, :, None, None]
    return ((8 + 16 * cells_of(sample) * (1 + far)) * largest,)


# --- what is refused -----------------------------------------------------------------------------
X, GRID, Y = f32(2, 3, 4, 5), f32(2, 6, 7, 2), f32(2, 3, 6, 7)
ERRORS = (
    wrong(
        "grid_sample", "input 3-d", (f32(3, 4, 5), GRID), ValueError, r"input.*\(N, C, H, W\).*\(3, 4, 5\)"
    ),
    wrong("grid_sample", "planes without cells", (f32(2, 3, 0, 5), GRID), ValueError, r"H and W.*\(2, 3, 0"),
    wrong(
        "grid_sample", "grid of another N", (X, f32(1, 6, 7, 2)), ValueError, r"grid.*\(2, H.*\(1, 6, 7, 2"
    ),
    wrong("grid_sample", "grid of 3 axes", (X, f32(2, 6, 7)), ValueError, r"grid.*\(2, 6, 7\)"),
    wrong("grid_sample", "grid of triples", (X, f32(2, 6, 7, 3)), ValueError, r"grid.*\(2, 6, 7, 3\)"),
    wrong(
        "grid_sample", "grid of another dtype", (X, GRID.astype("f8")), TypeError, r"grid.*float32.*float64"
    ),
    wrong("grid_sample", "bicubic", (X, GRID, "bicubic"), ValueError, r"mode.*bilinear.*nearest.*bicubic"),
    wrong("grid_sample", "mode None", (X, GRID, None), TypeError, r"mode.*str.*NoneType"),
    wrong(
        "grid_sample",
        "reflection",
        (X, GRID, "bilinear", "reflection"),
        ValueError,
        r"padding_mode.*zeros.*border.*reflection",
    ),
    wrong("grid_sample", "padding_mode 0", (X, GRID, "nearest", 0), TypeError, r"padding_mode.*str.*int"),
    wrong(
        "grid_sample", "align_corners None", (X, GRID), TypeError, r"align_corners.*None", align_corners=None
    ),
    wrong("grid_sample", "input None", (None, GRID), TypeError, r"input.*ndarray.*None"),
    wrong("grid_sample", "out of another shape", (X, GRID), ValueError, r"out.*\(2, 3, 6, 7\)", out=f32(3)),
)
BACKWARD_ERRORS = (
    wrong(
        "grid_sample_backward", "grad of another C", (f32(2, 1, 6, 7), X, GRID), ValueError, r"grad_output.*1"
    ),
    wrong(
        "grid_sample_backward", "grad of another size", (X, X, GRID), ValueError, r"\(2, 3, 6, 7\).*4, 5\)"
    ),
    wrong("grid_sample_backward", "grid 3-d", (Y, X, f32(2, 6, 7)), ValueError, r"grid.*\(2, 6, 7\)"),
    wrong("grid_sample_backward", "input 2-d", (Y, f32(4, 5), GRID), ValueError, r"input.*\(4, 5\)"),
    wrong("grid_sample_backward", "bicubic", (Y, X, GRID, "bicubic"), ValueError, r"mode.*bicubic"),
    wrong("grid_sample_backward", "needs of three", (Y, X, GRID), ValueError, r"needs.*3", needs=(True,) * 3),
    wrong("grid_sample_backward", "needs a bool", (Y, X, GRID), TypeError, r"needs.*True", needs=True),
    wrong("grid_sample_backward", "needs of ints", (Y, X, GRID), TypeError, r"needs.*int", needs=(1, 0)),
    wrong("grid_sample_backward", "out an array", (Y, X, GRID), TypeError, r"out.*tuple.*ndarray", out=X),
    wrong("grid_sample_backward", "grad None", (None, X, GRID), TypeError, r"grad_output.*ndarray.*None"),
    wrong(
        "grid_sample_backward",
        "out of another shape",
        (Y, X, GRID),
        ValueError,
        r"out\[1\].*\(2, 6, 7, 2\)",
        out=(None, X),
    ),
)
THETA = f32(2, 2, 3)
AFFINE_ERRORS = (
    wrong(
        "affine_grid", "theta of another N", (THETA, (3, 1, 4, 4)), ValueError, r"theta.*\(3, 2, 3\).*\(2, 2"
    ),
    wrong("affine_grid", "theta 2-d", (f32(2, 3), (1, 1, 4, 4)), ValueError, r"theta.*\(1, 2, 3\).*\(2, 3\)"),
    wrong("affine_grid", "theta of planes", (f32(2, 3, 4), (2, 1, 4, 4)), ValueError, r"theta.*\(2, 3, 4\)"),
    wrong("affine_grid", "size of five", (THETA, (2, 1, 4, 4, 4)), ValueError, r"size.*\(2, 1, 4, 4, 4\)"),
    wrong("affine_grid", "size negative", (THETA, (2, 1, -4, 4)), ValueError, r"size.*\(2, 1, -4, 4\)"),
    wrong("affine_grid", "size beyond 64 bits", (THETA, (2, 1, 2**70, 4)), ValueError, r"size.*2\*\*40"),
    wrong("affine_grid", "size of floats", (THETA, (2, 1, 4.0, 4)), TypeError, r"size.*int.*4\.0"),
    wrong("affine_grid", "size an int", (THETA, 4), TypeError, r"size \(N, C, H, W\).*int"),
    wrong("affine_grid", "align_corners 1", (THETA, (2, 1, 4, 4), 1), TypeError, r"align_corners.*1"),
    wrong("affine_grid", "theta None", (None, (2, 1, 4, 4)), TypeError, r"theta.*ndarray.*None"),
)
AFFINE_BACKWARD_ERRORS = tuple(
    wrong("affine_grid_backward", label, (array, size), kind, match)
    for label, array, size, kind, match in (
        ("another N", GRID, (3, 1, 6, 7), ValueError, r"grad_grid.*\(3, 6, 7, 2\).*\(2, 6, 7, 2\)"),
        ("another height", GRID, (2, 1, 5, 7), ValueError, r"grad_grid.*\(2, 5, 7, 2\).*\(2, 6, 7, 2\)"),
        ("3 axes", f32(2, 6, 7), (2, 1, 6, 7), ValueError, r"grad_grid.*\(2, 6, 7\)"),
        ("triples", f32(2, 6, 7, 3), (2, 1, 6, 7), ValueError, r"grad_grid.*\(2, 6, 7, 3\)"),
        ("size of two", GRID, (6, 7), ValueError, r"size.*\(6, 7\)"),
        ("size negative", GRID, (2, 1, 6, -7), ValueError, r"size.*-7"),
        ("size None", GRID, None, TypeError, r"size.*NoneType"),
        ("grad_grid None", None, (2, 1, 6, 7), TypeError, r"grad_grid.*ndarray.*None"),
    )
)
AFFINE_SAMPLE_ERRORS = tuple(
    wrong("affine_sample", label, (*arrays, mode, padding, False, None), kind, match)
    for label, arrays, mode, padding, kind, match in (
        ("input 3-d", (f32(3, 4, 5), THETA), "bilinear", "zeros", ValueError, r"input.*\(3, 4, 5\)"),
        ("no cells", (f32(2, 3, 4, 0), THETA), "bilinear", "zeros", ValueError, r"input.*\(2, 3, 4, 0\)"),
        ("theta of another N", (X, f32(3, 2, 3)), "bilinear", "zeros", ValueError, r"theta.*\(3, 2, 3\)"),
        ("theta 2-d", (X, f32(2, 3)), "bilinear", "zeros", ValueError, r"theta.*\(2, 3\)"),
        ("theta of float64", (X, np.ones((2, 2, 3))), "bilinear", "zeros", TypeError, r"theta.*float64"),
        ("bicubic", (X, THETA), "bicubic", "zeros", ValueError, r"mode.*bicubic"),
        ("reflection", (X, THETA), "nearest", "reflection", ValueError, r"padding_mode.*reflection"),
        ("input None", (None, THETA), "bilinear", "zeros", TypeError, r"input.*ndarray.*None"),
    )
)

grid = Function(
    name="affine_grid",
    stem="grid_sample",
    run=per_row("affine_grid"),
    reference=lambda s: (reference.affine(**s.arrays, **s.options),),
    samples=lambda rng: [make_theta(rng, size, i % 2 == 1) for i, size in enumerate(SIZES)],
    large=lambda rng: [make_theta(rng, size, align) for size in LARGE_SIZES for align in (False, True)],
    bound=affine_bound,
    errors=AFFINE_ERRORS,
    batched=("theta",),
)
grid_backward = Function(
    name="affine_grid_backward",
    stem="grid_sample",
    run=per_row("affine_grid_backward"),
    reference=lambda s: (reference.affine_backward(**s.arrays, **s.options),),
    samples=fed(grid.samples, grid.reference, feed_grid),
    large=fed(grid.large, grid.reference, feed_grid),
    bound=affine_backward_bound,
    errors=AFFINE_BACKWARD_ERRORS,
    batched=("grad_grid",),
)
forward = Function(
    name="grid_sample",
    stem="grid_sample",
    run=run("grid_sample", "input", "grid"),
    reference=lambda s: (reference.forward(**s.arrays, **s.options),),
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    batched=("input", "grid"),
)
backward = Function(
    name="grid_sample_backward",
    stem="grid_sample",
    run=run_backward,
    reference=lambda s: reference.backward(**s.arrays, **s.options),
    samples=fed(samples, forward.reference, feed),
    large=fed(large, forward.reference, feed),
    bound=backward_bound,
    errors=BACKWARD_ERRORS,
    outs=(0, 1),
    batched=("grad_output", "input", "grid"),
    batched_results=(0, 1),
)
affine_sample = Function(
    name="affine_sample",
    stem="grid_sample",
    run=run_affine_sample,
    reference=affine_meaning,
    samples=affine_samples,
    large=affine_large,
    bound=affine_sample_bound,
    errors=AFFINE_SAMPLE_ERRORS,
    batched=("input", "theta"),
)
FUNCTIONS = (grid, grid_backward, forward, backward, affine_sample)
GRADIENTS = (
    Gradient(grid, grid_backward, ("theta",), feed_grid),
    Gradient(forward, backward, ("input", "grid"), feed),
)
