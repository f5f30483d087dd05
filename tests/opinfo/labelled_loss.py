"""The rows of nll_loss and multi_margin_loss, losses of scores against labels."""

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Gradient, Sample, f32, wrong
from tests.opinfo.tolerance import summation
from tests.reference import loss as reference

ROWS = (*((t, 5) for t in TAILS), *((4, t) for t in TAILS), (1, 1), (6,), (1,), (0, 3))
PLANES = ((3, 4, 2), (2, 3, 2, 2), (2, 5, 1, 3, 2), (5, 3, 17), (2, 3, 0), (0, 3, 2))
REDUCTIONS = ("mean", "sum", "none")
LABELS = ("int32", "int64")


def make_labels(rng: Generator, shape: tuple[int, ...], kind: int) -> Array:
    classes = shape[1 if len(shape) > 1 else 0]
    positions = shape[:1] + shape[2:] if len(shape) > 1 else ()
    return np.asarray(rng.integers(0, classes, positions)).astype(LABELS[kind % 2])


def with_weight(rng: Generator, arrays: dict[str, Array], weighted: bool) -> dict[str, Array]:
    shape = arrays["input"].shape
    weight = rng.random(shape[1 if len(shape) > 1 else 0]) + 0.2
    return {**arrays, "weight": weight} if weighted else arrays


