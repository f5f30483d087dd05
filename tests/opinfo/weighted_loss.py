"""The rows of weighted_loss and scale, which weigh losses and gradients by their samples."""

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Arrays, Backend, ErrorCase, Function, Sample, f32, wrong
from tests.opinfo.tolerance import summation
from tests.reference import loss as reference

SHAPES = (*((t,) for t in TAILS), *((t, 3) for t in TAILS), (4, 33), (2, 3, 4), (1, 1), (0,), (0, 3), (3, 0))
LARGE = ((20_000,), (50, 3000), (3, 40_000), (2000, 3, 7))
REDUCTIONS = ("mean", "sum", "none")


def make(rng: Generator, shape: tuple[int, ...], i: int) -> Sample:
    arrays = {"losses": rng.standard_normal(shape), "weight": rng.random(shape[0]) + 0.2}
    if i // 3 % 2:
        arrays["shares"] = rng.integers(0, 3, shape) + 0.5
    if i % 9 == 3:
        arrays["weight"] = np.zeros(shape[0])
    return Sample(arrays, {"reduction": REDUCTIONS[i % 3]})


def samples(rng: Generator) -> list[Sample]:
    return [make(rng, SHAPES[i % len(SHAPES)], i) for i in range(3 * len(SHAPES) + 3)]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, shape, i) for i, shape in enumerate(LARGE * 2)]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    options = backend.core.LossOptions(**sample.options)
    place = None if out is None else out[0]
    value, factor = backend.core.weighted_loss(a["losses"], a["weight"], a.get("shares"), options, place)
    return value, factor


def meaning(sample: Sample) -> Arrays:
    return reference.weighted_loss(**sample.arrays, **sample.options)


def units(sample: Sample, wanted: Arrays) -> Arrays:
    """A product each; sums and quotients are held in double, so they add to the error of double only."""
    singles = np.abs(meaning(Sample(sample.arrays, {"reduction": "none"}))[0])
    if sample.options["reduction"] == "none":
        return singles, 0.0
    wander = 2 + (summation(singles.size) if sample.arrays["losses"].dtype == np.float64 else 0.0)
    if sample.options["reduction"] == "sum":
        return wander * singles.sum(), 0.0
    with np.errstate(all="ignore"):
        weight = np.asarray(sample.arrays["weight"], dtype=np.float64)
        parts = np.nanmax(np.abs(wanted[1]) / weight, initial=0.0)
        return 2 * wander * singles.sum() * parts, wander * np.abs(wanted[1])


def with_shape(rng: Generator, x: tuple[int, ...], factor: tuple[int, ...]) -> Sample:
    return Sample({"x": rng.standard_normal(x), "factor": rng.standard_normal(factor)})


def scale_samples(rng: Generator) -> list[Sample]:
    made = [with_shape(rng, (t, 3), (t,)) for t in TAILS] + [with_shape(rng, (3, t), (3,)) for t in TAILS]
    made += [with_shape(rng, shape, ()) for shape in ((), (5,), (2, 17), (0, 3))]
    made += [with_shape(rng, shape, shape) for shape in ((9,), (4, 5), (2, 0))]
    made += [with_shape(rng, (2, 3, 4, 5), shape) for shape in ((2,), (2, 4, 5), (2, 3, 4, 5))]
    return [*made, with_shape(rng, (3, 0, 2), (3, 2)), with_shape(rng, (0, 2), (0,))]


def scale_large(rng: Generator) -> list[Sample]:
    shapes = (((9000, 10), (9000,)), ((3, 40_000), (3,)), ((40, 10, 300), (40, 300)), ((100_000,), ()))
    return [with_shape(rng, *pair) for pair in shapes]


def run_scale(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    place = None if out is None else out[0]
    return (backend.core.scale(sample.arrays["x"], sample.arrays["factor"], place),)


def weighing_error(
    label: str, match: str, exception: type[Exception] = ValueError, **given: Any
) -> ErrorCase:
    """A call with losses of shape (2, 3), but for what is given."""
    arguments = {"losses": f32(2, 3), "weight": f32(2), "shares": None, "out": None, **given}

    def call(backend: Backend) -> object:
        losses, weight, shares, out = (backend.moved(value) for value in arguments.values())
        return backend.core.weighted_loss(losses, weight, shares, backend.core.LossOptions(), out)

    return ErrorCase(label, call, exception, rf"^\[weighted_loss\] .*{match}")


def scale_error(label: str, match: str, exception: type[Exception] = ValueError, **given: Any) -> ErrorCase:
    """A call with x of shape (2, 3) and a factor a row, but for what is given."""
    arguments = {"x": f32(2, 3), "factor": f32(2), "out": None, **given}
    return wrong("scale", label, tuple(arguments.values()), exception, match)


weighted_loss = Function(
    name="weighted_loss",
    stem="weighted_loss",
    run=run,
    reference=meaning,
    bound=units,
    samples=samples,
    large=large,
    outs=(1,),
    specials=("losses",),
    errors=(
        weighing_error("losses 0-d", r"losses.*\(N, \.\.\.\).*\(\)", losses=f32(), weight=f32()),
        weighing_error("weight of another N", r"weight.*\(2,\).*\(3,\)", weight=f32(3)),
        weighing_error("weight 2-d", r"weight.*\(2,\).*\(2, 3\)", weight=f32(2, 3)),
        weighing_error("shares of samples", r"shares.*\(2, 3\).*\(2,\)", shares=f32(2)),
        weighing_error("weight None", r"weight.*ndarray.*None", TypeError, weight=None),
        weighing_error("weight of another dtype", r"weight.*float32.*float64", TypeError, weight=np.ones(2)),
        weighing_error(
            "losses of integers", r"losses.*float32.*int64", TypeError, losses=np.ones((2, 3), int)
        ),
        weighing_error("shares of another dtype", r"shares.*float32", TypeError, shares=np.ones((2, 3))),
        weighing_error("out of another shape", r"out.*\(2,\).*\(3,\)", out=f32(3)),
    ),
)
scale = Function(
    name="scale",
    stem="scale",
    run=run_scale,
    reference=lambda s: (reference.scale(**s.arrays),),
    bound=lambda s, wanted: (np.abs(wanted[0]),),
    samples=scale_samples,
    large=scale_large,
    errors=(
        scale_error("factor of classes", r"factor.*\(2, 3\).*\(3,\)", factor=f32(3)),
        scale_error("factor with more axes", r"factor.*\(2,\).*\(2, 1\)", x=f32(2), factor=f32(2, 1)),
        scale_error("x 0-d", r"factor.*\(\).*\(1,\)", x=f32(), factor=f32(1)),
        scale_error("x None", r"x.*ndarray.*None", TypeError, x=None),
        scale_error("x of integers", r"x.*float32.*int64", TypeError, x=np.ones((2, 3), int)),
        scale_error("factor None", r"factor.*ndarray.*None", TypeError, factor=None),
        scale_error("factor of another dtype", r"factor.*float32.*float64", TypeError, factor=np.ones(2)),
        scale_error("out of another shape", r"out.*\(2, 3\).*\(2,\)", out=f32(2)),
    ),
)
FUNCTIONS = (weighted_loss, scale)
GRADIENTS = ()
