"""rmsprop_step: lists of parameters, many steps in a row, and variances of constant gradients."""

from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.reference import rmsprop as reference

SHAPES = ((3, 4), (7,), (), (0, 2), (100_003,), (2, 3, 4))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("centered", [False, True])
def test_one_call_is_a_call_for_each(backend: Backend, centered: bool, dtype: str) -> None:
    core, rng = backend.core, np.random.default_rng(0)
    kinds = [[np.asarray(rng.random(shape), dtype) for shape in SHAPES] for _ in range(5)]
    together, apart = ([[a.copy() for a in kind] for kind in kinds] for _ in range(2))
    options = core.RMSpropOptions(lr=0.1, momentum=0.9, weight_decay=0.01, centered=centered)
    core.rmsprop_step(*together, options)
    for one in zip(*apart, strict=True):
        core.rmsprop_step(*([a] for a in one), options)
    for one_call, many_calls in zip(together, apart, strict=True):
        assert_same_bits(one_call, many_calls, "rmsprop_step")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1},
        {"momentum": 0.9},
        {"centered": True},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1, "maximize": True},
    ],
)
def test_fifty_steps(backend: Backend, options: dict[str, Any]) -> None:
    core, rng = backend.core, np.random.default_rng(1)
    p, v, a, b = rng.standard_normal(33), np.zeros(33), np.zeros(33), np.zeros(33)
    wanted: tuple[Any, ...] = (p.copy(), v.copy(), a.copy(), b.copy())
    for _ in range(50):
        g = rng.standard_normal(33)
        wanted = reference.step(wanted[0], g, *wanted[1:], lr=0.05, **options)
        core.rmsprop_step([p], [g], [v], [a], [b], core.RMSpropOptions(lr=0.05, **options))
    for got, want in zip((p, v, a, b), wanted, strict=True):
        if want is not None:
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_constant_gradient_never_gives_nan(backend: Backend, dtype: str) -> None:
    """The variance goes to 0, and its rounding falls on either side of it."""
    core, rng = backend.core, np.random.default_rng(2)
    g = rng.standard_normal(1000).astype(dtype)
    p, v, a = (np.zeros_like(g) for _ in range(3))
    options = core.RMSpropOptions(lr=1e-3, alpha=0.5, centered=True)
    rounded = False
    for _ in range(100):
        core.rmsprop_step([p], [g], [v], [a], [], options)
        rounded |= bool((v - a * a < 0).any())
        assert np.isfinite(p).all()
    assert rounded


def test_unused_state_is_not_touched(backend: Backend) -> None:
    core, spare = backend.core, np.full(9, np.nan)
    p, g, v = np.ones(9), np.ones(9), np.zeros(9)
    core.rmsprop_step([p], [g], [v], [spare], [spare], core.RMSpropOptions(lr=0.1))
    assert np.isfinite(p).all()
    assert np.isnan(spare).all()


def test_failed_step_changes_nothing(backend: Backend) -> None:
    core, p = backend.core, np.ones(3, np.float32)
    squares = [p.copy(), np.ones(4, np.float32)]
    with pytest.raises(ValueError, match=r"square_avgs.*1"):
        core.rmsprop_step([p, p.copy()], [p.copy()] * 2, squares, [], [], core.RMSpropOptions(lr=0.1))
    np.testing.assert_array_equal(p, 1)