def make_nll(rng: Generator, shape: tuple[int, ...], i: int) -> Sample:
    ignore_index = (-100, 1, -1)[i // 6 % 3]
    target = make_labels(rng, shape, i)
    target = np.where(rng.random(target.shape) < 0.2, ignore_index, target).astype(target.dtype)
    arrays = {"input": rng.standard_normal(shape), "target": np.asarray(target)}
    options = {"reduction": REDUCTIONS[i % 3], "ignore_index": ignore_index}
    return Sample(with_weight(rng, arrays, i // 3 % 2 == 1), options)


def make_multi_margin(rng: Generator, shape: tuple[int, ...], i: int) -> Sample:
    arrays = {"input": 2 * rng.standard_normal(shape), "target": make_labels(rng, shape, i)}
    options = {"reduction": REDUCTIONS[i % 3], "p": 1 + i // 6 % 2, "margin": (1.0, 0.3, -0.5)[i // 12 % 3]}
    return Sample(with_weight(rng, arrays, i // 3 % 2 == 1), options)


MAKERS = {"nll_loss": make_nll, "multi_margin_loss": make_multi_margin}
SHAPES = {"nll_loss": ROWS + PLANES, "multi_margin_loss": ROWS}
LARGE = {
    "nll_loss": ((3000, 40), (40, 30, 50), (500, 200), (3, 5, 20_000)),
    "multi_margin_loss": ((3000, 40), (9000, 3), (70, 1000)),
}


def sampler(stem: str, shapes: tuple[tuple[int, ...], ...], count: int) -> Any:
    def samples(rng: Generator) -> list[Sample]:
        return [MAKERS[stem](rng, shapes[i % len(shapes)], i) for i in range(count)]

    return samples


def call(backend: Backend, name: str, sample: Sample, out: Array | None) -> Any:
    a = sample.arrays
    options = {"weight": a.get("weight"), **sample.options}
    return getattr(backend.functional, name)(a["input"], a["target"], out=out, **options)


def meaning(stem: str, sample: Sample) -> Arrays:
    return getattr(reference, stem)(**sample.arrays, **sample.options)


def nll_units(sample: Sample) -> tuple[Array, Array]:
    """One product each, and one more by the divisor."""
    losses, grad = meaning("nll_loss", with_reduction(sample, "none"))
    return 2 * np.abs(losses), 3 * np.abs(grad)


def multi_margin_units(sample: Sample) -> tuple[Array, Array]:
    """The slack is off by an eps of its terms, and what is added up by that of a sum over the classes."""
    losses, grad = meaning("multi_margin_loss", with_reduction(sample, "none"))
    x, labels = reference.positions(sample.arrays["input"]), sample.arrays["target"].reshape(-1)
    rows, C, p = np.arange(len(labels)), x.shape[1], sample.options["p"]
    w = np.asarray(sample.arrays.get("weight", np.ones(C)), dtype=np.float64)
    with np.errstate(all="ignore"):
        true = x[rows, labels][:, np.newaxis]
        slack = sample.options["margin"] - true + x
        near = np.isfinite(slack) & (np.arange(C) != labels[:, np.newaxis])
        h = np.where(near, np.maximum(slack, 0), 0.0)
        off = np.where(near, abs(sample.options["margin"]) + np.abs(true) + np.abs(x), 0.0)
        loss_off = (off if p == 1 else 2 * h * off).sum(axis=1) * w[labels] / C
        slope_off = (0 if p == 1 else 2) * off * w[labels][:, np.newaxis] / C
        slope_off[rows, labels] = slope_off.sum(axis=1)
    more = 6 + summation(C)
    grads = more * np.abs(grad) + reference.restored(slope_off, grad.shape)
    return more * np.abs(losses) + loss_off.reshape(np.shape(losses)), grads


def with_reduction(sample: Sample, reduction: str) -> Sample:
    return Sample(sample.arrays, {**sample.options, "reduction": reduction})


def units(stem: str, sample: Sample, wanted: Arrays) -> Arrays:
    losses, grad = (nll_units if stem == "nll_loss" else multi_margin_units)(sample)
    reduction, double = sample.options["reduction"], sample.arrays["input"].dtype == np.float64
    if reduction == "none":
        return losses, grad
    # The sum over positions is held in double, so it adds to the error of double only.
    wander = 2 + (summation(losses.size) if double else 0.0)
    parts = np.abs(meaning(stem, with_reduction(sample, "none"))[0])
    with np.errstate(all="ignore"):
        total = losses.sum() + wander * parts.sum()
        if reduction == "mean":
            divisor = float(losses.size) if stem != "nll_loss" else used_weight(sample)
            return np.divide(total, divisor), (grad + wander * np.abs(grad)) / divisor
    return total, grad


def used_weight(sample: Sample) -> float:
    labels = sample.arrays["target"].reshape(-1)
    labels = labels[labels != sample.options["ignore_index"]]
    C = reference.positions(sample.arrays["input"]).shape[1]
    return float(np.asarray(sample.arrays.get("weight", np.ones(C)), dtype=np.float64)[labels].sum())


def labels(*values: int) -> Array:
    return np.array(values, dtype=np.int64)


def errors(name: str) -> tuple:
    x, t = f32(2, 3), labels(0, 1)

    def of(label: str, args: tuple, error: type[Exception], match: str, **options: Any) -> Any:
        return wrong(name, label, args, error, match, **options)

    low, high = -(2**63), 2**63 - 1
    stem = name.removesuffix("_with_grad")
    return (
        of("input None", (None, t), TypeError, r"input.*ndarray.*None"),
        of("input 0-d", (f32(), labels(0)), ValueError, r"input.*\(C,\).*\(\)"),
        of("no class", (f32(2, 0), t), ValueError, r"input.*\(2, 0\)"),
        of("label of C", (x, labels(0, 3)), IndexError, r"target in \[0, 3\).* got 3 at position \(1,\)"),
        of("label of -1", (x, labels(-1, 0)), IndexError, r"target in \[0, 3\).* got -1 at position \(0,\)"),
        of("INT64_MIN", (x, labels(low, 0)), IndexError, r"\[0, 3\).* got -9223372036854775808 at"),
        of("INT64_MAX", (x, labels(0, high)), IndexError, r"\[0, 3\).* got 9223372036854775807 at"),
        of("target of another N", (x, labels(0, 1, 2)), ValueError, r"target.*\(2,\).*\(3,\)"),
        of("target of input's shape", (x, x.astype("int64")), ValueError, r"target.*\(2,\).*\(2, 3\)"),
        of("target of floats", (x, f32(2)), TypeError, r"target.*int64.*float32"),
        of("target None", (x, None), TypeError, r"target.*ndarray.*None"),
        of("weight of another C", (x, t), ValueError, r"weight.*\(3,\).*\(4,\)", weight=f32(4)),
        of("weight 2-d", (x, t), ValueError, r"weight.*\(3,\).*\(1, 3\)", weight=f32(1, 3)),
        of("other reduction", (x, t), ValueError, r"reduction.*none.*mean.*sum.*avg", reduction="avg"),
        *(nll_errors if stem == "nll_loss" else multi_margin_errors)(of, x, t),
    )


def nll_errors(of: Any, x: Array, t: Array) -> tuple:
    plane = labels(0, 1, 2).reshape(1, 3)
    match = r"target in \[0, 3\).*=1, got -100 at position \(1,\)"
    return (
        of("-100 while ignore_index is another", (x, labels(0, -100)), IndexError, match, ignore_index=1),
        of("label in a plane", (f32(1, 2, 3), plane), IndexError, r"\[0, 2\).* got 2 at position \(0, 2\)"),
        of("ignore_index a float", (x, t), TypeError, r"ignore_index.*int.*0\.5", ignore_index=0.5),
    )


def multi_margin_errors(of: Any, x: Array, t: Array) -> tuple:
    return (
        of("-100 is no label", (x, labels(0, -100)), IndexError, r"\[0, 3\), got -100 at position \(1,\)"),
        of("planes", (f32(2, 3, 4), f32(2, 4).astype("int64")), ValueError, r"input.*\(N, C\).*\(2, 3, 4\)"),
        of("p=3", (x, t), ValueError, r"p.*1 or 2.*3", p=3),
        of("p a float", (x, t), TypeError, r"p .*int.*1\.5", p=1.5),
        of("margin NaN", (x, t), ValueError, r"margin.*finite.*nan", margin=np.nan),
        of("margin a word", (x, t), TypeError, r"margin.*number.*'1'", margin="1"),
    )


def per_position(sample: Sample) -> bool:
    return sample.options["reduction"] == "none"


def rows_apart(sample: Sample) -> bool:
    return per_position(sample) and sample.arrays["input"].ndim > 1


def rows(stem: str) -> tuple[Function, Function]:
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
            samples=sampler(stem, SHAPES[stem], 72),
            large=sampler(stem, LARGE[stem], 12),
            errors=errors(name),
            specials=("input",),
            batched=("input", "target"),
            separable=rows_apart,
            **options,
        )

    return (
        row(stem, 1, takes_out=per_position),
        row(f"{stem}_with_grad", 2, outs=(1,), batched_results=(0, 1)),
    )


PAIRS = tuple(rows(name) for name in MAKERS)
FUNCTIONS = tuple(function for pair in PAIRS for function in pair)
GRADIENTS = tuple(
    Gradient(forward, with_grad, ("input",), lambda s, g, y: s, first=1, of_sum=True)
    for forward, with_grad in PAIRS
)
