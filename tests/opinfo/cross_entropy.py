"""The rows of cross_entropy and cross_entropy_with_grad."""

from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Gradient, Sample, f32, wrong
from tests.opinfo.tolerance import softmax_units, summation
from tests.reference import cross_entropy as reference

SHAPES = (
    *((t, 5) for t in TAILS),
    *((4, t) for t in TAILS),
    *((3, 4, 2), (2, 3, 2, 2), (2, 5, 1, 3, 2), (1, 1), (6,), (1,), (5, 3, 17)),
)
EMPTY = ((0, 3), (2, 3, 0), (0, 3, 2))
CHOICES = tuple(product((False, True), (False, True), (0.0, 0.1), ("none", "mean", "sum"), (-100, 1)))


def make_labels(rng: Generator, logits: Array, ignore_index: int, dtype: str) -> Array:
    shape = logits.shape[:1] + logits.shape[2:] if logits.ndim > 1 else ()
    C = logits.shape[1 if logits.ndim > 1 else 0]
    labels = np.asarray(rng.integers(0, C, shape))
    return np.where(rng.random(shape) < 0.2, ignore_index, labels).astype(dtype)


def make_soft(rng: Generator, logits: Array) -> Array:
    t = rng.random(logits.shape) + 0.1
    return t / t.sum(axis=1 if logits.ndim > 1 else 0, keepdims=True)


def make(rng: Generator, shape: tuple[int, ...], choice: int) -> Sample:
    soft, weighted, smoothing, reduction, ignore_index = CHOICES[choice % len(CHOICES)]
    options: dict[str, Any] = {"reduction": reduction, "label_smoothing": smoothing}
    if not soft:
        options["ignore_index"] = ignore_index
    logits = 3 * rng.standard_normal(shape)
    kind = ("int32", "int64")[choice % 2]
    target = make_soft(rng, logits) if soft else make_labels(rng, logits, ignore_index, kind)
    arrays = {"logits": logits, "target": target}
    if weighted:
        arrays["weight"] = rng.random(shape[1 if len(shape) > 1 else 0]) + 0.2
    return Sample(arrays, options)


def samples(rng: Generator) -> list[Sample]:
    # 48 choices and 31 shapes share no factor: every choice meets many shapes.
    made = [make(rng, SHAPES[i % len(SHAPES)], i) for i in range(3 * len(CHOICES))]
    return made + [make(rng, EMPTY[i % 3], i) for i in range(0, len(CHOICES), 5)]


def large(rng: Generator) -> list[Sample]:
    shapes = ((3000, 40), (20_000, 3), (40, 30, 50), (500, 1000))
    return [make(rng, shape, choice) for choice in range(0, 48, 7) for shape in shapes[choice % 2 :: 2]]


def call(backend: Backend, name: str, sample: Sample, out: Array | None) -> Any:
    a = sample.arrays
    function = getattr(backend.functional, name)
    return function(a["logits"], a["target"], a.get("weight"), out=out, **sample.options)


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    return (call(backend, "cross_entropy", sample, None if out is None else out[0]),)


