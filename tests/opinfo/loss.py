"""The rows of the losses between two arrays of one shape, and of those with their gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Gradient, Sample, f32, wrong
from tests.opinfo.tolerance import summation
from tests.reference import loss as reference

SHAPES = (
    *((t,) for t in TAILS),
    *((3, t) for t in TAILS),
    *((t, 5) for t in TAILS),
    *((), (2, 3, 4), (2, 1, 3, 2), (0,), (4, 0), (0, 4), (100, 37)),
)
LARGE = ((70_001,), (300, 301))
REDUCTIONS = ("mean", "sum", "none")
BCE = "binary_cross_entropy_with_logits"
# Options to go through, of which the first is the default.
OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "mse_loss": ({},),
    "l1_loss": ({},),
    "huber_loss": ({}, {"delta": 0.3}, {"delta": 2.0}),
    "smooth_l1_loss": ({}, {"beta": 0.3}, {"beta": 0.0}, {"beta": 2.0}),
    "hinge_loss": ({},),
    BCE: ({},),
}


def clear_of_kinks(d: Array) -> Array:
    """Differences away from where the derivative of some loss jumps."""
    for kink in (0.0, 0.3, 1.0, 2.0):
        d = np.where(np.abs(np.abs(d) - kink) < 0.01, d + np.copysign(0.03, d), d)
    return d


def make_regression(rng: Generator, shape: tuple[int, ...]) -> dict[str, Array]:
    d = clear_of_kinks(1.5 * rng.standard_normal(shape))
    target = rng.standard_normal(shape)
    return {"input": np.asarray(target + d), "target": np.asarray(target)}


def make_hinge(rng: Generator, shape: tuple[int, ...]) -> dict[str, Array]:
    x = clear_of_kinks(1.5 * rng.standard_normal(shape))
    target = rng.integers(0, 2, shape)
    coded = target if rng.random() < 0.5 else 2 * target - 1
    kinds = ("float64", "int32", "int64")
    return {"input": np.asarray(x), "target": np.asarray(coded).astype(kinds[int(rng.integers(3))])}


def broadcastable(rng: Generator, shape: tuple[int, ...]) -> Array:
    """A weight of the last axes of shape, some of them 1."""
    kept = shape[int(rng.integers(max(len(shape), 1))) :]
    return np.asarray(rng.random([n if rng.random() < 0.7 else 1 for n in kept]) + 0.2)


def make_bce(rng: Generator, shape: tuple[int, ...]) -> dict[str, Array]:
    hard = rng.random() < 0.5
    target = rng.integers(0, 2, shape).astype(np.float64) if hard else rng.random(shape)
    arrays = {"input": np.asarray(4 * rng.standard_normal(shape)), "target": np.asarray(target)}
    for name in ("weight", "pos_weight"):
        if rng.random() < 0.5:
            arrays[name] = broadcastable(rng, shape)
    return arrays


MAKERS: dict[str, Callable[..., dict[str, Array]]] = {"hinge_loss": make_hinge, BCE: make_bce}


def make(rng: Generator, name: str, shape: tuple[int, ...], options: dict[str, Any]) -> Sample:
    return Sample(MAKERS.get(name, make_regression)(rng, shape), options)


def sampler(name: str, shapes: tuple[tuple[int, ...], ...], rounds: int) -> Any:
    """The numbers of SHAPES and of the choices share no factor: every choice meets many shapes."""
    choices = [{**options, "reduction": r} for options in OPTIONS[name] for r in REDUCTIONS]

    def samples(rng: Generator) -> list[Sample]:
        count = rounds * len(shapes)
        return [make(rng, name, shapes[i % len(shapes)], choices[i % len(choices)]) for i in range(count)]

    return samples


def call(backend: Backend, name: str, sample: Sample, out: Array | None) -> Any:
    a = dict(sample.arrays)
    return getattr(backend.functional, name)(a.pop("input"), a.pop("target"), out=out, **a, **sample.options)


def meaning(name: str, sample: Sample) -> Arrays:
    return reference.pointwise(name, **sample.arrays, **sample.options)


def sizes(name: str, sample: Sample) -> tuple[Array, Array]:
    """The sum of the sizes of the terms of each loss and derivative, and their errors are some eps of it."""
    options = {k: v for k, v in sample.options.items() if k != "reduction"}
    given = {k: v for k, v in sample.arrays.items() if k not in ("input", "target")}
    x, t = (np.asarray(sample.arrays[k], dtype=np.float64) for k in ("input", "target"))
    with np.errstate(all="ignore"):
        if name == BCE:
            w, p = (np.abs(np.asarray(given.get(k, 1.0))) for k in ("weight", "pos_weight"))
            negative, positive = np.abs(1 - t) * w, np.abs(t) * p * w
            loss = negative * reference.softplus(x) + positive * reference.softplus(-x)
            grad = negative * reference.sigmoid(x) + positive * reference.sigmoid(-x)
            return 12 * loss, 12 * grad
        loss, grad = reference.POINTWISE[name](x, t, **options)
    return 8 * np.abs(loss), 4 * np.abs(grad)


def units(name: str, sample: Sample, wanted: Arrays) -> Arrays:
    losses, grad = sizes(name, sample)
    reduction, n = sample.options["reduction"], losses.size
    if reduction == "none":
        return losses, grad
    # As the documentation has it, and in double the blocks are many.
    wander = 12 + (summation(n) if sample.arrays["input"].dtype == np.float64 else 0.0)
    with np.errstate(all="ignore"):
        total = (1 + wander / 8) * losses.sum()
        return (total, grad) if reduction == "sum" else (np.divide(total, n), np.divide(grad, n))


def errors(name: str) -> tuple:
    x = f32(2, 3)
    return (
        wrong(name, "input None", (None, x), TypeError, r"input.*ndarray.*None"),
        wrong(name, "input a list", ([1.0], x), TypeError, r"input.*ndarray.*list"),
        wrong(name, "target None", (x, None), TypeError, r"target.*ndarray.*None"),
        wrong(name, "target of one row", (x, f32(1, 3)), ValueError, r"target.*\(2, 3\).*\(1, 3\)"),
        wrong(name, "target of another ndim", (x, f32(3)), ValueError, r"target.*\(2, 3\).*\(3,\)"),
        wrong(name, "target of uint8", (x, x.astype("uint8")), TypeError, r"target.*float32.*uint8"),
        wrong(
            name, "other reduction", (x, x), ValueError, r"reduction.*none.*mean.*sum.*avg", reduction="avg"
        ),
        *EXTRA.get(name.removesuffix("_with_grad"), lambda name: ())(name),
    )


def number_errors(arg: str, *values: float) -> Callable[[str], tuple]:
    x = f32(2)
    bad = [(value, ValueError, rf"{arg}.*{value}") for value in (*values, -1.0, np.inf, np.nan)]

    def errors(name: str) -> tuple:
        of_value = (wrong(name, f"{arg}={v}", (x, x), error, match, **{arg: v}) for v, error, match in bad)
        words = wrong(name, f"{arg} a word", (x, x), TypeError, rf"{arg}.*number.*'1'", **{arg: "1"})
        return (*of_value, words)

    return errors


def weight_errors(name: str) -> tuple:
    x = f32(2, 3)
    found = []
    for arg in ("weight", "pos_weight"):
        for w in (f32(2), f32(3, 3), f32(1, 2, 3), f32(0)):
            shape = str(w.shape).replace("(", r"\(").replace(")", r"\)")
            match = rf"{arg} .*\(2, 3\).*{shape}"
            found.append(wrong(name, f"{arg} of {w.shape}", (x, x), ValueError, match, **{arg: w}))
        found.append(wrong(name, f"{arg} a number", (x, x), TypeError, rf"{arg}.*ndarray", **{arg: 2.0}))
    return tuple(found)


def label_errors(name: str) -> tuple:
    x = f32(2, 2)

    def of(label: str, values: list[float], kind: str, match: str) -> Any:
        return wrong(name, label, (x, np.array([[1, 1], values], kind)), ValueError, match)

    return (
        of("label 2", [1, 2], "int64", r"target in \{-1, 1\} or in \{0, 1\}, got 2 at position \(1, 1\)"),
        of("label -2", [-2, 1], "int32", r"target.*got -2 at position \(1, 0\)"),
        of("label 0.5", [1, 0.5], "float32", r"target.*got 0.5 at position \(1, 1\)"),
        of("label NaN", [1, np.nan], "float32", r"target.*got nan at position \(1, 1\)"),
        of(
            "label INT64_MIN",
            [0, -(2**63)],
            "int64",
            r"target.*got -9223372036854775808 at position \(1, 1\)",
        ),
        of("-1 after 0", [0, -1], "int64", r"target.*got -1 after a 0 at position \(1, 1\)"),
        of("0 after -1", [-1, 0], "float32", r"target.*got 0 after a -1 at position \(1, 1\)"),
    )


EXTRA: dict[str, Callable[[str], tuple]] = {
    "huber_loss": number_errors("delta", 0.0),
    "smooth_l1_loss": number_errors("beta"),
    BCE: weight_errors,
    "hinge_loss": label_errors,
}


def per_element(sample: Sample) -> bool:
    return sample.options["reduction"] == "none"


def rows_apart(sample: Sample) -> bool:
    """Each row alone is a call of its own: no weight that runs along the batch."""
    ndim = sample.arrays["input"].ndim
    weights = [a for name, a in sample.arrays.items() if name not in ("input", "target")]
    return per_element(sample) and ndim > 0 and all(w.ndim < ndim or w.shape[0] == 1 for w in weights)


def rows(stem: str) -> tuple[Function, Function]:
    labels = stem == "hinge_loss"

    def row(name: str, results: int, **options: Any) -> Function:
        def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
            result = call(backend, name, sample, None if out is None else out[0])
            return (result,) if results == 1 else result

        return Function(
            name,
            stem,
            run,
            reference=lambda s: meaning(stem, s)[:results],
            bound=lambda s, wanted: units(stem, s, wanted)[:results],
            samples=sampler(stem, SHAPES, 2),
            large=sampler(stem, LARGE, 3),
            errors=errors(name),
            free_dtype=("target",) if labels else (),
            specials=("input",) if labels else None,
            batched=("input", "target"),
            separable=rows_apart,
            **options,
        )

    return (
        row(stem, 1, takes_out=per_element),
        row(f"{stem}_with_grad", 2, outs=(1,), batched_results=(0, 1)),
    )


PAIRS = tuple(rows(name) for name in OPTIONS)
FUNCTIONS = tuple(function for pair in PAIRS for function in pair)
GRADIENTS = tuple(
    Gradient(forward, with_grad, ("input",), lambda s, g, y: s, first=1, of_sum=True)
    for forward, with_grad in PAIRS
)
