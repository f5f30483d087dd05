"""The row of adam_step: Adam, AdamW and AMSGrad."""

from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Sample, f32, group, wrong_step
from tests.reference import adam as reference

SHAPES = (*((t,) for t in TAILS), (3, 5), (2, 3, 4), (0,), (4, 0), (17, 33))
STATES = ("params", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs")
CHOICES = tuple(
    {"weight_decay": w, "decoupled": d, "maximize": x, "step": s, "amsgrad": a}
    for w, d, x, s, a in product((0.0, 0.1), (False, True), (False, True), (1, 2, 1000), (False, True))
)


def make(rng: Generator, shapes: tuple, options: dict[str, Any]) -> Sample:
    arrays = {}
    for i, shape in enumerate(shapes):
        arrays[f"params{i}"] = rng.standard_normal(shape)
        arrays[f"grads{i}"] = rng.standard_normal(shape)
        arrays[f"exp_avgs{i}"] = rng.standard_normal(shape)
        arrays[f"exp_avg_sqs{i}"] = rng.random(shape) + 0.01
        if options["amsgrad"]:
            arrays[f"max_exp_avg_sqs{i}"] = rng.random(shape) + 0.01
    kept = {key: value for key, value in options.items() if key != "amsgrad"}
    return Sample(arrays, {"lr": 0.01, **kept})


def samples(rng: Generator) -> list[Sample]:
    made = []
    for i, options in enumerate(CHOICES):
        shapes = tuple(SHAPES[(i * 5 + j) % len(SHAPES)] for j in range(i % 6))
        made.append(make(rng, shapes, options))
    extra = {**CHOICES[0], "beta1": 0.5, "beta2": 0.9, "eps": 1e-3, "lr": 1.0}
    return [*made, make(rng, SHAPES, CHOICES[-1]), make(rng, SHAPES, extra)]


def large(rng: Generator) -> list[Sample]:
    shapes = ((200_001,), (3,), (400, 300), (64,))
    return [make(rng, shapes, options) for options in CHOICES[:: len(CHOICES) // 3]]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    params, avgs, sqs, maxima = (group(sample, name) for name in STATES)
    options = backend.core.AdamOptions(**sample.options)
    backend.core.adam_step(params, group(sample, "grads"), avgs, sqs, maxima, options)
    return (*params, *avgs, *sqs, *maxima)


def meaning(sample: Sample) -> Arrays:
    params, avgs, sqs, maxima = (group(sample, name) for name in STATES)
    stepped = [
        reference.step(p, g, m, v, top, **sample.options)
        for p, g, m, v, top in zip(
            params, group(sample, "grads"), avgs, sqs, maxima or [None] * len(params), strict=True
        )
    ]
    return tuple(r for results in zip(*stepped, strict=True) for r in results if r is not None)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    """Each moment to four roundings of its terms, the parameter to those of its update."""
    o = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, **sample.options}
    given = [group(sample, name) for name in ("params", "grads", "exp_avgs", "exp_avg_sqs")]
    n = len(given[0])
    second = wanted[-n:] if n else ()
    units = [
        one_bound(*(np.abs(a.astype(np.float64)) for a in arrays), top, o)
        for *arrays, top in zip(*given, second, strict=True)
    ]
    moments = [u for k in range(3) for u in (units[i][k] for i in range(n))]
    return (*moments, *(units[i][2] for i in range(n) if len(wanted) > 3 * n))


def one_bound(
    p: Array, g: Array, m: Array, v: Array, second: Array, o: dict[str, Any]
) -> tuple[Array, Array, Array]:
    """From sizes of the terms; `second` is the moment under the root, which passes on its relative error."""
    with np.errstate(all="ignore"):
        if o["weight_decay"] and not o["decoupled"]:
            g = g + o["weight_decay"] * p
        m = o["beta1"] * m + (1 - o["beta1"]) * g
        v = o["beta2"] * v + (1 - o["beta2"]) * g * g
        root = np.sqrt(second / (1 - o["beta2"] ** o["step"])) + o["eps"]
        update = o["lr"] * m / (1 - o["beta1"] ** o["step"]) / root
        return 4 * p + update * (8 + 2 * np.nan_to_num(v / second, posinf=0.0)), 4 * m, 4 * v


def in_place(sample: Sample) -> tuple[str, ...]:
    return tuple(name for name in sample.arrays if not name.startswith("grads"))


def arrays(**changed: list) -> tuple:
    given = {
        "params": [f32(2, 3)],
        "grads": [f32(2, 3)],
        "avgs": [f32(2, 3)],
        "sqs": [f32(2, 3)],
        "maxima": [],
    }
    return tuple({**given, **changed}.values())


def bad(label: str, given: tuple, exception: Any, match: str, **options: Any) -> Any:
    return wrong_step("adam", label, given, {"lr": 0.1, "step": 1, **options}, exception, match)


FROZEN = f32(2, 3)
FROZEN.flags.writeable = False
ERRORS = (
    bad("one gradient missing", arrays(grads=[]), ValueError, r"grads.*1.*0"),
    bad("gradient of another shape", arrays(grads=[f32(6)]), ValueError, r"grads\D*0\D.*\(2, 3\).*\(6,\)"),
    bad("gradient of another dtype", arrays(grads=[np.ones((2, 3))]), TypeError, r"grads.*float32.*float64"),
    bad("parameter of integers", arrays(params=[np.ones((2, 3), int)]), TypeError, r"params.*float32.*int64"),
    bad("parameter read-only", arrays(params=[FROZEN]), ValueError, r"params\[0\] .*writeable"),
    bad("parameter a list", arrays(params=[[1.0]]), TypeError, r"params.*ndarray.*list"),
    bad("exp_avgs missing", arrays(avgs=[]), ValueError, r"exp_avgs.*1.*0"),
    bad("exp_avg_sqs of another shape", arrays(sqs=[f32(3)]), ValueError, r"exp_avg_sqs.*\(2, 3\).*\(3,\)"),
    bad("exp_avg_sqs read-only", arrays(sqs=[FROZEN]), ValueError, r"exp_avg_sqs\[0\] .*writeable"),
    bad("max_exp_avg_sqs of two", arrays(maxima=[f32(2, 3)] * 2), ValueError, r"max_exp_avg_sqs.*1.*2"),
    bad("step 0", arrays(), ValueError, r"step.*1.*0", step=0),
    bad("negative lr", arrays(), ValueError, r"expected lr to be finite and >= 0, got -0.1", lr=-0.1),
    bad("beta1 of 1", arrays(), ValueError, r"expected beta1 in \[0, 1\), got 1", beta1=1.0),
    bad("beta2 a NaN", arrays(), ValueError, r"expected beta2 in \[0, 1\), got nan", beta2=float("nan")),
    bad("negative eps", arrays(), ValueError, r"expected eps to be finite and >= 0, got -1", eps=-1.0),
    bad("infinite decay", arrays(), ValueError, r"weight_decay .*, got inf", weight_decay=float("inf")),
)

adam = Function(
    name="adam_step",
    stem="adam",
    run=run,
    reference=meaning,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    outs=(),
    in_place=in_place,
)
FUNCTIONS = (adam,)
GRADIENTS = ()
