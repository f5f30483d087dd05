"""The row of adagrad_step, by the sum of the squares and by their mean."""

from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Sample, f32, group, wrong_step
from tests.reference import adagrad as reference

SHAPES = (*((t,) for t in TAILS), (3, 5), (2, 3, 4), (0,), (4, 0), (17, 33))
CHOICES = tuple(
    {"lr_decay": d, "weight_decay": w, "maximize": x, "average": a, "step": (1, 2, 1000)[i % 3]}
    for i, (d, w, x, a) in enumerate(product((0.0, 0.1), (0.0, 0.1), (False, True), (False, True)))
)


def make(rng: Generator, shapes: tuple, options: dict[str, Any]) -> Sample:
    arrays = {}
    for i, shape in enumerate(shapes):
        arrays[f"params{i}"] = rng.standard_normal(shape)
        arrays[f"grads{i}"] = rng.standard_normal(shape)
        arrays[f"sums{i}"] = options["step"] * (rng.random(shape) + 0.01)
    return Sample(arrays, {"lr": 0.01, **options})


def samples(rng: Generator) -> list[Sample]:
    made = []
    for i, options in enumerate(CHOICES):
        shapes = tuple(SHAPES[(i * 5 + j) % len(SHAPES)] for j in range(i % 6))
        made.append(make(rng, shapes, options))
    extra = {**CHOICES[-1], "eps": 1e-3, "lr": 1.0}
    return [*made, make(rng, SHAPES, CHOICES[-1]), make(rng, SHAPES, extra)]


def large(rng: Generator) -> list[Sample]:
    shapes = ((200_001,), (3,), (400, 300), (64,))
    return [make(rng, shapes, options) for options in CHOICES[:: len(CHOICES) // 3]]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    params, sums = group(sample, "params"), group(sample, "sums")
    options = backend.core.AdagradOptions(**sample.options)
    backend.core.adagrad_step(params, group(sample, "grads"), sums, options)
    return (*params, *sums)


def each(sample: Sample) -> Any:
    return zip(*(group(sample, name) for name in ("params", "grads", "sums")), strict=True)


def meaning(sample: Sample) -> Arrays:
    stepped = [reference.step(p, g, s, **sample.options) for p, g, s in each(sample)]
    return tuple(r for results in zip(*stepped, strict=True) for r in results)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    n = len(wanted) // 2
    units = [one_bound(p, g, s, wanted[n + i], sample.options) for i, (p, g, s) in enumerate(each(sample))]
    return tuple(u for results in zip(*units, strict=True) for u in results)


def one_bound(
    param: Array, grad: Array, total: Array, after: Array, o: dict[str, Any]
) -> tuple[Array, Array]:
    """Four roundings of each term; the root passes on half the relative error of the sum."""
    p, g, s = (np.abs(a.astype(np.float64)) for a in (param, grad, total))
    with np.errstate(all="ignore"):
        g = g + o["weight_decay"] * p if o["weight_decay"] else g
        s = s + g * g
        sigma = np.sqrt(after / o["step"] if o["average"] else after)
        update = o["lr"] / (1 + (o["step"] - 1) * o["lr_decay"]) * g / (sigma + o.get("eps", 1e-10))
        return 4 * p + update * (8 + 2 * np.nan_to_num(s / after, posinf=0.0)), 4 * s


def in_place(sample: Sample) -> tuple[str, ...]:
    return tuple(name for name in sample.arrays if not name.startswith("grads"))


def arrays(**changed: list) -> tuple:
    given = {"params": [f32(2, 3)], "grads": [f32(2, 3)], "sums": [f32(2, 3)]}
    return tuple({**given, **changed}.values())


def bad(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong_step("adagrad", label, given, {"lr": 0.1, "step": 1, **options}, exception, match)


FROZEN = f32(2, 3)
FROZEN.flags.writeable = False
ERRORS = (
    bad("one gradient missing", arrays(grads=[]), ValueError, r"grads.*1.*0"),
    bad("gradient of another shape", arrays(grads=[f32(6)]), ValueError, r"grads\D*0\D.*\(2, 3\).*\(6,\)"),
    bad("gradient of another dtype", arrays(grads=[np.ones((2, 3))]), TypeError, r"grads.*float32.*float64"),
    bad("parameter of integers", arrays(params=[np.ones((2, 3), int)]), TypeError, r"params.*float32.*int64"),
    bad("parameter read-only", arrays(params=[FROZEN]), ValueError, r"params\[0\] .*writeable"),
    bad("sums missing", arrays(sums=[]), ValueError, r"sums.*1.*0"),
    bad("sums of another shape", arrays(sums=[f32(3)]), ValueError, r"sums.*\(2, 3\).*\(3,\)"),
    bad("sums of another dtype", arrays(sums=[np.ones((2, 3))]), TypeError, r"sums.*float32.*float64"),
    bad("sums read-only", arrays(sums=[FROZEN]), ValueError, r"sums\[0\] .*writeable"),
    bad("step 0", arrays(), ValueError, r"step.*1.*0", step=0),
    bad("negative lr", arrays(), ValueError, r"expected lr to be finite and >= 0, got -0.1", lr=-0.1),
    bad("infinite lr_decay", arrays(), ValueError, r"expected lr_decay .*, got inf", lr_decay=float("inf")),
    bad("eps a NaN", arrays(), ValueError, r"expected eps to be finite and >= 0, got nan", eps=float("nan")),
    bad("negative decay", arrays(), ValueError, r"expected weight_decay to be .*, got -1", weight_decay=-1.0),
)

adagrad = Function(
    name="adagrad_step",
    stem="adagrad",
    run=run,
    reference=meaning,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    outs=(),
    in_place=in_place,
)
FUNCTIONS = (adagrad,)
GRADIENTS = ()
