"""relu and its backward at the values where implementations differ."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 7, 8, 33])
def test_relu_keeps_nan_and_inf(backend: Backend, size: int, dtype: str) -> None:
    values = np.array([np.nan, np.inf, -np.inf, -1, 2], dtype)
    for value, wanted in zip(values, np.array([np.nan, np.inf, 0, 0, 2], dtype), strict=True):
        np.testing.assert_array_equal(backend.functional.relu(np.full(size, value)), np.full(size, wanted))


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_gradient_at_zero(backend: Backend, dtype: str) -> None:
    """The subgradient at the kink is 0, of either zero, as in torch."""
    y = np.array([0.0, -0.0, 1.0] * 7, dtype)
    grad = backend.functional.relu_backward(np.full(21, 5, dtype), y)
    np.testing.assert_array_equal(grad, np.array([0, 0, 5] * 7, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_blocked_gradient_is_dropped_even_when_infinite(backend: Backend, dtype: str) -> None:
    g = np.array([np.inf, np.nan, -np.inf, 3.0], dtype)
    grad = backend.functional.relu_backward(g, np.zeros(4, dtype))
    np.testing.assert_array_equal(grad, np.zeros(4, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 9, 64, 100_003])
def test_in_place(backend: Backend, size: int, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(0)
    x, g = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    y, grad = F.relu(x), F.relu_backward(g, x)
    np.testing.assert_array_equal(F.relu(x.copy()), y)
    target = x.copy()
    assert F.relu(target, out=target) is target
    np.testing.assert_array_equal(target, y)
    assert F.relu_backward(g, x, out=g) is g
    np.testing.assert_array_equal(g, grad)


def test_relu_is_idempotent(backend: Backend) -> None:
    y = backend.functional.relu(np.random.default_rng(1).standard_normal(1000))
    np.testing.assert_array_equal(backend.functional.relu(y), y)
