"""The row of rmsprop_step: plain, centered, with momentum."""

from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Sample, f32, group, wrong_step
from tests.reference import rmsprop as reference

SHAPES = (*((t,) for t in TAILS), (3, 5), (2, 3, 4), (0,), (4, 0), (17, 33))
STATES = ("params", "square_avgs", "grad_avgs", "momentum_buffers")
# Every set of flags, with alpha by their parity: each pair of options meets in all its values.
CHOICES = tuple(
    {"alpha": (0.5, 0.99)[i.bit_count() % 2], "weight_decay": w, "momentum": m, "centered": c, "maximize": x}
    for i, (w, m, c, x) in enumerate(product((0.0, 0.1), (0.0, 0.9), (False, True), (False, True)))
)


def make(rng: Generator, shapes: tuple, options: dict[str, Any]) -> Sample:
    arrays = {}
    for i, shape in enumerate(shapes):
        arrays[f"params{i}"] = rng.standard_normal(shape)
        arrays[f"grads{i}"] = rng.standard_normal(shape)
        arrays[f"square_avgs{i}"] = rng.random(shape) + 0.01
        if options["centered"]:  # as an average of gradients is: its square lies below that of the squares
            arrays[f"grad_avgs{i}"] = rng.uniform(-0.5, 0.5, shape) * np.sqrt(arrays[f"square_avgs{i}"])
        if options["momentum"]:
            arrays[f"momentum_buffers{i}"] = rng.standard_normal(shape)
    return Sample(arrays, {"lr": 0.01, **options})


def samples(rng: Generator) -> list[Sample]:
    made = []
    for i, options in enumerate(CHOICES):
        shapes = tuple(SHAPES[(i * 5 + j) % len(SHAPES)] for j in range(i % 6))
        made.append(make(rng, shapes, options))
    extra = {**CHOICES[0], "alpha": 0.0, "eps": 1e-3, "lr": 1.0}
    return [*made, make(rng, SHAPES, CHOICES[-1]), make(rng, SHAPES, extra)]


