"""The rows of the activations, two an activation, all made the same way from what sets it apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import (
    TAILS,
    Array,
    Arrays,
    Backend,
    ErrorCase,
    Function,
    Gradient,
    Sample,
    f32,
    fed,
    wrong,
)
from tests.reference import activation as reference

SHAPES = (
    *((t,) for t in TAILS),
    *((3, t) for t in TAILS[1::2]),
    *((t, 5) for t in TAILS[::2]),
    *((), (2, 3, 4), (2, 1, 3, 2), (0,), (4, 0), (0, 4), (30, 37)),
)
LARGE = ((100_001,), (200, 301))
Options = Mapping[str, Any]
# units(v, w, options): the allowed error of the result w of v; of the derivative, what grad_output is times.
Units = Callable[[Array, Array, Options], Any]


@dataclass(frozen=True)
class Activation:
    """What one activation has of its own; an error of None is none at all."""

    name: str
    units: Units | None
    slope_units: Units | None
    kept: str = "x"  # what the backward takes besides grad_output
    options: tuple[Options, ...] = ({},)
    kinks: Callable[[Options], tuple[float, ...]] = lambda o: ()
    wrong: tuple[tuple[Options, type[Exception], str], ...] = ()
    function: str | None = None  # its name in `functional`, where that has another
    form: Options = field(default_factory=dict)  # what that takes then

    def call(self, backend: Backend, suffix: str, *arrays: Array, **options: Any) -> Any:
        return getattr(backend.functional, (self.function or self.name) + suffix)(
            *arrays, **self.form, **options
        )


def ulp(units: float) -> Units:
    return lambda v, w, o: units * np.abs(w)


def softplus_units(v: Array, w: Array, o: Options) -> Array:
    """The rounding of beta v goes into the exponential, where it matters at the left."""
    return (6 + np.abs(np.minimum(o.get("beta", 1.0) * v, 0))) * np.abs(w)


def gelu_units(v: Array, w: Array, o: Options) -> Array:
    """4, and in float64 the reference's own: erfc magnifies the rounding of its argument by its square."""
    return (4 + (v * v if v.dtype == np.float64 else 0)) * np.abs(w)


def cubic(v: Array) -> Array:
    """The size of the argument of gelu_tanh's exponential."""
    return np.abs(reference.tanh_argument(v.astype(np.float64)))


NUMBERS = ((float("nan"), "nan"), (float("inf"), "inf"))
ACTIVATIONS = (
    Activation("relu", None, None, kept="y", kinks=lambda o: (0.0,)),
    Activation("relu6", None, None, kinks=lambda o: (0.0, 6.0)),
    Activation(
        "leaky_relu",
        ulp(1),
        ulp(1),
        options=tuple({"negative_slope": a} for a in (0.01, 0.3, -0.5, 0.0, 2.0)),
        kinks=lambda o: (0.0,),
        wrong=(
            *(({"negative_slope": a}, ValueError, rf"negative_slope.*finite.*{t}") for a, t in NUMBERS),
            ({"negative_slope": "a"}, TypeError, "negative_slope.*number.*'a'"),
        ),
    ),
    Activation(
        "hardtanh",
        ulp(1),
        None,
        options=(
            {},
            {"min_val": -0.5, "max_val": 2.0},
            {"max_val": np.inf},
            {"min_val": 0.5, "max_val": 0.5},
        ),
        kinks=lambda o: (o.get("min_val", -1.0), o.get("max_val", 1.0)),
        wrong=(
            ({"min_val": 2.0}, ValueError, r"min_val <= max_val.*2 and 1"),
            ({"min_val": float("nan")}, ValueError, r"min_val <= max_val.*nan and 1"),
            ({"max_val": None}, TypeError, "max_val.*number.*None"),
            ({"min_val": None}, TypeError, "min_val.*number.*None"),
        ),
    ),
    Activation(
        "hardsigmoid",
        lambda v, w, o: 2.0,
        ulp(1),
        options=({}, {"alpha": 0.2}, {"alpha": 1.0, "beta": 0.0}, {"alpha": 0.05, "beta": -1.0}),
        kinks=lambda o: tuple((e - o.get("beta", 0.5)) / o.get("alpha", 1 / 6) for e in (0, 1)),
        wrong=(
            ({"alpha": 0.0}, ValueError, "alpha.*finite and > 0.*0"),
            ({"alpha": float("inf")}, ValueError, "alpha.*finite and > 0.*inf"),
            ({"beta": float("nan")}, ValueError, "beta.*finite.*nan"),
            ({"alpha": "a"}, TypeError, "alpha.*number.*'a'"),
            ({"beta": [0.5]}, TypeError, r"beta.*number.*\[0\.5\]"),
        ),
    ),
    Activation("sigmoid", ulp(3), ulp(3), kept="y"),
    Activation("tanh", ulp(3), lambda v, w, o: 2 + 2 * v * v, kept="y"),
    Activation(
        "silu", ulp(5), lambda v, w, o: 6 * reference.sigmoid(v) * (1 + np.abs(v) * reference.sigmoid(-v))
    ),
    Activation("gelu", gelu_units, lambda v, w, o: (8 + v * v) * np.abs(w) + 8 * np.exp(-v * v / 2)),
    Activation(
        "gelu_tanh",
        lambda v, w, o: (6 + 4 * cubic(v)) * np.abs(w),
        lambda v, w, o: (12 + 4 * cubic(v)) * (np.abs(w) + np.exp(-cubic(v)) * (1 + cubic(v))),
        function="gelu",
        form={"approximate": "tanh"},
    ),
    Activation(
        "elu",
        ulp(3),
        ulp(4),
        options=tuple({"alpha": a} for a in (1.0, 0.5, -2.0, 0.0)),
        kinks=lambda o: (0.0,),
        wrong=(
            *(({"alpha": a}, ValueError, rf"alpha.*finite.*{t}") for a, t in NUMBERS),
            ({"alpha": "a"}, TypeError, "alpha.*number.*'a'"),
        ),
    ),
    Activation(
        "softplus",
        softplus_units,
        softplus_units,
        options=({}, {"beta": 0.5}, {"beta": 2.0, "threshold": 1e9}, {"beta": -1.0}),
        wrong=(
            ({"beta": 0.0}, ValueError, "beta.*finite and not 0.*0"),
            ({"beta": float("nan")}, ValueError, "beta.*finite and not 0.*nan"),
            ({"threshold": float("nan")}, ValueError, "threshold.*number.*nan"),
            ({"beta": "a"}, TypeError, "beta.*number.*'a'"),
            ({"threshold": None}, TypeError, "threshold.*number.*None"),
        ),
    ),
    Activation("logsigmoid", ulp(4), ulp(4)),
)


