"""The rows of pad and pad_backward."""

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, Function, Gradient, Sample, f32, fed, wrong
from tests.opinfo.tolerance import magnitude
from tests.reference import pad as reference

MODES = ("constant", "reflect", "replicate", "circular", "mean")
# Shape and pad: (left, right) or (left, right, top, bottom), negative where cells are taken away.
CASES = (
    *(((2, 3, t), (min(2, t - 1), min(1, t - 1), 1, 2)) for t in TAILS),
    *(((2, t), (min(3, t - 1), t - 1)) for t in TAILS),
    *(((t, 4), (1, 2, t - 1, min(2, t - 1))) for t in TAILS),
    *(((t, 3), (1, 2)) for t in TAILS),
    *(((5,), (2, 0)), ((2, 2, 3, 4), (0, 0, 0, 0)), ((1, 3, 4), (3, 3, 2, 2)), ((2, 3, 5), (-1, 2, 2, -2))),
    *(((4, 5), (-2, -3)), ((3, 5), (-5, 4)), ((2, 4, 6), (3, -6, -1, 1)), ((0, 3, 4), (1, 1, 1, 1))),
)
# Without cells to copy, a constant is all there is.
EMPTY = (((2, 0, 3), (1, 1, 2, 0)), ((2, 3, 0), (1, 2)), ((0,), (0, 3)))


def make(rng: Generator, shape: tuple[int, ...], pad: tuple[int, ...], mode: str) -> Sample:
    options: dict[str, Any] = {"pad": pad, "mode": mode}
    if mode == "constant":
        options["value"] = float(rng.integers(-3, 4))
    return Sample({"x": rng.standard_normal(shape)}, options)