def large(rng: Generator) -> list[Sample]:
    shapes = ((200_001,), (3,), (400, 300), (64,))
    return [make(rng, shapes, options) for options in CHOICES[:: len(CHOICES) // 3]]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    params, squares, averages, buffers = (group(sample, name) for name in STATES)
    options = backend.core.RMSpropOptions(**sample.options)
    backend.core.rmsprop_step(params, group(sample, "grads"), squares, averages, buffers, options)
    return (*params, *squares, *averages, *buffers)


def meaning(sample: Sample) -> Arrays:
    params, squares, averages, buffers = (group(sample, name) for name in STATES)
    none = [None] * len(params)
    stepped = [
        reference.step(*arrays, **sample.options)
        for arrays in zip(
            params, group(sample, "grads"), squares, averages or none, buffers or none, strict=True
        )
    ]
    return tuple(r for results in zip(*stepped, strict=True) for r in results if r is not None)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    params, squares, averages, buffers = (group(sample, name) for name in STATES)
    none = [None] * len(params)
    units = [
        one_bound(*arrays, sample.options)
        for arrays in zip(
            params, group(sample, "grads"), squares, averages or none, buffers or none, strict=True
        )
    ]
    return tuple(u for results in zip(*units, strict=True) for u in results if u is not None)


def one_bound(
    param: Array, grad: Array, square: Array, average: Array | None, buffer: Array | None, o: dict[str, Any]
) -> tuple[Array | None, ...]:
    """Four roundings of each term; the root passes on half the relative error of what is under it."""
    step = {"lr": 0.0, "alpha": 0.99, "eps": 1e-8, **o}
    lr, alpha, momentum = step["lr"], step["alpha"], step["momentum"]
    p, g = (np.abs(a.astype(np.float64)) for a in (param, grad))
    with np.errstate(all="ignore"):
        g = g + step["weight_decay"] * p if step["weight_decay"] else g
        v = alpha * np.abs(square.astype(np.float64)) + (1 - alpha) * g * g
        a = (
            np.zeros_like(v)
            if average is None
            else alpha * np.abs(average.astype(np.float64)) + (1 - alpha) * g
        )
        _, v_after, a_after, _ = reference.step(param, grad, square, average, buffer, **o)
        variance = v_after if a_after is None else np.maximum(v_after - a_after**2, 0)
        root = np.sqrt(variance) + step["eps"]
        # Where the variance counts as 0, it does so whatever its error.
        relative = np.where(variance > 0, (4 * v + 10 * a * a) / variance, 0.0)
        u = 4 * g / root + g / root * np.nan_to_num(relative, posinf=0.0)
        b = u if buffer is None else u + 4 * momentum * np.abs(buffer.astype(np.float64))
        return (
            4 * p + 4 * lr * b,
            4 * v,
            None if average is None else 4 * a,
            None if buffer is None else b,
        )


def in_place(sample: Sample) -> tuple[str, ...]:
    return tuple(name for name in sample.arrays if not name.startswith("grads"))


def arrays(**changed: list) -> tuple:
    given = {
        "params": [f32(2, 3)],
        "grads": [f32(2, 3)],
        "squares": [f32(2, 3)],
        "averages": [],
        "buffers": [],
    }
    return tuple({**given, **changed}.values())


def bad(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong_step("rmsprop", label, given, {"lr": 0.1, **options}, exception, match)


FROZEN = f32(2, 3)
FROZEN.flags.writeable = False
NAN = float("nan")
ERRORS = (
    bad("one gradient missing", arrays(grads=[]), ValueError, r"grads.*1.*0"),
    bad("gradient of another shape", arrays(grads=[f32(6)]), ValueError, r"grads\D*0\D.*\(2, 3\).*\(6,\)"),
    bad("gradient of another dtype", arrays(grads=[np.ones((2, 3))]), TypeError, r"grads.*float32.*float64"),
    bad("parameter of integers", arrays(params=[np.ones((2, 3), int)]), TypeError, r"params.*float32.*int64"),
    bad("parameter read-only", arrays(params=[FROZEN]), ValueError, r"params\[0\] .*writeable"),
    bad("square_avgs missing", arrays(squares=[]), ValueError, r"square_avgs.*1.*0"),
    bad("square_avgs read-only", arrays(squares=[FROZEN]), ValueError, r"square_avgs\[0\] .*writeable"),
    bad("grad_avgs missing", arrays(), ValueError, r"grad_avgs.*1.*0", centered=True),
    bad(
        "grad_avgs of another shape",
        arrays(averages=[f32(3)]),
        ValueError,
        r"grad_avgs.*\(2, 3\).*\(3,\)",
        centered=True,
    ),
    bad(
        "buffers of two", arrays(buffers=[f32(2, 3)] * 2), ValueError, r"momentum_buffers.*1.*2", momentum=0.9
    ),
    bad("negative lr", arrays(), ValueError, r"expected lr to be finite and >= 0, got -0.1", lr=-0.1),
    bad("alpha above 1", arrays(), ValueError, r"expected alpha in \[0, 1\], got 1.5", alpha=1.5),
    bad("eps a NaN", arrays(), ValueError, r"expected eps to be finite and >= 0, got nan", eps=NAN),
    bad("momentum below 0", arrays(), ValueError, r"expected momentum to be .*, got -1", momentum=-1.0),
    bad(
        "infinite decay",
        arrays(),
        ValueError,
        r"expected weight_decay .*, got inf",
        weight_decay=float("inf"),
    ),
)

rmsprop = Function(
    name="rmsprop_step",
    stem="rmsprop",
    run=run,
    reference=meaning,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    outs=(),
    in_place=in_place,
)
FUNCTIONS = (rmsprop,)
GRADIENTS = ()
