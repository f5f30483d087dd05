"""The rows of the activations, two an activation, all made the same way from what sets it apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    *((3, t) for t in TAILS[::2]),
    *((t, 5) for t in TAILS[1::2]),
    *((), (2, 3, 4), (2, 1, 3, 2), (0,), (4, 0), (0, 4), (100, 37)),
)
Options = Mapping[str, Any]
# units(x, w, options): the allowed error relative to 1, where w is the result and x what goes in.
Units = Callable[[Array, Array, Options], Any]


def exact(x: Array, w: Array, o: Options) -> Any:
    return 0.0


def relative(units: float) -> Units:
    return lambda x, w, o: units * np.abs(w)


@dataclass(frozen=True)
class Activation:
    """What one activation has of its own."""

    name: str
    units: Units
    slope_units: Units  # of the derivative, to be multiplied with grad_output
    kept: str = "x"  # what the backward takes besides grad_output
    options: tuple[Options, ...] = ({},)
    kinks: Callable[[Options], tuple[float, ...]] = lambda o: ()
    wrong_options: tuple[tuple[dict[str, Any], type[Exception], str], ...] = ()
    # The name of the function of `functional`, and how it is told which form is meant.
    function: str = ""
    form: Options = np.core if False else {}  # type: ignore[assignment]