def run_with_grad(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    return call(backend, "cross_entropy_with_grad", sample, None if out is None else out[0])


def meaning(sample: Sample) -> Arrays:
    return reference.forward_backward(**sample.arrays, **sample.options)


def units(sample: Sample, wanted: Arrays) -> Arrays:
    """Errors of log p and p, carried through the sums of the definition."""
    options = {"ignore_index": -100, "label_smoothing": 0.0, **sample.options}
    reduction = options.pop("reduction")
    logits, target = sample.arrays["logits"], sample.arrays["target"]
    z = reference.class_last(logits)
    w = np.abs(np.asarray(sample.arrays.get("weight", np.ones(z.shape[1])), dtype=np.float64))
    rows, _, divisor = reference.distribution(logits, target, w, **options)
    relative, absolute = softmax_units(z, 1)
    with np.errstate(all="ignore"):
        # Ignored rows may hold NaN and infinities.
        losses = 4 * np.nansum(rows * (absolute + np.abs(reference_log(z))), axis=1)
        grads = 4 * (np.exp(reference_log(z)) * relative * rows.sum(axis=1, keepdims=True) + rows)
        if reduction == "mean":
            losses, grads = losses / divisor, grads / divisor
    if reduction == "none":
        return losses.reshape(np.shape(wanted[0])), reference.class_second(grads, logits.shape)
    # The sum over positions is held in double, so it adds to the error of double only.
    wander = summation(losses.size) if logits.dtype == np.float64 else 0.0
    finite = np.nan_to_num(wanted[0], nan=0.0, posinf=0.0, neginf=0.0)
    total = losses.sum() + wander * np.abs(finite)
    if reduction == "mean":
        grads = grads + wander * np.abs(reference.class_last(meaning(sample)[1]))
    return total, reference.class_second(grads, logits.shape)


def reference_log(z: Array) -> Array:
    with np.errstate(all="ignore"):
        z = z - z.max(axis=1, keepdims=True, initial=-np.inf)
        return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


def labels(*values: int) -> Array:
    return np.array(values, dtype=np.int64)


def errors(name: str) -> tuple:
    x, t = f32(2, 3), labels(0, 1)
    low, high = -(2**63), 2**63 - 1
    return (
        wrong(
            name,
            "label of C",
            (x, labels(0, 3)),
            IndexError,
            r"target in \[0, 3\).* got 3 at position \(1,\)",
        ),
        wrong(
            name,
            "label of -1",
            (x, labels(-1, 0)),
            IndexError,
            r"target in \[0, 3\).* got -1 at position \(0,\)",
        ),
        wrong(
            name,
            "label of INT64_MIN",
            (x, labels(low, 0)),
            IndexError,
            r"\[0, 3\).* got -9223372036854775808 at",
        ),
        wrong(
            name,
            "label of INT64_MAX",
            (x, labels(0, high)),
            IndexError,
            r"\[0, 3\).* got 9223372036854775807 at",
        ),
        wrong(
            name,
            "-100 while ignore_index is another",
            (x, labels(0, -100)),
            IndexError,
            r"target in \[0, 3\).*=1, got -100 at position \(1,\)",
            ignore_index=1,
        ),
        wrong(
            name,
            "label in a plane",
            (f32(1, 2, 3), labels(0, 1, 2).reshape(1, 3)),
            IndexError,
            r"target in \[0, 2\).* got 2 at position \(0, 2\)",
        ),
        wrong(name, "ignore_index with soft target", (x, x), ValueError, r"ignore_index.*1", ignore_index=1),
        wrong(name, "target of another N", (x, labels(0, 1, 2)), ValueError, r"target.*\(2,\).*\(3,\)"),
        wrong(name, "soft target of another C", (x, f32(2, 4)), ValueError, r"target.*\(2, 3\).*\(2, 4\)"),
        wrong(name, "weight of another C", (x, t, f32(4)), ValueError, r"weight.*\(3,\).*\(4,\)"),
        wrong(name, "weight 2-d", (x, t, f32(1, 3)), ValueError, r"weight.*\(3,\).*\(1, 3\)"),
        wrong(
            name,
            "unknown reduction",
            (x, t),
            ValueError,
            r"reduction.*none.*mean.*sum.*average",
            reduction="average",
        ),
        wrong(
            name,
            "smoothing above 1",
            (x, t),
            ValueError,
            r"label_smoothing.*\[0, 1\].*1\.5",
            label_smoothing=1.5,
        ),
        wrong(
            name,
            "smoothing below 0",
            (x, t),
            ValueError,
            r"label_smoothing.*\[0, 1\].*-0\.5",
            label_smoothing=-0.5,
        ),
        wrong(
            name,
            "smoothing NaN",
            (x, t),
            ValueError,
            r"label_smoothing.*\[0, 1\].*nan",
            label_smoothing=np.nan,
        ),
        wrong(name, "logits 0-d", (f32(), labels(0)), ValueError, r"logits.*\(\)"),
        wrong(name, "no class", (f32(2, 0), t), ValueError, r"logits.*\(2, 0\)"),
        wrong(name, "target int16", (x, t.astype(np.int16)), TypeError, r"target.*int64.*int16"),
        wrong(name, "target uint64", (x, t.astype(np.uint64)), TypeError, r"target.*int64.*uint64"),
        wrong(name, "target None", (x, None), TypeError, r"target.*ndarray.*None"),
    )


def row(name: str, runner: Any, **options: Any) -> Function:
    return Function(
        name,
        "cross_entropy",
        runner,
        samples=samples,
        large=large,
        errors=errors(name),
        free_dtype=("target",),
        specials=("logits",),
        **options,
    )


def per_position(sample: Sample) -> bool:
    return sample.options["reduction"] == "none"


def rows_apart(sample: Sample) -> bool:
    return per_position(sample) and sample.arrays["logits"].ndim > 1


forward = row(
    "cross_entropy",
    run,
    reference=lambda s: meaning(s)[:1],
    bound=lambda s, wanted: units(s, wanted)[:1],
    takes_out=per_position,
    batched=("logits", "target"),
    separable=rows_apart,
)
with_grad = row(
    "cross_entropy_with_grad",
    run_with_grad,
    reference=meaning,
    bound=units,
    outs=(1,),
    batched=("logits", "target"),
    batched_results=(0, 1),
    separable=rows_apart,
)
FUNCTIONS = (forward, with_grad)
GRADIENTS = (Gradient(forward, with_grad, ("logits",), lambda s, g, y: s, first=1, of_sum=True),)
