"""Losses: labels checked before anything is written, accuracy where the loss is small, corners, weights."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.opinfo.loss import BCE, OPTIONS
from tests.reference import loss as reference

LABELLED = ("nll_loss", "multi_margin_loss")
NAMES = (*OPTIONS, *LABELLED)


def arguments(name: str, shape: tuple[int, ...], dtype: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    if name in LABELLED:
        return x, rng.integers(0, shape[1], shape[:1] + shape[2:])
    return x, rng.integers(0, 2, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("reduction", "wanted"), [("mean", np.nan), ("sum", 0.0)])
def test_empty(backend: Backend, name: str, reduction: str, wanted: float, dtype: str) -> None:
    x, target = arguments(name, (0, 3), dtype)
    loss, grad = getattr(backend.functional, f"{name}_with_grad")(x, target, reduction=reduction)
    np.testing.assert_equal(float(loss), wanted)
    assert grad.shape == (0, 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_loss_is_that_of_with_grad(backend: Backend, name: str, dtype: str) -> None:
    F = backend.functional
    for shape in ((9, 10), (700, 10), (300, 111)):
        x, target = arguments(name, shape, dtype)
        for reduction in ("none", "sum", "mean"):
            loss, grad = getattr(F, f"{name}_with_grad")(x, target, reduction=reduction)
            assert_same_bits([getattr(F, name)(x, target, reduction=reduction)], [loss], (name, reduction))
            assert grad.shape == x.shape


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_reduced_loss_is_a_scalar_of_the_dtype(backend: Backend, name: str, dtype: str) -> None:
    function = getattr(backend.functional, name)
    assert type(function(*arguments(name, (2, 3), dtype))) is np.dtype(dtype).type
    with pytest.raises(ValueError, match=rf"^\[{name}\] .*out.*none"):
        function(*arguments(name, (2, 3), dtype), out=np.zeros((2, 3), dtype))


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "hinge_loss"])
def test_no_broadcasting(backend: Backend, name: str) -> None:
    """Predictions (N, 1) against targets (N,) would give N squared losses."""
    with pytest.raises(ValueError, match=r"target of input's shape \(4, 1\), got \(4,\)"):
        getattr(backend.functional, name)(np.zeros((4, 1)), np.zeros(4))


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "hinge_loss"])
def test_integer_targets_say_what_to_call(backend: Backend, name: str) -> None:
    with pytest.raises(TypeError, match=r"target of dtype float32 or float64, got int64.*target\.astype"):
        getattr(backend.functional, name)(np.zeros(4), np.zeros(4, np.int64))


@pytest.mark.parametrize("name", list(OPTIONS))
def test_long_float32_sums_keep_their_digits(backend: Backend, name: str) -> None:
    """The documented bound: 10 eps of the sum, and the rounding of each loss, whatever the length."""
    x, target = arguments(name, (1000, 1003), "float32")
    exact = float(reference.pointwise(name, x, target, "sum")[0])
    loss = float(getattr(backend.functional, name)(x, target, reduction="sum"))
    assert abs(loss - exact) <= 14 * np.finfo(np.float32).eps * exact


@pytest.mark.parametrize("dtype", DTYPES)
def test_smooth_l1_without_beta_is_l1(backend: Backend, dtype: str) -> None:
    F = backend.functional
    x, target = np.array([1, -2, 0, np.nan, 3], dtype), np.array([3, 1, 0, 0, 3], dtype)
    smooth = F.smooth_l1_loss_with_grad(x, target, beta=0.0, reduction="none")
    assert_same_bits(smooth, F.l1_loss_with_grad(x, target, reduction="none"), "beta=0")


@pytest.mark.parametrize("dtype", DTYPES)
def test_smooth_l1_is_huber_by_beta(backend: Backend, dtype: str) -> None:
    """They agree where beta is 1 only."""
    F, (x, target) = backend.functional, arguments("mse_loss", (50,), dtype)
    for beta in (0.5, 1.0, 2.0):
        smooth = F.smooth_l1_loss_with_grad(3 * x, target, beta=beta)
        huber = F.huber_loss_with_grad(3 * x, target, delta=beta)
        for a, b in zip(smooth, huber, strict=True):
            np.testing.assert_allclose(a, b / beta, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_at_the_corners(backend: Backend, dtype: str) -> None:
    """0 where the prediction is right, and on the edge of the margin."""
    F, x = backend.functional, np.array([2.0, -1.0, 1.0], dtype)
    np.testing.assert_array_equal(F.l1_loss_with_grad(x, x)[1], np.zeros(3))
    np.testing.assert_array_equal(F.hinge_loss_with_grad(x, np.array([1, -1, 1]))[1], np.zeros(3))
    scores = np.array([[1.0, 0.0, 0.0]], dtype)
    np.testing.assert_array_equal(F.multi_margin_loss_with_grad(scores, np.array([0]))[1], np.zeros((1, 3)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_bce_of_good_predictions_keeps_its_digits(backend: Backend, dtype: str) -> None:
    """The loss log(1 + e^-x) and the gradient of large x are far below eps, and right."""
    x = np.array([20.0, 40.0, 80.0], dtype)
    eps = np.finfo(dtype).eps
    for sign, target in ((1, np.ones(3, dtype)), (-1, np.zeros(3, dtype))):
        losses, grad = backend.functional.binary_cross_entropy_with_logits_with_grad(
            sign * x, target, reduction="none"
        )
        np.testing.assert_allclose(losses, np.log1p(np.exp(-x.astype(np.float64))), rtol=8 * eps)
        np.testing.assert_allclose(grad, -sign / (1 + np.exp(x.astype(np.float64))), rtol=8 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bce_of_large_logits_stays_finite(backend: Backend, dtype: str) -> None:
    x, target = np.array([1e4, -1e4, 1e4, -1e4], dtype), np.array([1, 0, 0, 1], dtype)
    losses, grad = backend.functional.binary_cross_entropy_with_logits_with_grad(x, target, reduction="none")
    np.testing.assert_array_equal(losses, [0, 0, 1e4, 1e4])
    np.testing.assert_array_equal(grad, [0, 0, 1, -1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 7), (1, 7), (3, 1), (2, 3, 7), (2, 1, 7), (2, 1, 1)])
@pytest.mark.parametrize("n", [2, 20_000])
def test_bce_weights_are_broadcast(backend: Backend, n: int, shape: tuple[int, ...], dtype: str) -> None:
    """As if they had been written out, also where a repeat is cut by the edge of a thread's share."""
    F, rng = backend.functional, np.random.default_rng(3)
    lead = (n // 2, 2) if n > 2 else (2,)
    x, target = rng.standard_normal((*lead, 3, 7)).astype(dtype), rng.random((*lead, 3, 7)).astype(dtype)
    weight, pos_weight = ((rng.random(shape) + 0.5).astype(dtype) for _ in range(2))
    wide = [np.ascontiguousarray(np.broadcast_to(w, x.shape)) for w in (weight, pos_weight)]
    for reduction in ("none", "mean"):
        narrow = F.binary_cross_entropy_with_logits_with_grad(
            x, target, np.asarray(weight), pos_weight=np.asarray(pos_weight), reduction=reduction
        )
        wanted = F.binary_cross_entropy_with_logits_with_grad(
            x, target, wide[0], pos_weight=wide[1], reduction=reduction
        )
        assert_same_bits(narrow, wanted, (shape, reduction))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["float", "int32", "int64"])