def away_from(kinks: tuple[float, ...], x: Array) -> Array:
    """A kink has no derivative to check."""
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 0.01, x + 0.02, x)
    return np.asarray(x)


def sampler(a: Activation, shapes: tuple[tuple[int, ...], ...]) -> Callable[[Generator], list[Sample]]:
    def samples(rng: Generator) -> list[Sample]:
        made = []
        for i, shape in enumerate(shapes):
            options = a.options[i % len(a.options)]
            x = (1 + i % 3 / 2) * rng.standard_normal(shape)
            made.append(Sample({"x": away_from(a.kinks(options), x)}, dict(options)))
        return made

    return samples


def common_errors(a: Activation, suffix: str, arrays: int) -> tuple[ErrorCase, ...]:
    """For the first array, for out and for the options of a function of so many arrays."""
    name, rest = (a.function or a.name) + suffix, (f32(2, 3),) * (arrays - 1)
    first = "grad_output" if suffix else "x"
    good = (f32(2, 3), *rest)
    return (
        wrong(name, "first None", (None, *rest), TypeError, rf"{first}.*ndarray.*None"),
        wrong(name, "first a number", (1.5, *rest), TypeError, rf"{first}.*ndarray.*float"),
        wrong(name, "out of another shape", good, ValueError, r"out.*\(2, 3\).*\(3, 2\)", out=f32(3, 2)),
        wrong(name, "out a number", good, TypeError, r"out.*ndarray.*float", out=1.0),
        *(wrong(name, f"options {o}", good, error, match, **o) for o, error, match in a.wrong),
    )


def forward_errors(a: Activation) -> tuple[ErrorCase, ...]:
    if a.function:
        words = r"approximate.*'none' or 'tanh'.*'erf'"
        return (wrong(a.function, "no such form", (f32(2),), ValueError, words, approximate="erf"),)
    return common_errors(a, "", 1)


def backward_errors(a: Activation) -> tuple[ErrorCase, ...]:
    name, either = a.name + "_backward", r"\(2, 3\).*{0}|{0}.*\(2, 3\)"
    if a.function:
        return ()
    return (
        *common_errors(a, "_backward", 2),
        wrong(name, "another shape", (f32(2, 3), f32(2, 4)), ValueError, either.format(r"\(2, 4\)")),
        wrong(name, "other ndim", (f32(2, 3), f32(6)), ValueError, either.format(r"\(6,\)")),
    )


def rows(a: Activation) -> tuple[Function, Function, Gradient]:
    def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
        kept = sample.arrays["x"] if a.kept == "x" else y
        return Sample({"grad_output": np.asarray(grad_output), a.kept: np.asarray(kept)}, sample.options)

    def run(suffix: str) -> Any:
        def call(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
            out_array = None if out is None else out[0]
            return (a.call(backend, suffix, *sample.arrays.values(), out=out_array, **sample.options),)

        return call

    def meaning(suffix: str) -> Any:
        return lambda s: (getattr(reference, a.name + suffix)(*s.arrays.values(), **s.options),)

    def bound(sample: Sample, wanted: Arrays) -> Arrays:
        x = sample.arrays["x"]
        with np.errstate(all="ignore"):
            return (a.units(x, wanted[0], sample.options) if a.units else 0.0,)

    def slope_bound(sample: Sample, wanted: Arrays) -> Arrays:
        g, kept = sample.arrays.values()
        if a.slope_units is None:
            return (0.0,)
        slope = getattr(reference, a.name + "_backward")(np.ones_like(kept), kept, **sample.options)
        with np.errstate(all="ignore"):
            return (np.abs(g) * a.slope_units(kept, slope, sample.options),)

    forward = Function(
        name=a.name,
        stem="activation",
        run=run(""),
        reference=meaning(""),
        samples=sampler(a, SHAPES),
        large=sampler(a, LARGE),
        bound=bound,
        errors=forward_errors(a),
        batched=("x",),
        separable=lambda s: s.arrays["x"].ndim > 0,
    )
    backward = Function(
        name=a.name + "_backward",
        stem="activation",
        run=run("_backward"),
        reference=meaning("_backward"),
        samples=fed(forward.samples, forward.reference, feed),
        large=fed(forward.large, forward.reference, feed),
        bound=slope_bound,
        errors=backward_errors(a),
        batched=("grad_output", a.kept),
        separable=lambda s: s.arrays[a.kept].ndim > 0,
    )
    return forward, backward, Gradient(forward, backward, ("x",), feed)


ROWS = tuple(rows(a) for a in ACTIVATIONS)
FUNCTIONS = tuple(f for forward, backward, _ in ROWS for f in (forward, backward))
GRADIENTS = tuple(gradient for _, _, gradient in ROWS)
