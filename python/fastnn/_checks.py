"""Checks of numbers that Python code keeps for itself; arrays are checked by the kernels.

A bool is no number here: `Linear(64, True)` is a slip, not a layer with one output.
"""

from __future__ import annotations

import math
import operator
from typing import Any


def as_int(op: str, arg: str, value: Any, minimum: int | None = None, maximum: int | None = None) -> int:
    """`value` as an int: TypeError for what is no integer, ValueError below `minimum` or above `maximum`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"[{op}] expected {arg} to be an int, got {value!r} ({type(value).__name__})")
    if minimum is not None and number < minimum:
        raise ValueError(f"[{op}] expected {arg} >= {minimum}, got {number}")
    if maximum is not None and number > maximum:
        raise ValueError(f"[{op}] expected {arg} <= {maximum}, got {number}")
    return number


def as_float(op: str, arg: str, value: Any) -> float:
    """`value` as a float: TypeError for what is no real number (strings, arrays, None)."""
    if isinstance(value, (bool, str, bytes)) or hasattr(value, "__len__") or not hasattr(value, "__float__"):
        raise TypeError(f"[{op}] expected {arg} to be a number, got {value!r} ({type(value).__name__})")
    try:
        return float(value)
    except OverflowError as error:  # an integer of 310 digits or more
        raise ValueError(f"[{op}] expected {arg} in the range of a float, got an {error}") from error


def as_probability(op: str, arg: str, value: Any) -> float:
    """`value` as a float in [0, 1]."""
    number = as_float(op, arg, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"[{op}] expected {arg} in [0, 1], got {value}")
    return number


def as_non_negative(op: str, arg: str, value: Any) -> float:
    """`value` as a finite float of at least 0."""
    number = as_float(op, arg, value)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"[{op}] expected {arg} to be finite and >= 0, got {value}")
    return number


def as_bool(op: str, arg: str, value: Any) -> bool:
    """`value` as a bool: TypeError for anything but True and False, NumPy's included."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"[{op}] expected {arg} to be True or False, got {value!r}")
    return bool(value)