def test_hinge_takes_both_codings(backend: Backend, kind: str, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(4)
    x, bits = rng.standard_normal((30, 3)).astype(dtype), rng.integers(0, 2, (30, 3))
    kind = dtype if kind == "float" else kind
    zero_one, signs = bits.astype(kind), (2 * bits - 1).astype(kind)
    results = [F.hinge_loss_with_grad(x, t, reduction="none") for t in (zero_one, signs)]
    assert_same_bits(*results, kind)
    np.testing.assert_allclose(results[0][0], np.maximum(0, 1 - (2 * bits - 1) * x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "bad", "exception"),
    [
        ("hinge_loss", 2, ValueError),
        ("nll_loss", 3, IndexError),
        ("nll_loss", -1, IndexError),
        ("multi_margin_loss", 3, IndexError),
        ("multi_margin_loss", -(2**63), IndexError),
    ],
)
@pytest.mark.parametrize("row", [0, 4999])
def test_nothing_is_written_before_targets_are_checked(
    backend: Backend, name: str, bad: int, exception: type[Exception], row: int, dtype: str
) -> None:
    F = backend.functional
    shape = (5000,) if name == "hinge_loss" else (5000, 3)
    x, target = np.zeros(shape, dtype), np.zeros(5000, np.int64)
    target[row] = bad
    losses, grad = np.full(5000, 7, dtype), np.full(shape, 7, dtype)
    with pytest.raises(exception, match=rf"got {bad} at position \({row},\)"):
        getattr(F, name)(x, target, reduction="none", out=losses)
    with pytest.raises(exception, match=rf"got {bad} at position \({row},\)"):
        getattr(F, f"{name}_with_grad")(x, target, out=grad)
    assert (losses == 7).all()
    assert (grad == 7).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ignore_index", [-(2**63), -100, 0, 2, 3, 2**63 - 1])
def test_nll_ignores_what_it_is_told_to(backend: Backend, ignore_index: int, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(5)
    x, target = rng.standard_normal((4, 3)).astype(dtype), np.array([1, ignore_index, 1, ignore_index])
    x[1] = np.nan
    loss, grad = F.nll_loss_with_grad(x, target, ignore_index=ignore_index)
    kept, kept_grad = F.nll_loss_with_grad(x[::2], target[::2])
    assert loss == kept
    np.testing.assert_array_equal(grad[::2], kept_grad)
    np.testing.assert_array_equal(grad[1::2], 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nll_of_nothing(backend: Backend, dtype: str) -> None:
    """All ignored: the mean over nothing is NaN, the sum 0, and the gradient 0."""
    x, target = np.ones((3, 4), dtype), np.full(3, -100)
    for reduction, wanted in (("mean", np.nan), ("sum", 0.0)):
        loss, grad = backend.functional.nll_loss_with_grad(x, target, reduction=reduction)
        np.testing.assert_equal(float(loss), wanted)
        np.testing.assert_array_equal(grad, np.zeros((3, 4)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(6, 5), (5,), (2, 5, 3)])
def test_nll_after_log_softmax_is_cross_entropy(backend: Backend, shape: tuple[int, ...], dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(6)
    x, weight = rng.standard_normal(shape).astype(dtype), (rng.random(5) + 0.2).astype(dtype)
    axis = 0 if len(shape) == 1 else 1
    target = np.asarray(rng.integers(0, 5, shape[:1] + shape[2:] if axis else ()))
    log_p = F.log_softmax(x, axis)
    loss, grad = F.nll_loss_with_grad(log_p, target, weight)
    wanted, wanted_grad = F.cross_entropy_with_grad(x, target, weight)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(loss, wanted, rtol=16 * eps)
    np.testing.assert_allclose(F.log_softmax_backward(grad, log_p, axis), wanted_grad, atol=16 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_scores_are_not_lost(backend: Backend, dtype: str) -> None:
    """A margin that is NaN is not one that is kept."""
    F, bad = backend.functional, np.array([[np.nan, 0.0, 1.0]], dtype)
    for label in range(3):
        assert np.isnan(F.multi_margin_loss(bad, np.array([label])))
    assert np.isnan(F.hinge_loss(bad[0], np.array([1, 1, 1])))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [BCE, "mse_loss", "huber_loss"])
def test_grad_may_take_the_place_of_the_input(backend: Backend, name: str, dtype: str) -> None:
    function = getattr(backend.functional, f"{name}_with_grad")
    for position in (0, 1):
        arrays = arguments(name, (40, 33), dtype)
        wanted = function(*arrays, reduction="none")
        loss, grad = function(*arrays, reduction="none", out=arrays[position])
        assert grad is arrays[position]
        assert_same_bits((loss, grad), wanted, name)
