"""sgd_step: lists of parameters, several steps in a row, and the first step of a buffer."""

from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.reference import sgd as reference

SHAPES = ((3, 4), (7,), (), (0, 2), (100_003,), (2, 3, 4))


def arrays(rng: np.random.Generator, dtype: str) -> list[np.ndarray]:
    return [np.asarray(rng.standard_normal(shape), dtype) for shape in SHAPES]


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_call_is_a_call_for_each(backend: Backend, dtype: str) -> None:
    core, rng = backend.core, np.random.default_rng(0)
    p, g, b = (arrays(rng, dtype) for _ in range(3))
    together, apart = (
        ([a.copy() for a in p], [a.copy() for a in b]),
        ([a.copy() for a in p], [a.copy() for a in b]),
    )
    options = core.SGDOptions(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
    core.sgd_step(together[0], g, together[1], options)
    for one in zip(apart[0], g, apart[1], strict=True):
        core.sgd_step(*([a] for a in one), options)
    assert_same_bits(together[0] + together[1], apart[0] + apart[1], "sgd_step")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1, "maximize": True},
    ],
)
def test_fifty_steps(backend: Backend, options: dict[str, Any]) -> None:
    core, rng = backend.core, np.random.default_rng(1)
    p = rng.standard_normal(33)
    buffer = np.full(33, np.nan) if "momentum" in options else None
    wanted, wanted_buffer = p.copy(), buffer
    for step in range(50):
        g = rng.standard_normal(33)
        chosen = {"lr": 0.05, "first_step": step == 0, **options}
        wanted, wanted_buffer = reference.step(wanted, g, wanted_buffer, **chosen)
        core.sgd_step([p], [g], [] if buffer is None else [buffer], core.SGDOptions(**chosen))
    np.testing.assert_allclose(p, wanted, rtol=1e-12, atol=1e-13)
    if buffer is not None:
        np.testing.assert_allclose(buffer, wanted_buffer, rtol=1e-12, atol=1e-13)


def test_first_step_does_not_read_the_buffer(backend: Backend) -> None:
    core = backend.core
    p, g, buffer = np.zeros(9), np.ones(9), np.full(9, np.nan)
    core.sgd_step([p], [g], [buffer], core.SGDOptions(lr=1.0, momentum=0.5, dampening=0.5, first_step=True))
    np.testing.assert_array_equal(buffer, g)
    np.testing.assert_array_equal(p, -g)


def test_no_parameters(backend: Backend) -> None:
    backend.core.sgd_step([], [], [], backend.core.SGDOptions(lr=0.1))


def test_failed_step_changes_nothing(backend: Backend) -> None:
    """All parameters are checked before the first is written."""
    core, p = backend.core, np.ones(3, np.float32)
    with pytest.raises(ValueError, match=r"grads.*1"):
        core.sgd_step([p, p.copy()], [p.copy(), np.ones(4, np.float32)], [], core.SGDOptions(lr=0.1))
    np.testing.assert_array_equal(p, 1)
