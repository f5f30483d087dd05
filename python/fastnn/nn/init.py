"""Initial values of weights, written into arrays in place; names and formulas are torch's.

Values are drawn in float64 whatever the dtype, so a float32 and a float64 model of one seed are the same
up to rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from fastnn._checks import as_float
from fastnn.random import generator as default_generator

if TYPE_CHECKING:
    from fastnn._core import Array

__all__ = ["calculate_gain", "kaiming_uniform_", "uniform_"]

GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}


def uniform_(
    array: Array, a: float = 0.0, b: float = 1.0, generator: np.random.Generator | None = None
) -> Array:
    """Fill `array` from the uniform distribution on [a, b) and return it.

    Parameters
    ----------
    array : writable array
    a, b : float
    generator : numpy.random.Generator, optional
        By default the one that `fastnn.manual_seed` seeds.

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, numbers and a Generator.
    ValueError
        Where a > b, or b - a is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> bool((abs(nn.init.uniform_(np.empty(100), -0.5, 0.5)) <= 0.5).all())
    True
    """
    _check_array("uniform_", array)
    low, high = as_float("uniform_", "a", a), as_float("uniform_", "b", b)
    if not low <= high:
        raise ValueError(f"[uniform_] expected a <= b, got a={a}, b={b}")
    if high - low == math.inf:
        raise ValueError(f"[uniform_] expected a finite b - a, got a={a}, b={b}")
    source = default_generator() if generator is None else generator
    if not isinstance(source, np.random.Generator):
        raise TypeError(
            f"[uniform_] expected generator to be a numpy.random.Generator, got {type(source).__name__}"
        )
    array[...] = source.uniform(low, high, array.shape)
    return array


def _check_array(name: str, array: Array) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.type not in (np.float32, np.float64):
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"[{name}] expected array to be a numpy.ndarray of float32 or float64, got {kind}")


def calculate_gain(nonlinearity: str, param: float = 0.01) -> float:
    """The factor by which `nonlinearity` shrinks a signal, inverted.

    Parameters
    ----------
    nonlinearity : "linear", "sigmoid", "tanh", "relu", "leaky_relu" or "selu"
    param : float
        The negative slope of leaky_relu.

    Raises
    ------
    TypeError
        For a param that is no number.
    ValueError
        For another name.

    Examples
    --------
    >>> from fastnn import nn
    >>> nn.init.calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = as_float("calculate_gain", "param", param)
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if not isinstance(nonlinearity, str) or nonlinearity not in GAINS:
        names = ", ".join(sorted([*GAINS, "leaky_relu"]))
        raise ValueError(f"[calculate_gain] expected nonlinearity to be one of {names}, got {nonlinearity!r}")
    return GAINS[nonlinearity]


def kaiming_uniform_(
    array: Array,
    a: float = 0.0,
    mode: Literal["fan_in", "fan_out"] = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: np.random.Generator | None = None,
) -> Array:
    """Fill a weight from the uniform distribution on ±gain sqrt(3 / fan) and return it.

    He et al., "Delving Deep into Rectifiers", ICCV 2015: the variance of signals stays the same from layer
    to layer.

    Parameters
    ----------
    array : array of shape (outputs, inputs, ...)
    a : float
        The negative slope of leaky_relu.
    mode : "fan_in" or "fan_out"
        Whether signals keep their variance in the forward or in the backward.
    nonlinearity : str
        As for `calculate_gain`.
    generator : numpy.random.Generator, optional
        By default the one that `fastnn.manual_seed` seeds.

    Raises
    ------
    TypeError
        As `uniform_`.
    ValueError
        For an array with fewer than two axes, or another mode.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> weight = nn.init.kaiming_uniform_(np.empty((10, 6)))  # bound sqrt(2) sqrt(3 / 6) = 1
    >>> bool((abs(weight) <= 1).all())
    True
    """
    _check_array("kaiming_uniform_", array)
    if array.ndim < 2:
        raise ValueError(f"[kaiming_uniform_] expected an array of two axes or more, got {array.shape}")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'[kaiming_uniform_] expected mode to be "fan_in" or "fan_out", got {mode!r}')
    fan = array.shape[1 if mode == "fan_in" else 0] * math.prod(array.shape[2:])
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / max(fan, 1))
    return uniform_(array, -bound, bound, generator)
