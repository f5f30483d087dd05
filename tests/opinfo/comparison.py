"""Equality bit for bit."""

from collections.abc import Iterable
from typing import Any

import numpy as np


def assert_same_bits(results: Iterable[Any], wanted: Iterable[Any], context: object) -> None:
    """The same dtypes, shapes and bytes, in C order; -0 is not 0 here, and NaN equals itself."""
    for i, (result, want) in enumerate(zip(results, wanted, strict=True)):
        if result is None or want is None:
            assert result is want, context
            continue
        a, b = np.asarray(result), np.asarray(want)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), context
        assert a.tobytes() == b.tobytes(), f"{context}: result {i} differs at {first_difference(a, b)}"


def first_difference(a: np.ndarray, b: np.ndarray) -> object:
    bits = f"u{a.dtype.itemsize}"
    left, right = (np.ascontiguousarray(v).reshape(-1).view(bits) for v in (a, b))
    at = int(np.flatnonzero(left != right)[0])
    return at, a.reshape(-1)[at], b.reshape(-1)[at]
