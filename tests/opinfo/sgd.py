"""The row of sgd_step."""

from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Arrays, Backend, Function, Sample, f32, group, wrong_step
from tests.reference import sgd as reference

SHAPES = (*((t,) for t in TAILS), (3, 5), (2, 3, 4), (0,), (4, 0), (17, 33))
CHOICES = tuple(
    {"momentum": m, "dampening": d, "weight_decay": w, "nesterov": n, "maximize": x, "first_step": f}
    for m, d, w, n, x, f in product((0.0, 0.9), (0.0, 0.3), (0.0, 0.01), *3 * ((False, True),))
    if not (n and (m == 0 or d != 0))
)


def make(rng: Generator, shapes: tuple, options: dict[str, Any]) -> Sample:
    names = ["params", "grads", "momentum_buffers"] if options["momentum"] else ["params", "grads"]
    arrays = {f"{name}{i}": rng.standard_normal(shape) for name in names for i, shape in enumerate(shapes)}
    return Sample(arrays, {"lr": 0.1, **options})


def samples(rng: Generator) -> list[Sample]:
    made = []
    for i, options in enumerate(CHOICES):
        shapes = tuple(SHAPES[(i * 5 + j) % len(SHAPES)] for j in range(i % 6))
        made.append(make(rng, shapes, options))
    return [*made, make(rng, SHAPES, CHOICES[-1])]


def large(rng: Generator) -> list[Sample]:
    shapes = ((200_001,), (3,), (400, 300), (64,))
    return [make(rng, shapes, options) for options in CHOICES[:: len(CHOICES) // 4]]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    params, grads, buffers = (group(sample, name) for name in ("params", "grads", "momentum_buffers"))
    backend.core.sgd_step(params, grads, buffers, backend.core.SGDOptions(**sample.options))
    return (*params, *buffers)


def meaning(sample: Sample) -> Arrays:
    params, grads, buffers = (group(sample, name) for name in ("params", "grads", "momentum_buffers"))
    stepped = [
        reference.step(p, g, buffers[i] if buffers else None, **sample.options)
        for i, (p, g) in enumerate(zip(params, grads, strict=True))
    ]
    return (*(p for p, _ in stepped), *(b for _, b in stepped if b is not None))


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    """Four roundings of the same step with every term counted positive."""
    positive = sample.map(lambda _, a: np.abs(a.astype(np.float64)))
    options = {**sample.options, "lr": -sample.options["lr"], "maximize": False}
    return tuple(4 * r for r in meaning(Sample(positive.arrays, options)))


def in_place(sample: Sample) -> tuple[str, ...]:
    return tuple(name for name in sample.arrays if not name.startswith("grads"))


def arrays(params: list, grads: list | None = None, buffers: list | None = None) -> tuple:
    return params, [f32(2, 3)] if grads is None else grads, [] if buffers is None else buffers


def bad(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong_step("sgd", label, given, {"lr": 0.1, **options}, exception, match)


P = f32(2, 3)
FROZEN = f32(2, 3)
FROZEN.flags.writeable = False
ERRORS = (
    bad("one gradient missing", arrays([P], []), ValueError, r"grads.*1.*0"),
    bad(
        "gradient of another shape", arrays([P], [f32(3, 2)]), ValueError, r"grads\D*0\D.*\(2, 3\).*\(3, 2\)"
    ),
    bad(
        "gradient of another dtype",
        arrays([P], [f32(2, 3).astype(float)]),
        TypeError,
        r"grads.*float32.*float64",
    ),
    bad("parameter of integers", arrays([np.ones((2, 3), int)]), TypeError, r"params.*float32.*int64"),
    bad("parameter read-only", arrays([FROZEN]), ValueError, r"params\[0\] .*writeable"),
    bad("parameter a list", arrays([[1.0]]), TypeError, r"params.*ndarray.*list"),
    bad(
        "one buffer too many", arrays([P], None, [P, P]), ValueError, r"momentum_buffers.*1.*2", momentum=0.9
    ),
    bad("buffer missing", arrays([P]), ValueError, r"momentum_buffers.*1.*0", momentum=0.9),
    bad(
        "buffer of another shape",
        arrays([P], None, [f32(6)]),
        ValueError,
        r"momentum_buffers.*\(2, 3\).*\(6,\)",
        momentum=0.9,
    ),
    bad("negative lr", arrays([P]), ValueError, r"expected lr to be finite and >= 0, got -0.1", lr=-0.1),
    bad("lr a NaN", arrays([P]), ValueError, r"expected lr to be finite and >= 0, got nan", lr=float("nan")),
    bad("negative decay", arrays([P]), ValueError, r"expected weight_decay .*, got -1", weight_decay=-1.0),
    bad("infinite momentum", arrays([P]), ValueError, r"momentum .*, got inf", momentum=float("inf")),
    bad("dampening a NaN", arrays([P]), ValueError, r"dampening .*, got nan", dampening=float("nan")),
    bad("nesterov alone", arrays([P]), ValueError, r"momentum > 0 .*, got momentum=0", nesterov=True),
)

sgd = Function(
    name="sgd_step",
    stem="sgd",
    run=run,
    reference=meaning,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    outs=(),
    in_place=in_place,
)
FUNCTIONS = (sgd,)
GRADIENTS = ()
