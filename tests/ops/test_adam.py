"""adam_step: Adam, AdamW and AMSGrad over many steps and parameters."""

from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.reference import adam as reference

SHAPES = ((3, 4), (7,), (), (0, 2), (100_003,), (2, 3, 4))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("amsgrad", [False, True])
def test_one_call_is_a_call_for_each(backend: Backend, amsgrad: bool, dtype: str) -> None:
    core, rng = backend.core, np.random.default_rng(0)
    kinds = [[np.asarray(rng.random(shape), dtype) for shape in SHAPES] for _ in range(4 + amsgrad)]
    together, apart = ([[a.copy() for a in kind] for kind in kinds] for _ in range(2))
    options = core.AdamOptions(lr=0.1, step=3, weight_decay=0.01)
    none: list = [] if amsgrad else [[]]
    core.adam_step(*together, *none, options)
    for one in zip(*apart, strict=True):
        core.adam_step(*([a] for a in one), *none, options)
    for one_call, many_calls in zip(together, apart, strict=True):
        assert_same_bits(one_call, many_calls, "adam_step")


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "decoupled": True},
        {"maximize": True, "beta1": 0.5, "beta2": 0.9, "eps": 1e-3},
    ],
)
def test_fifty_steps(backend: Backend, options: dict[str, Any], amsgrad: bool) -> None:
    core, rng = backend.core, np.random.default_rng(1)
    state = [rng.standard_normal(33)] + [np.zeros(33) for _ in range(3 if amsgrad else 2)]
    wanted: list[Any] = [a.copy() for a in state] + ([] if amsgrad else [None])
    for step in range(1, 51):
        g = rng.standard_normal(33)
        chosen = {"lr": 0.05, "step": step, **options}
        wanted = list(reference.step(wanted[0], g, *wanted[1:], **chosen))
        lists = [[state[0]], [g], *([a] for a in state[1:])] + ([] if amsgrad else [[]])
        core.adam_step(*lists, core.AdamOptions(**chosen))
    for a, b in zip(state, wanted, strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_first_step_has_the_length_of_lr(backend: Backend, scale: float, dtype: str) -> None:
    """M / sqrt(v) is the sign of the gradient, whatever its size."""
    core = backend.core
    p, g = np.zeros(10, dtype), np.full(10, -scale, dtype)
    core.adam_step([p], [g], [np.zeros_like(p)], [np.zeros_like(p)], [], core.AdamOptions(lr=0.5, step=1))
    np.testing.assert_allclose(p, 0.5, rtol=2e-5)


def test_bias_correction_of_a_late_step(backend: Backend) -> None:
    """Counts beyond what a float32 holds."""
    core, step = backend.core, 2**24 + 1
    p, g, m, v = (np.full(8, value, np.float32) for value in (1.0, 0.5, 0.5, 0.25))
    core.adam_step([p], [g], [m], [v], [], core.AdamOptions(lr=0.25, step=step))
    np.testing.assert_allclose(p, 0.75, rtol=1e-6)


def test_failed_step_changes_nothing(backend: Backend) -> None:
    core, p = backend.core, np.ones(3, np.float32)
    arrays = [[p, p.copy()] for _ in range(4)]
    arrays[3] = [p.copy(), np.ones(4, np.float32)]
    with pytest.raises(ValueError, match=r"exp_avg_sqs.*1"):
        core.adam_step(*arrays, [], core.AdamOptions(lr=0.1, step=1))
    np.testing.assert_array_equal(p, 1)
