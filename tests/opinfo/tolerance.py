"""Comparison of a result with its reference, in units of the dtype's rounding error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.opinfo.base import Arrays, Function, Sample


def difference(actual: Any, wanted: Any, units: Any, dtype: str) -> str:
    """Nothing for the same NaN and infinities, and elsewhere |actual - wanted| <= eps * units (+ tiny)."""
    a, w = np.asarray(actual, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    if a.shape != w.shape:
        return f"shape {a.shape}, expected {w.shape}"
    limits = np.finfo(dtype)
    with np.errstate(invalid="ignore"):
        # Infinite units allow no infinite difference, and NaN allows none.
        units = np.minimum(np.broadcast_to(units, w.shape), np.finfo(np.float64).max)
        allowed = np.where(units > 0, units * float(limits.eps) + float(limits.tiny), 0.0)
        good = (a == w) | (np.isnan(a) & np.isnan(w)) | (np.isfinite(w) & (np.abs(a - w) <= allowed))
    if good.all():
        return ""
    at = tuple(int(i[0]) for i in np.nonzero(~np.atleast_1d(good)))
    got, want, bound = (np.atleast_1d(v)[at] for v in (a, w, allowed))
    return f"at {at} got {got!r}, expected {want!r} +- {bound!r}"


def assert_matches_reference(function: Function, sample: Sample, results: Arrays, dtype: str) -> None:
    wanted = function.reference(sample)
    units = function.bound(sample, wanted) if function.bound else (0.0,) * len(wanted)
    assert len(results) == len(wanted)
    for i, (result, want, unit) in enumerate(zip(results, wanted, units, strict=True)):
        if want is None:
            assert result is None
            continue
        if isinstance(result, np.ndarray):
            assert result.dtype == np.dtype(dtype), f"{function}: result {i} is {result.dtype}, not {dtype}"
        # The words are made where they are read: a quarter of a million calls are compared here.
        if found := difference(result, want, unit, dtype):
            raise AssertionError(f"{function} result {i} of {sample}: {found}")


def magnitude(*arrays: NDArray) -> list[NDArray[np.float64]]:
    return [np.abs(np.asarray(a, dtype=np.float64)) for a in arrays]


def summation(terms: int) -> float:
    """Error of a sum of that many terms, added one after another, relative to the sum of their sizes.

    Each addition is off by at most half an ulp, 0.29 eps in the mean square; that is six deviations of all.
    """
    return 6 * 0.29 * float(terms) ** 0.5


def softmax_units(x: NDArray, axis: int) -> tuple[NDArray, NDArray]:
    """Relative error units of softmax and absolute ones of log_softmax.

    x - max carries half an ulp of itself into the exponent, exp and log have two ulps of their own, and the
    sum of C powers wanders by the square root of its length.
    """
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        z = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
        powers = np.exp(z)
        total = powers.sum(axis=axis, keepdims=True)
        shift = np.where(powers > 0, powers * np.abs(z), 0.0).sum(axis=axis, keepdims=True) / total
        relative = 8 + summation(x.shape[axis]) + np.where(powers > 0, np.abs(z), 0.0) + shift
        return relative, relative + 2 * np.abs(np.log(total))
