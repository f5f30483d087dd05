"""What transforms accept as images and as options."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_float
from fastnn.data.fields import Array

if TYPE_CHECKING:
    from numpy.random import Generator


def as_images(op: str, x: Any) -> Array:
    """`x` as an array of planes, of any dtype."""
    if not isinstance(x, np.ndarray):
        raise TypeError(f"[{op}] expected x to be a numpy.ndarray, got {type(x).__name__}")
    if x.ndim < 3:
        raise ValueError(f"[{op}] expected x of shape (N, ..., H, W), got {x.shape}")
    return x


def as_float_images(op: str, x: Any) -> Array:
    """`x` as an array of planes of float32 or float64."""
    images = as_images(op, x)
    check_floating(op, images)
    return images


def as_planes(images: Array) -> Array:
    """(N, C, H, W), with all axes between as channels: a view where the layout allows one."""
    return images.reshape(len(images), math.prod(images.shape[1:-2]), *images.shape[-2:])


def check_floating(op: str, x: Any) -> None:
    dtype = getattr(x, "dtype", type(x).__name__)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"[{op}] expected x of dtype float32 or float64, got {dtype}; ToFloat() makes it so")


def as_interval(op: str, arg: str, value: Any, positive: bool = False) -> tuple[float, float]:
    """(min, max) in this order."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"[{op}] expected {arg} (min, max), got {value!r}")
    low, high = (as_float(op, arg, v) for v in value)
    if not -np.inf < low <= high < np.inf or (positive and low <= 0):
        bound = "0 < min" if positive else "min"
        raise ValueError(f"[{op}] expected finite {arg} (min, max) with {bound} <= max, got {value!r}")
    return low, high


def as_symmetric(op: str, arg: str, value: Any) -> tuple[float, float]:
    """(min, max); a number stands for (-number, number)."""
    if isinstance(value, (tuple, list)):
        return as_interval(op, arg, value)
    number = as_float(op, arg, value)
    if not 0 <= number < np.inf:
        raise ValueError(f"[{op}] expected {arg} (min, max), or one finite number >= 0, got {value!r}")
    return -number, number


def rng_of(op: str, rng: Any) -> Generator:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"[{op}] expected rng to be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def described(transform: object, *names: str) -> str:
    """RandomCrop(size=(28, 28), padding=4), from the attributes of these names."""
    inside = ", ".join(f"{name}={getattr(transform, name)!r}" for name in names)
    return f"{type(transform).__name__}({inside})"
