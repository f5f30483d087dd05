"""clip_grad: one norm over lists of both dtypes, sums in double, and values that are not finite."""

import numpy as np
import pytest

from tests.opinfo import Backend
from tests.reference import clip_grad as reference

INF = float("inf")
SHAPES = ((3, 4), (7,), (), (0, 2), (100_003,), (2, 3, 4))


def gradients(seed: int = 0) -> list[np.ndarray]:
    """Of both dtypes, in turn."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(s), ("f4", "f8")[i % 2]) for i, s in enumerate(SHAPES)]


@pytest.mark.parametrize("p", [1.0, 2.0, INF, 0.5, 3.0, 7.5])
def test_dtypes_may_differ(backend: Backend, p: float) -> None:
    grads = gradients()
    norm, wanted = reference.clip_norm(grads, 0.1, p)
    assert backend.core.clip_grad_norm(grads, 0.1, p, False) == pytest.approx(norm, rel=1e-12)
    for grad, want in zip(grads, wanted, strict=True):
        np.testing.assert_allclose(grad, want, rtol=1e-6 if grad.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("p", [1.0, 2.0, INF, 3.0])
def test_same_bits_for_any_number_of_threads(backend: Backend, p: float) -> None:
    found = set()
    for threads in (1, 2, 3, 8):
        backend.core.set_num_threads(threads)
        grads = gradients(1)
        norm = backend.core.clip_grad_norm(grads, 0.5, p, False)
        found.add((norm, *(g.tobytes() for g in grads)))
    assert len(found) == 1


def test_squares_of_float32_neither_overflow_nor_vanish(backend: Backend) -> None:
    for size in (1e30, 1e-30):
        grads = [np.full(4, size, np.float32)]
        assert backend.core.clip_grad_norm(grads, INF, 2.0, False) == pytest.approx(2 * size, rel=1e-6)


def test_many_float32_values_are_summed_exactly_enough(backend: Backend) -> None:
    """Added up in float32, 2^25 ones would stop at 2^24."""
    grads = [np.ones(2**21, np.float32)] * 16
    assert backend.core.clip_grad_norm(grads, INF, 1.0, False) == 2.0**25


def test_small_norm_changes_no_bit(backend: Backend) -> None:
    grads = gradients(2)
    before = [g.tobytes() for g in grads]
    backend.core.clip_grad_norm(grads, 1e9, 2.0, True)
    assert [g.tobytes() for g in grads] == before


def test_factor_has_torchs_millionth(backend: Backend) -> None:
    """max_norm / (norm + 1e-6): a norm of exactly max_norm is scaled, a little."""
    grad = np.array([3.0, 4.0])
    assert backend.core.clip_grad_norm([grad], 5.0, 2.0, False) == 5.0
    np.testing.assert_array_equal(grad, np.array([3.0, 4.0]) * (5.0 / 5.000001))


@pytest.mark.parametrize("p", [1.0, 2.0, INF, 3.0])
@pytest.mark.parametrize("at", [0, 7, 5000, 40_000])
def test_nan_is_never_lost(backend: Backend, at: int, p: float) -> None:
    grad = np.ones(50_000, np.float32)
    grad[at] = np.nan
    other = np.ones(3)
    assert np.isnan(backend.core.clip_grad_norm([other, grad], 1.0, p, False))
    assert np.isnan(grad).all()
    assert np.isnan(other).all()


@pytest.mark.parametrize("value", [np.nan, INF, -INF])
@pytest.mark.parametrize("p", [1.0, 2.0, INF])
def test_refused_before_anything_is_written(backend: Backend, p: float, value: float) -> None:
    grads = [np.ones(3), np.array([value, 1.0])]
    before = [g.tobytes() for g in grads]
    with pytest.raises(ValueError, match="expected gradients with a finite norm, got "):
        backend.core.clip_grad_norm(grads, 1.0, p, True)
    assert [g.tobytes() for g in grads] == before


def test_infinite_norm_leaves_zeros_and_nan(backend: Backend) -> None:
    grad = np.array([1.0, -INF, -2.0])
    assert backend.core.clip_grad_norm([grad], 1.0, 2.0, False) == INF
    np.testing.assert_array_equal(grad, [0.0, np.nan, 0.0])


def test_wrong_gradient_leaves_the_others_alone(backend: Backend) -> None:
    first = np.full(3, 9.0)
    for call in (
        lambda bad: backend.core.clip_grad_norm([first, bad], 1.0, 2.0, False),
        lambda bad: backend.core.clip_grad_value([first, bad], 1.0),
    ):
        with pytest.raises(TypeError, match=r"grads.*int64"):
            call(np.ones(3, np.int64))
    np.testing.assert_array_equal(first, 9.0)


def test_nothing_to_clip(backend: Backend) -> None:
    assert backend.core.clip_grad_norm([], 1.0, 2.0, True) == 0.0
    assert backend.core.clip_grad_norm([np.ones((0, 3))], 1.0, INF, True) == 0.0
    backend.core.clip_grad_value([], 1.0)


def test_clamping_keeps_nan(backend: Backend) -> None:
    grad = np.array([np.nan, INF, -INF, 0.5, -0.0], np.float32)
    backend.core.clip_grad_value([grad], 1.0)
    np.testing.assert_array_equal(grad, np.array([np.nan, 1.0, -1.0, 0.5, 0.0], np.float32))
