"""What a loader accepts as x and y: one array, or a tuple of arrays, with the samples along axis 0."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnn.backend import is_array, is_gpu_array

Array: TypeAlias = NDArray[Any]
Field: TypeAlias = Array | tuple[Array, ...]


def as_field(name: str, value: Any) -> Field:
    """`value` as an ndarray, or as a tuple of them where it is a tuple of arrays."""
    if isinstance(value, tuple) and value and all(map(is_array, value)):
        return tuple(_as_array(f"{name}[{i}]", part) for i, part in enumerate(value))
    return _as_array(name, value)


def _as_array(name: str, value: Any) -> Array:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"[ArrayLoader] expected {name} without a mask, got a MaskedArray: fill it first")
    array = value if is_gpu_array(value) else np.asarray(value)
    if array.dtype.hasobject:
        raise TypeError(f"[ArrayLoader] expected {name} of a dtype without Python objects, got {array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"[ArrayLoader] expected {name} with the samples along axis 0, got a scalar")
    return array


def arrays_of(field: Field) -> tuple[Array, ...]:
    """The arrays of a field, be it one or a tuple."""
    return field if isinstance(field, tuple) else (field,)


def common_length(x: Field, y: Field | None) -> int:
    """N, the length that all arrays share; ValueError where they differ or N is 0."""
    lengths = [len(array) for array in arrays_of(x) + (() if y is None else arrays_of(y))]
    if len(set(lengths)) > 1:
        raise ValueError(f"[ArrayLoader] expected x and y of one length, got lengths {lengths}")
    if lengths[0] == 0:
        raise ValueError("[ArrayLoader] expected at least one sample, got none")
    return lengths[0]


def copy_field(field: Field | None) -> Field | None:
    """A copy that may be written into."""
    if field is None:
        return None
    return tuple(part.copy() for part in field) if isinstance(field, tuple) else field.copy()
