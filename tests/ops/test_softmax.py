"""softmax and log_softmax: shifts, extremes, and what a row of infinities gives."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits

NAMES = ("softmax", "log_softmax")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(5, 17), (3, 100), (4, 9, 6)])
@pytest.mark.parametrize("axis", [0, 1])
def test_shift_changes_nothing(
    backend: Backend, name: str, shape: tuple[int, ...], axis: int, dtype: str
) -> None:
    """On multiples of 1/8 the shift by 1024 is exact, so the bits stay."""
    x = (np.random.default_rng(0).integers(-40, 40, shape) / 8).astype(dtype)
    function = getattr(backend.functional, name)
    assert_same_bits([function(x + 1024, axis)], [function(x, axis)], name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_finite_input_overflows(backend: Backend, dtype: str) -> None:
    big = float(np.finfo(dtype).max) / 4
    x = np.array([[big, -big, 0.0], [big, big, -big], [-big, -big, -big]], dtype)
    third = 1 / 3
    wanted = [[1, 0, 0], [0.5, 0.5, 0], [third, third, third]]
    np.testing.assert_allclose(backend.functional.softmax(x), wanted, rtol=1e-6)
    assert np.isfinite(backend.functional.log_softmax(x)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [2, 8, 9, 33])
@pytest.mark.parametrize("axis", [0, 1])
def test_infinities(backend: Backend, length: int, axis: int, dtype: str) -> None:
    F = backend.functional
    rows = np.full((3, length), -np.inf, dtype)
    rows[0, -1] = 4.0  # all weight on the one finite entry
    rows[2] = 0.0
    rows[2, 0] = np.inf
    x = rows if axis == 1 else np.ascontiguousarray(rows.T)
    p, logs = (f(x, axis) if axis == 1 else f(x, axis).T for f in (F.softmax, F.log_softmax))
    np.testing.assert_array_equal(p[0], [0.0] * (length - 1) + [1.0])
    np.testing.assert_array_equal(logs[0], [-np.inf] * (length - 1) + [0.0])
    assert np.isnan(p[1]).all()
    assert np.isnan(logs[1]).all()
    assert np.isnan(p[2, 0])
    assert np.isnan(logs[2, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [-1, 0])
def test_single_number(backend: Backend, axis: int, dtype: str) -> None:
    F, x = backend.functional, np.asarray(3, dtype)
    assert F.softmax(x, axis) == 1
    assert F.log_softmax(x, axis) == 0
    assert F.softmax(x, axis).shape == ()
    assert F.softmax_backward(x, F.softmax(x), axis) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40, 10), (3, 1000), (1000, 3)])
def test_rows_sum_to_one(backend: Backend, shape: tuple[int, int], dtype: str) -> None:
    x = (10 * np.random.default_rng(1).standard_normal(shape)).astype(dtype)
    total = backend.functional.softmax(x).astype(np.float64).sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_gradient_of_a_constant_is_zero(backend: Backend, name: str, dtype: str) -> None:
    """The sum of a softmax is 1 whatever x is, and log_softmax's gradients sum to 0 along the axis."""
    F, rng = backend.functional, np.random.default_rng(2)
    x = rng.standard_normal((20, 33)).astype(dtype)
    y = getattr(F, name)(x)
    g = np.ones_like(y) if name == "softmax" else rng.standard_normal(y.shape).astype(dtype)
    grad = getattr(F, name + "_backward")(g, y)
    total = grad if name == "softmax" else grad.sum(axis=1)
    np.testing.assert_allclose(total, 0, atol=64 * np.finfo(dtype).eps)
