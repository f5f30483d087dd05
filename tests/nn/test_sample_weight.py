"""`sample_weight` of every loss: a weight is a number of copies, in the value and in the gradient."""

import numpy as np
import pytest

from fastnn import nn

CLASS_WEIGHT = np.array([1.0, 2.0, 3.0, 0.5])
COPIES = np.array([1, 3, 0, 2, 1, 2])
# Loss, kind of target.
CASES = [
    (nn.MSELoss, {}, "values"),
    (nn.L1Loss, {}, "values"),
    (nn.HuberLoss, {"delta": 0.4}, "values"),
    (nn.SmoothL1Loss, {"beta": 0.4}, "values"),
    (nn.HingeLoss, {}, "values"),
    (nn.BCEWithLogitsLoss, {"weight": CLASS_WEIGHT, "pos_weight": CLASS_WEIGHT}, "values"),
    (nn.MultiMarginLoss, {"weight": CLASS_WEIGHT}, "labels"),
    (nn.NLLLoss, {"weight": CLASS_WEIGHT, "ignore_index": 1}, "labels"),
    (nn.CrossEntropyLoss, {}, "labels"),
    (nn.CrossEntropyLoss, {"weight": CLASS_WEIGHT, "label_smoothing": 0.1, "ignore_index": 2}, "labels"),
    (nn.CrossEntropyLoss, {"weight": CLASS_WEIGHT}, "probabilities"),
]
IDS = [f"{kind.__name__}-{'-'.join(options)}-{target}" for kind, options, target in CASES]


def arguments(target, dtype=np.float64):
    """A prediction of shape (6, 4) and its target."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 4)).astype(dtype)
    if target == "labels":
        return x, np.array([0, 1, 2, 3, 1, 0])
    if target == "probabilities":
        return x, rng.dirichlet(np.ones(4), 6).astype(dtype)
    return x, rng.integers(2, size=(6, 4)).astype(dtype)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("kind", "options", "target"), CASES, ids=IDS)
def test_weights_are_copies(kind, options, target, reduction):
    x, y = arguments(target)
    loss = kind(**options, reduction=reduction)
    value = loss(x, y, sample_weight=COPIES)
    grad = loss.backward()
    rows = np.repeat(np.arange(6), COPIES)
    assert value == pytest.approx(loss(x[rows], y[rows]), rel=1e-12)
    expected = np.zeros_like(x)
    np.add.at(expected, rows, loss.backward())
    np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-15)
    assert loss.eval()(x, y, sample_weight=COPIES) == value
    assert loss.reduction == reduction


@pytest.mark.parametrize(("kind", "options", "target"), CASES, ids=IDS)
def test_single_losses_are_multiplied(kind, options, target):
    x, y = arguments(target, np.float32)
    loss = kind(
        **{k: v.astype(np.float32) if k.endswith("weight") else v for k, v in options.items()},
        reduction="none",
    )
    plain = loss(x, y)
    grad = loss.backward(np.ones_like(plain))
    weighted = loss(x, y, sample_weight=COPIES)
    assert weighted.dtype == np.float32
    by_row = COPIES.reshape(-1, *(1,) * (plain.ndim - 1))
    np.testing.assert_array_equal(weighted, plain * by_row.astype(np.float32))
    np.testing.assert_allclose(loss.backward(np.ones_like(plain)), grad * COPIES[:, np.newaxis], rtol=1e-6)


def test_positions_of_a_plane_share_the_weight_of_their_sample():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 3, 4, 5)), rng.integers(3, size=(2, 4, 5))
    y[0, 0] = -100
    loss = nn.CrossEntropyLoss()
    value, grad = loss(x, y, sample_weight=np.array([2, 1])), loss.backward()
    assert value == pytest.approx(loss(x[[0, 0, 1]], y[[0, 0, 1]]), rel=1e-12)
    copies = loss.backward()
    np.testing.assert_allclose(grad, np.stack([copies[0] + copies[1], copies[2]]), rtol=1e-12)


def test_nothing_counts_nothing_is_learned():
    x, y = arguments("labels")
    loss = nn.CrossEntropyLoss()
    assert loss(x, y, sample_weight=np.zeros(6)) == 0.0
    np.testing.assert_array_equal(loss.backward(), np.zeros_like(x))


@pytest.mark.parametrize(
    ("x", "weight", "error", "message"),
    [
        ((6, 4), np.ones(5), ValueError, r"\[MSELoss\] expected sample_weight of shape \(6,\).* got \(5,\)"),
        ((6, 4), np.ones((6, 1)), ValueError, r"shape \(6,\).* got \(6, 1\)"),
        ((6,), 2.0, ValueError, r"shape \(6,\).* got \(\)"),
        ((), 2.0, ValueError, r"shape \(N,\).* got \(\)"),
        ((2,), np.array(["a", "b"]), TypeError, r"sample_weight of numbers, got <U1"),
    ],
)
def test_errors(x, weight, error, message):
    loss = nn.MSELoss()
    with pytest.raises(error, match=message):
        loss(np.zeros(x), np.zeros(x), sample_weight=weight)
    assert loss.reduction == "mean"
