"""The same values in other memory: every way in which an array may lie that a caller can meet."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def transposed(a: Array) -> Array:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, -1)), -1, 0) if a.ndim else a.copy()


def reversed_(a: Array) -> Array:
    return np.flip(np.flip(a).copy()) if a.ndim else a.copy()


def every_second(a: Array) -> Array:
    wide = np.zeros([2 * n for n in a.shape], a.dtype)
    index: tuple[Any, ...] = (*(slice(None, None, 2) for _ in a.shape), ...)
    view: Array = wide[index]
    view[...] = a
    return view


def offset(a: Array) -> Array:
    flat = np.zeros(a.size + 3, a.dtype)
    view = flat[3:].reshape(a.shape)
    view[...] = a
    return view


def inner_block(a: Array) -> Array:
    """Rows longer than used, as a slice of columns has them."""
    wide = np.zeros([n + 3 for n in a.shape], a.dtype)
    index: tuple[Any, ...] = (*(slice(1, n + 1) for n in a.shape), ...)
    view: Array = wide[index]
    view[...] = a
    return view


def unaligned(a: Array) -> Array:
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def swapped(a: Array) -> Array:
    return a.astype(a.dtype.newbyteorder("S"))


def read_only(a: Array) -> Array:
    a = a.copy()
    a.flags.writeable = False
    return a


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "transposed": transposed,
    "reversed": reversed_,
    "every_second": every_second,
    "offset": offset,
    "inner_block": inner_block,
    "fortran": lambda a: a.copy(order="F"),
    "unaligned": unaligned,
    "swapped": swapped,
    "read_only": read_only,
}