def fits(shape: tuple[int, ...], pad: tuple[int, ...], mode: str) -> bool:
    """The tall cases reflect more than one row can give."""
    sizes = (*shape[::-1], 1)
    return mode != "reflect" or all(cells < sizes[i // 2] for i, cells in enumerate(pad))


def samples(rng: Generator) -> list[Sample]:
    made = [make(rng, *case, mode) for case in CASES for mode in MODES if fits(*case, mode)]
    return made + [make(rng, *case, "constant") for case in EMPTY]


def large(rng: Generator) -> list[Sample]:
    cases = (((40, 40, 50), (3, 2, 1, 4)), ((2, 300, 400), (7, 7, 7, 7)), ((3, 100_000), (5, 5)))
    return [make(rng, *case, mode) for case in cases for mode in MODES]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    x = sample.arrays["x"]
    return (backend.functional.pad(x, **sample.options, out=None if out is None else out[0]),)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    """Copies are exact; a mean is a sum in float64 or a sum of eight."""
    if sample.options["mode"] != "mean" or not sample.arrays["x"].size:
        return (0.0,)
    sizes = reference.forward(magnitude(sample.arrays["x"])[0], sample.options["pad"], "mean")
    inside = reference.sources(*plane_of(sample), sample.options["pad"], "mean") >= 0
    return (np.where(inside.reshape(inside.shape[2 - len(sample.options["pad"]) // 2 :]), 0.0, 4 * sizes),)


def plane_of(sample: Sample) -> tuple[int, int]:
    shape = sample.arrays["x"].shape
    return (shape[-2] if len(sample.options["pad"]) == 4 else 1), shape[-1]


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    grad = sample.arrays["grad_output"]
    return (backend.functional.pad_backward(grad, **sample.options, out=None if out is None else out[0]),)


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    return (4 * reference.backward(*magnitude(sample.arrays["grad_output"]), **sample.options),)


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    options = {name: sample.options[name] for name in ("pad", "mode")}
    return Sample({"grad_output": grad_output}, options)


def separable(sample: Sample) -> bool:
    (array,) = sample.arrays.values()
    return array.ndim > len(sample.options["pad"]) // 2


ERRORS = (
    wrong("pad", "three sides", (f32(2, 3), (1, 1, 1)), ValueError, r"pad \(left, right\).*\(1, 1, 1\)"),
    wrong("pad", "no sides", (f32(2, 3), ()), ValueError, r"pad \(left, right\).*\(\)"),
    wrong("pad", "sides of three axes", (f32(2, 3, 4), (1,) * 6), ValueError, r"pad \(left, right.*1, 1\)"),
    wrong("pad", "x without the axes", (f32(3), (1, 1, 1, 1)), ValueError, r"x of at least 2 axes.*\(3,\)"),
    wrong("pad", "pad an int", (f32(2, 3), 1), TypeError, r"pad \(left, right\).*int"),
    wrong("pad", "pad of floats", (f32(2, 3), (1.0, 1)), TypeError, r"pad.*int.*1\.0"),
    wrong("pad", "pad of bools", (f32(2, 3), (True, 1)), TypeError, r"pad.*int.*True"),
    wrong("pad", "pad beyond 64 bits", (f32(2, 3), (2**70, 1)), ValueError, r"pad.*2\*\*40"),
    wrong("pad", "pad below 64 bits", (f32(2, 3), (1, -(2**70))), ValueError, r"pad.*2\*\*40"),
    wrong("pad", "cut more than there is", (f32(2, 3), (-4, 4)), ValueError, r"pad.*-4 and 4.*3"),
    wrong("pad", "cut from both ends", (f32(2, 3), (-2, -2)), ValueError, r"pad.*-2 and -2.*3"),
    wrong("pad", "unknown mode", (f32(2, 3), (1, 1), "edge"), ValueError, r"mode.*replicate.*edge"),
    wrong("pad", "mode of a convolution", (f32(2, 3), (1, 1), "zeros"), ValueError, r"mode.*constant.*zeros"),
    wrong("pad", "mode None", (f32(2, 3), (1, 1), None), TypeError, r"mode.*str.*NoneType"),
    wrong(
        "pad", "reflect too far", (f32(2, 3), (3, 0), "reflect"), ValueError, r"width of 3.*reflect.*3 and 0"
    ),
    wrong(
        "pad",
        "reflect too high",
        (f32(2, 3), (0, 0, 0, 2), "reflect"),
        ValueError,
        r"height of 2.*reflect.*0 and 2",
    ),
    wrong("pad", "circular too far", (f32(2, 3), (0, 4), "circular"), ValueError, r"width of 3.*circular.*4"),
    wrong("pad", "nothing to copy", (f32(2, 0), (1, 0), "replicate"), ValueError, r"one cell.*width 0"),
    wrong("pad", "value with reflect", (f32(2, 3), (1, 1), "reflect", 2.0), ValueError, r"value.*reflect.*2"),
    wrong("pad", "value a string", (f32(2, 3), (1, 1), "constant", "0"), TypeError, r"value.*number.*'0'"),
    wrong("pad", "x None", (None, (1, 1)), TypeError, r"x.*ndarray.*None"),
    wrong("pad", "out of another shape", (f32(2, 3), (1, 1)), ValueError, r"out.*\(2, 5\)", out=f32(2, 3)),
)
BACKWARD_ERRORS = (
    wrong("pad_backward", "more padding than cells", (f32(2, 3), (2, 2)), ValueError, r"pad.*2 and 2.*-1"),
    wrong("pad_backward", "three sides", (f32(2, 3), (1, 1, 1)), ValueError, r"pad.*\(1, 1, 1\)"),
    wrong("pad_backward", "too few axes", (f32(3), (0,) * 4), ValueError, r"grad_output of at least 2 axes"),
    wrong(
        "pad_backward", "reflect too far", (f32(2, 5), (2, 1), "reflect"), ValueError, r"width of 2.*reflect"
    ),
    wrong("pad_backward", "nothing copied", (f32(2, 2), (1, 1), "mean"), ValueError, r"one cell.*width 0"),
    wrong("pad_backward", "unknown mode", (f32(2, 3), (1, 1), "wrap"), ValueError, r"mode.*circular.*wrap"),
    wrong("pad_backward", "pad of floats", (f32(2, 3), (0.5, 1)), TypeError, r"pad.*int.*0\.5"),
    wrong("pad_backward", "pad beyond 64 bits", (f32(2, 3), (2**70, 1)), ValueError, r"pad.*2\*\*40"),
    wrong("pad_backward", "grad_output None", (None, (1, 1)), TypeError, r"grad_output.*ndarray.*None"),
    wrong(
        "pad_backward",
        "out of another shape",
        (f32(2, 5), (1, 1)),
        ValueError,
        r"out.*\(2, 3\)",
        out=f32(2, 5),
    ),
)

forward = Function(
    name="pad",
    stem="pad",
    run=run,
    reference=lambda s: (reference.forward(**s.arrays, **s.options),),
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    batched=("x",),
    separable=separable,
)
backward = Function(
    name="pad_backward",
    stem="pad",
    run=run_backward,
    reference=lambda s: (reference.backward(**s.arrays, **s.options),),
    samples=fed(samples, forward.reference, feed),
    large=fed(large, forward.reference, feed),
    bound=backward_bound,
    errors=BACKWARD_ERRORS,
    batched=("grad_output",),
    separable=separable,
)
FUNCTIONS = (forward, backward)
GRADIENTS = (Gradient(forward, backward, ("x",), feed),)
