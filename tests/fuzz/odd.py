"""Values that no argument expects, and the same numbers in memory as nobody lays them out."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from tests.opinfo.layouts import LAYOUTS


class Liar:
    """Says that it is long, and has nothing."""

    def __len__(self) -> int:
        return 2**62

    def __getitem__(self, index: object) -> object:
        raise IndexError(index)

    def __repr__(self) -> str:
        return "Liar()"


class Refuser:
    """Looks like a number and an array, and is none."""

    def __index__(self) -> int:
        raise TypeError("no integer")

    def __float__(self) -> float:
        raise ValueError("no number")

    def __array__(self, *args: object, **kwargs: object) -> Any:
        raise ValueError("no array")

    def __repr__(self) -> str:
        return "Refuser()"


INTEGERS = (
    0,
    1,
    -1,
    2,
    3,
    5,
    7,
    100,
    *(s * 2**e + d for e in (31, 32, 53, 62, 63, 64) for s in (1, -1) for d in (-1, 0, 1)),
)
INTEGERS = (*INTEGERS, 2**31 + 8, 2**40, -(2**40), 2**70, -(2**70), 10**400)
FLOATS = (0.0, -0.0, 0.5, 1.0, 1.5, -1.5, 3.7, math.nan, math.inf, -math.inf, 5e-324, 1e308, -1e308, 2.0**63)
NUMPY_NUMBERS = (
    *(np.float32(0.5), np.float64(math.nan), np.float16(2), np.longdouble(1), np.int64(-1), np.int8(3)),
    *(np.uint64(2**64 - 1), np.bool_(True), np.complex64(1j), np.datetime64(1, "s"), np.str_("mean")),
)
WORDS = (
    "",
    "mean",
    "none",
    "sum",
    "same",
    "valid",
    "relu",
    "zeros",
    "abc",
    "\0",
    "\udc80",
    b"mean",
    "x" * 5000,
)
CONTAINERS: tuple[Callable[[], Any], ...] = (
    *(lambda: (), lambda: [], lambda: {}, set, lambda: [None] * 3, lambda: range(3), lambda: iter(())),
    *(lambda: (1,), lambda: (1, 2), lambda: (0, 0), lambda: (-1, 1), lambda: (2, 2, 2), lambda: (2.5, 1)),
    *(lambda: (2**40, 1), lambda: (2**62, 2**62), lambda: (-(2**63), 2**63), lambda: (True, False, True)),
    *(
        lambda: ((1, 2), (0, 1)),
        lambda: ((0, 2**62), (2**62, 0)),
        lambda: ((1,), (2,)),
        lambda: {"params": []},
    ),
)
OBJECTS: tuple[Any, ...] = (
    *(None, True, False, ..., NotImplemented, slice(None), object, len, int, np.float32, np.dtype("f4")),
    *(
        1j,
        Fraction(1, 3),
        Decimal("NaN"),
        Decimal(3),
        Liar(),
        Refuser(),
        memoryview(b"12345678"),
        bytearray(8),
    ),
)


def scalar(rng: Random) -> Any:
    kinds = (INTEGERS, INTEGERS, FLOATS, FLOATS, NUMPY_NUMBERS, WORDS, OBJECTS, OBJECTS, CONTAINERS)
    kind = rng.choice(kinds)
    value = rng.choice(kind)  # type: ignore[arg-type]
    return value() if kind is CONTAINERS else value


DTYPES = (
    *("f4", "f8", ">f4", ">f8", "f2", "g", "i1", "i2", "i4", "i8", ">i4", ">i8", "u1", "u4", "u8", "?"),
    *("c8", "c16", "O", "U3", "S3", "M8[s]", "m8[s]", "V4", "V8", [("a", "f4"), ("b", "i4")], [("a", "f8")]),
)
GIANT = 2**31 + 8
MOST_BYTES = 1 << 28


def another_dtype(rng: Random, a: np.ndarray) -> Any:
    dtype = np.dtype(rng.choice(DTYPES))  # type: ignore[arg-type]
    return np.zeros(a.shape, dtype) if dtype.kind in "VMmOUS" else a.astype(dtype)


def another_layout(rng: Random, a: np.ndarray) -> Any:
    """As it is where a block of six axes inside of a larger array would need 1,000 times its memory."""
    layout = LAYOUTS[rng.choice(list(LAYOUTS))]
    return a if math.prod(n + 3 for n in a.shape) * a.itemsize > MOST_BYTES else layout(a)


def another_ndim(rng: Random, a: np.ndarray) -> Any:
    ndim = rng.randrange(7)
    if ndim >= a.ndim:
        return a.reshape(
            (1,) * (ndim - a.ndim) + a.shape if rng.random() < 0.5 else a.shape + (1,) * (ndim - a.ndim)
        )
    return a.reshape((*a.shape[:ndim], -1)[-ndim:] if a.size and ndim else -1)


def another_length(rng: Random, a: np.ndarray) -> Any:
    shape = list(a.shape) or [1]
    axis = rng.randrange(len(shape))
    shape[axis] = rng.choice((0, 1, 2, shape[axis] + 1, max(shape[axis] - 1, 0), 2 * shape[axis]))
    return np.resize(a, shape) if a.size else np.zeros(shape, a.dtype)


def giant(rng: Random, a: np.ndarray) -> Any:
    """One value that is seen 2**31 times and more, or an array of nothing with an axis of 2**40."""
    shape = list(a.shape) or [1]
    axis = rng.randrange(len(shape))
    shape[axis] = rng.choice((GIANT, 2**16, 2**40, 2**62 // max(a.itemsize, 1)))
    if rng.random() < 0.5:
        shape[rng.randrange(len(shape))] = 0
    try:
        return np.broadcast_to(np.zeros((), a.dtype), shape)
    except ValueError:  # more than NumPy itself allows
        return np.broadcast_to(np.zeros((), a.dtype), (0, 2**40))


def odd_strides(rng: Random, a: np.ndarray) -> Any:
    """Elements that start at any byte, forwards, backwards or all in one place, and overlap one another."""
    strides = [rng.choice((0, 1, 3, a.itemsize, 2 * a.itemsize + 1)) for _ in a.shape]
    reach = sum(max(n - 1, 0) * s for n, s in zip(a.shape, strides, strict=True)) + a.itemsize
    offset = rng.randrange(9)
    memory = np.zeros(offset + reach, np.uint8)
    if a.dtype.hasobject or a.size == 0:
        return a
    view = np.ndarray(a.shape, a.dtype, memory, offset, strides)
    return np.flip(view, rng.randrange(a.ndim)) if a.ndim and rng.random() < 0.5 else view


def odd_values(rng: Random, a: np.ndarray) -> Any:
    a = a.copy()
    if a.size and a.dtype.kind in "fi":
        values = (
            FLOATS
            if a.dtype.kind == "f"
            else (-1, 0, 3, 2**31 - 1, -(2**31), np.iinfo(a.dtype).max, np.iinfo(a.dtype).min)
        )
        with np.errstate(all="ignore"):
            chosen = np.array(rng.choice(values)).astype(a.dtype)
            a.reshape(-1)[rng.randrange(a.size) if rng.random() < 0.7 else slice(None)] = chosen
    return a


class Tagged(np.ndarray):
    """A subclass with nothing of its own."""


def another_kind(rng: Random, a: np.ndarray) -> Any:
    kinds: tuple[Callable[[], Any], ...] = (
        *(a.tolist, lambda: a.view(Tagged), lambda: np.ma.masked_array(a), lambda: a.view(np.recarray)),
        *(
            lambda: a.reshape(-1).data,
            lambda: [a],
            lambda: (a, a),
            lambda: a.tobytes(),
            lambda: a[..., None][..., 0],
        ),
        *(lambda: a.flat, lambda: np.asarray(a, object), lambda: np.nditer(a, ["zerosize_ok"])),
    )
    return rng.choice(kinds)()


ARRAY_CHANGES = (
    *(
        another_dtype,
        another_layout,
        another_layout,
        another_ndim,
        another_ndim,
        another_length,
        another_length,
    ),
    *(giant, odd_strides, odd_values, odd_values, another_kind),
)
