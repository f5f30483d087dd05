"""cross_entropy: labels checked before anything is written, ignored positions, extremes, soft targets."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits

LIMITS = (-(2**63), -(2**31), -1, 0, 2, 3, 2**31, 2**63 - 1)


@pytest.mark.parametrize("bad", [-1, 3, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("row", [0, 4999])
def test_nothing_is_written_before_labels_are_checked(backend: Backend, bad: int, row: int) -> None:
    F = backend.functional
    logits, target = np.zeros((5000, 3), np.float32), np.zeros(5000, np.int64)
    target[row] = bad
    losses, grad = np.full(5000, 7, np.float32), np.full((5000, 3), 7, np.float32)
    with pytest.raises(IndexError, match=rf"got {bad} at position \({row},\)"):
        F.cross_entropy(logits, target, reduction="none", out=losses)
    with pytest.raises(IndexError, match=rf"got {bad} at position \({row},\)"):
        F.cross_entropy_with_grad(logits, target, out=grad)
    assert (losses == 7).all()
    assert (grad == 7).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ignore_index", LIMITS)
def test_ignore_index_may_be_any_integer(backend: Backend, ignore_index: int, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(0)
    logits = rng.standard_normal((4, 3)).astype(dtype)
    target = np.array([1, ignore_index, 1, ignore_index], np.int64)
    loss, grad = F.cross_entropy_with_grad(logits, target, ignore_index=ignore_index)
    kept, kept_grad = F.cross_entropy_with_grad(logits[::2], target[::2])
    np.testing.assert_allclose(loss, kept, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(grad[1::2], 0)
    np.testing.assert_array_equal(grad[::2], kept_grad)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_all_ignored(backend: Backend, smoothing: float, dtype: str) -> None:
    """The mean over nothing is NaN, the sum 0; the gradient of either is 0, as in torch without smoothing."""
    F = backend.functional
    logits, target = np.ones((3, 4), dtype), np.full(3, -100, np.int64)
    for reduction, wanted in (("mean", np.nan), ("sum", 0.0)):
        loss, _ = F.cross_entropy_with_grad(logits, target, reduction=reduction, label_smoothing=smoothing)
        np.testing.assert_equal(float(loss), wanted)
    losses, grad = F.cross_entropy_with_grad(logits, target, reduction="none", label_smoothing=smoothing)
    np.testing.assert_array_equal(losses, np.zeros(3))
    np.testing.assert_array_equal(grad, np.zeros((3, 4)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_ignored_rows_may_hold_anything(backend: Backend, dtype: str) -> None:
    F = backend.functional
    logits = np.zeros((2, 3), dtype)
    logits[1] = np.nan
    loss, grad = F.cross_entropy_with_grad(logits, np.array([0, -100]))
    np.testing.assert_allclose(loss, np.log(3), rtol=1e-6)
    np.testing.assert_array_equal(grad[1], 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_confident_logits_stay_finite(backend: Backend, dtype: str) -> None:
    logits = np.array([[1e4, 0, -1e4]], dtype)
    for label, wanted in enumerate((0.0, 1e4, 2e4)):
        loss, grad = backend.functional.cross_entropy_with_grad(logits, np.array([label]))
        np.testing.assert_allclose(loss, wanted, rtol=1e-6)
        assert np.isfinite(grad).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(6, 5), (2, 5, 3)])
def test_one_hot_target_is_the_label(
    backend: Backend, shape: tuple[int, ...], smoothing: float, dtype: str
) -> None:
    F, rng = backend.functional, np.random.default_rng(1)
    logits = rng.standard_normal(shape).astype(dtype)
    target = rng.integers(0, 5, shape[:1] + shape[2:])
    one_hot = np.moveaxis(np.eye(5, dtype=dtype)[target], -1, 1)
    for reduction in ("none", "sum", "mean"):
        options = {"reduction": reduction, "label_smoothing": smoothing}
        hard = F.cross_entropy_with_grad(logits, target, **options)
        soft = F.cross_entropy_with_grad(logits, one_hot, **options)
        for a, b in zip(hard, soft, strict=True):
            np.testing.assert_allclose(a, b, rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_loss_is_that_of_with_grad(backend: Backend, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(2)
    for shape in ((9, 10), (700, 10), (3, 4, 50)):
        logits = rng.standard_normal(shape).astype(dtype)
        target = rng.integers(0, shape[1], shape[:1] + shape[2:]).astype(np.int32)
        for reduction in ("none", "sum", "mean"):
            loss, grad = F.cross_entropy_with_grad(logits, target, reduction=reduction)
            assert_same_bits([F.cross_entropy(logits, target, reduction=reduction)], [loss], reduction)
            assert grad.shape == logits.shape


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_with_a_reduced_loss_is_refused(backend: Backend, dtype: str) -> None:
    logits, target = np.zeros((2, 3), dtype), np.array([0, 1])
    with pytest.raises(ValueError, match=r"^\[cross_entropy\] .*out.*none"):
        backend.functional.cross_entropy(logits, target, out=np.zeros(2, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_reduced_loss_is_a_scalar_of_the_dtype(backend: Backend, dtype: str) -> None:
    loss = backend.functional.cross_entropy(np.zeros((2, 3), dtype), np.array([0, 1]))
    assert type(loss) is np.dtype(dtype).type
