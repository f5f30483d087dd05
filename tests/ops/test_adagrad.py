"""adagrad_step: lists of parameters, many steps in a row, sum and mean of the squares."""

from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.reference import adagrad as reference

SHAPES = ((3, 4), (7,), (), (0, 2), (100_003,), (2, 3, 4))


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_call_is_a_call_for_each(backend: Backend, dtype: str) -> None:
    core, rng = backend.core, np.random.default_rng(0)
    kinds = [[np.asarray(rng.random(shape), dtype) for shape in SHAPES] for _ in range(3)]
    together, apart = ([[a.copy() for a in kind] for kind in kinds] for _ in range(2))
    options = core.AdagradOptions(lr=0.1, step=3, weight_decay=0.01, lr_decay=0.1)
    core.adagrad_step(*together, options)
    for one in zip(*apart, strict=True):
        core.adagrad_step(*([a] for a in one), options)
    for one_call, many_calls in zip(together, apart, strict=True):
        assert_same_bits(one_call, many_calls, "adagrad_step")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1, "lr_decay": 0.1},
        {"average": True},
        {"average": True, "eps": 1e-2, "lr_decay": 0.5, "maximize": True},
    ],
)
def test_fifty_steps(backend: Backend, options: dict[str, Any]) -> None:
    core, rng = backend.core, np.random.default_rng(1)
    p, s = rng.standard_normal(33), np.zeros(33)
    wanted = (p.copy(), s.copy())
    for step in range(1, 51):
        g = rng.standard_normal(33)
        wanted = reference.step(wanted[0], g, wanted[1], lr=0.05, step=step, **options)
        core.adagrad_step([p], [g], [s], core.AdagradOptions(lr=0.05, step=step, **options))
    np.testing.assert_allclose(p, wanted[0], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(s, wanted[1], rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_of_equal_gradients_keeps_the_length_of_lr(backend: Backend, dtype: str) -> None:
    """The root mean square is then |g|, at every step; with the sum the steps fall as 1 / sqrt(t)."""
    core = backend.core
    for average, length in ((True, lambda t: 0.25), (False, lambda t: 0.25 / t**0.5)):
        p, g, s = np.zeros(9, dtype), np.full(9, -3.0, dtype), np.zeros(9, dtype)
        for t in range(1, 20):
            before = p.copy()
            core.adagrad_step([p], [g], [s], core.AdagradOptions(lr=0.25, step=t, average=average))
            np.testing.assert_allclose(p - before, length(t), rtol=2e-5)


def test_zero_gradient_and_zero_sum(backend: Backend) -> None:
    """0 / (sqrt(0) + eps), where eps 1e-10 stands outside the root."""
    core, p = backend.core, np.ones(5, np.float32)
    core.adagrad_step([p], [np.zeros_like(p)], [np.zeros_like(p)], core.AdagradOptions(lr=0.1, step=1))
    np.testing.assert_array_equal(p, 1)


def test_failed_step_changes_nothing(backend: Backend) -> None:
    core, p = backend.core, np.ones(3, np.float32)
    sums = [p.copy(), np.ones(4, np.float32)]
    with pytest.raises(ValueError, match=r"sums.*1"):
        core.adagrad_step([p, p.copy()], [p.copy()] * 2, sums, core.AdagradOptions(lr=0.1, step=1))
    np.testing.assert_array_equal(p, 1)
