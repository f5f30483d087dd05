"""Activations at the values where implementations differ, and how exact they are."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend

INF, NAN = math.inf, math.nan
NAMES = (
    *("relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "sigmoid"),
    *("tanh", "silu", "gelu", "elu", "softplus", "logsigmoid"),
)


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
@pytest.mark.parametrize(
    ("name", "blocked"),
    [("relu", (0, -1)), ("relu6", (0, 6, NAN)), ("hardtanh", (-1, 1, 2, NAN)), ("hardsigmoid", (-3, 3, NAN))],
)
def test_blocked_gradient_is_dropped_even_when_infinite(
    backend: Backend, name: str, blocked: tuple[float, ...], dtype: str
) -> None:
    backward = getattr(backend.functional, name + "_backward")
    for value in blocked:
        g = np.array([np.inf, np.nan, -np.inf, 3.0] * 9, dtype)
        np.testing.assert_array_equal(backward(g, np.full_like(g, value)), np.zeros_like(g))


# (name, options, x, y, gradient of 1), as torch gives it.
AT = (
    ("leaky_relu", {}, 0.0, 0.0, 0.01),
    ("leaky_relu", {}, NAN, NAN, 0.01),
    ("leaky_relu", {}, -INF, -INF, 0.01),
    ("leaky_relu", {"negative_slope": 0.0}, -INF, NAN, 0.0),
    ("leaky_relu", {"negative_slope": -1.0}, -INF, INF, -1.0),
    ("relu6", {}, INF, 6.0, 0.0),
    ("hardtanh", {}, -INF, -1.0, 0.0),
    ("hardtanh", {"min_val": 0.0, "max_val": 0.0}, 0.0, 0.0, 0.0),
    ("hardtanh", {"max_val": INF}, INF, INF, 0.0),
    ("hardtanh", {}, NAN, NAN, 0.0),
    ("hardsigmoid", {}, -3.0, 0.0, 0.0),
    ("hardsigmoid", {}, 3.0, 1.0, 0.0),
    ("hardsigmoid", {}, INF, 1.0, 0.0),
    ("hardsigmoid", {}, NAN, NAN, 0.0),
    ("sigmoid", {}, INF, 1.0, 0.0),
    ("sigmoid", {}, -INF, 0.0, 0.0),
    ("tanh", {}, -INF, -1.0, 0.0),
    ("silu", {}, INF, INF, NAN),
    ("silu", {}, -INF, NAN, NAN),
    ("gelu", {}, INF, INF, NAN),
    ("gelu", {}, -INF, NAN, NAN),
    ("gelu", {"approximate": "tanh"}, INF, INF, NAN),
    ("gelu", {"approximate": "tanh"}, -INF, NAN, NAN),
    ("elu", {}, 0.0, 0.0, 1.0),
    ("elu", {"alpha": -2.0}, 0.0, 0.0, -2.0),
    ("elu", {"alpha": -2.0}, -INF, 2.0, 0.0),
    ("elu", {}, INF, INF, 1.0),
    ("elu", {}, NAN, NAN, NAN),
    ("softplus", {}, 20.5, 20.5, 1.0),
    ("softplus", {}, INF, INF, 1.0),
    ("softplus", {}, -INF, 0.0, 0.0),
    ("softplus", {"threshold": 0.5}, 0.75, 0.75, 1.0),
    ("softplus", {"beta": -2.0}, -INF, -INF, 1.0),
    ("softplus", {"beta": -2.0}, INF, 0.0, 0.0),
    ("logsigmoid", {}, -INF, -INF, 1.0),
    ("logsigmoid", {}, INF, 0.0, 0.0),
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "options", "x", "y", "slope"), AT)
def test_kinks_and_infinities(
    backend: Backend, name: str, options: dict[str, Any], x: float, y: float, slope: float, dtype: str
) -> None:
    forward, backward = (getattr(backend.functional, name + suffix) for suffix in ("", "_backward"))
    full = np.full(19, x, dtype)  # a vector and a part of one
    result = forward(full, **options)
    np.testing.assert_array_equal(result, np.full(19, y, dtype))
    kept = result if name in ("sigmoid", "tanh") else full
    np.testing.assert_array_equal(backward(np.ones_like(full), kept, **options), np.full(19, slope, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_finite_inputs_give_finite_results(backend: Backend, dtype: str) -> None:
    """Where torch's gelu by tanh and softplus with a high threshold overflow on the way."""
    F, big = backend.functional, float(np.finfo(dtype).max) / 4
    x = np.array([-big, -1e30, -800.0, -20.0, 20.0, 800.0, 1e30, big], dtype)
    for form in ("none", "tanh"):
        np.testing.assert_allclose(F.gelu(x, form), np.maximum(x, 0), atol=1e-20)
        np.testing.assert_allclose(F.gelu_backward(np.ones_like(x), x, form), x > 0, atol=1e-20)
    np.testing.assert_allclose(F.softplus(x, 1.0, INF), np.maximum(x, 0), atol=1e-8, rtol=1e-7)
    np.testing.assert_allclose(F.softplus_backward(np.ones_like(x), x, 1.0, INF), x > 0, atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_hardsigmoid_is_relu6_shifted(backend: Backend, dtype: str) -> None:
    F, x = backend.functional, np.linspace(-4, 4, 1001).astype(dtype)
    np.testing.assert_allclose(F.hardsigmoid(x), F.relu6(x + 3) / 6, rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(F.hardsigmoid(x) <= 1, True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_odd_and_symmetric(backend: Backend, dtype: str) -> None:
    F, x = backend.functional, (9 * np.random.default_rng(2).standard_normal(1000)).astype(dtype)
    x[:2] = 0.0, -0.0
    np.testing.assert_array_equal(F.tanh(-x).tobytes(), (-F.tanh(x)).tobytes())
    np.testing.assert_allclose(F.sigmoid(-x) + F.sigmoid(x), 1, rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(F.logsigmoid(x), -F.softplus(-x, 1.0, INF))


# In units in the last place; the reference holds on numbers of float32 only.
EXACT: dict[str, tuple[float, Callable[[float], float]]] = {
    "sigmoid": (3, lambda x: math.exp(x) / (1 + math.exp(x)) if x < 0 else 1 / (1 + math.exp(-x))),
    "tanh": (3, math.tanh),
    "gelu": (4, lambda x: x * math.erfc(-x / math.sqrt(2)) / 2),
    "elu": (2, lambda x: x if x > 0 else math.expm1(x)),
    "softplus": (4, lambda x: x if x > 20 else max(x, 0) + math.log1p(math.exp(-abs(x)))),
    "logsigmoid": (4, lambda x: min(x, 0) - math.log1p(math.exp(-abs(x)))),
}


@pytest.mark.parametrize("name", EXACT)
def test_units_in_the_last_place(backend: Backend, name: str) -> None:
    limit, exact = EXACT[name]
    rng = np.random.default_rng(3)
    sizes = np.ldexp(rng.uniform(1, 2, 6000), rng.integers(-140, 7, 6000)) * rng.choice([-1, 1], 6000)
    x = np.concatenate([sizes, 110 * rng.uniform(-1, 1, 6000), rng.uniform(-3, 3, 6000)]).astype(np.float32)
    wanted = np.array([exact(float(v)) for v in x])
    got = getattr(backend.functional, name)(x).astype(np.float64)
    assert (np.abs(got - wanted) <= limit * np.spacing(np.abs(wanted).astype(np.float32))).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 9, 64, 100_003])
@pytest.mark.parametrize("name", NAMES)
def test_in_place(backend: Backend, name: str, size: int, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(0)
    forward, backward = getattr(F, name), getattr(F, name + "_backward")
    x, g = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    y, grad = forward(x), backward(g, x)
    target = x.copy()
    assert forward(target, out=target) is target
    np.testing.assert_array_equal(target, y)
    assert backward(g, x, out=g) is g
    np.testing.assert_array_equal(g, grad)


def test_relu_is_idempotent(backend: Backend) -> None:
    y = backend.functional.relu(np.random.default_rng(1).standard_normal(1000))
    np.testing.assert_array_equal(backend.functional.relu(y), y)
