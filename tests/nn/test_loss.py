"""Losses as modules: values, gradients, and what is kept from one to the other."""

import numpy as np
import pytest

import fastnn.functional as F
from fastnn import nn
from tests.reference import cross_entropy as reference
from tests.reference import loss as loss_reference

BCE = "binary_cross_entropy_with_logits"
# Class, options, function.
LOSSES = [
    (nn.MSELoss, {}, "mse_loss"),
    (nn.L1Loss, {}, "l1_loss"),
    (nn.HuberLoss, {"delta": 0.4}, "huber_loss"),
    (nn.SmoothL1Loss, {"beta": 0.4}, "smooth_l1_loss"),
    (nn.HingeLoss, {}, "hinge_loss"),
    (nn.BCEWithLogitsLoss, {"weight": np.array([1.0, 2, 3, 4]), "pos_weight": np.full(4, 0.7)}, BCE),
    (nn.NLLLoss, {"weight": np.array([1.0, 2, 3, 4]), "ignore_index": 2}, "nll_loss"),
    (nn.MultiMarginLoss, {"p": 2, "margin": 0.5, "weight": np.array([1.0, 2, 3, 4])}, "multi_margin_loss"),
]
KINDS = pytest.mark.parametrize(("kind", "options", "name"), LOSSES, ids=[name for *_, name in LOSSES])


def arguments(rng, name):
    """A prediction of shape (6, 4) and its target."""
    labelled = name in ("nll_loss", "multi_margin_loss")
    target = rng.integers(4, size=6) if labelled else rng.integers(2, size=(6, 4)).astype(np.float64)
    return rng.standard_normal((6, 4)), target


def wanted_of(name, x, target, **options):
    if name in loss_reference.POINTWISE:
        return loss_reference.pointwise(name, x, target, **options)
    return getattr(loss_reference, name)(x, target, **options)


@KINDS
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_every_loss_is_its_function(rng, kind, options, name, reduction):
    """Value and gradient in training mode, the value alone in evaluation; a float where it is a number."""
    x, target = arguments(rng, name)
    loss = kind(**options, reduction=reduction)
    wanted, grad = wanted_of(name, x, target, **options, reduction=reduction)
    value = loss(x, target)
    assert (type(value) is float) == (reduction != "none")
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    grad_output = np.ones(np.shape(value)) if reduction == "none" else None
    np.testing.assert_allclose(loss.backward(grad_output), grad, rtol=1e-11, atol=1e-14)
    np.testing.assert_array_equal(loss.eval()(x, target), value)
    with pytest.raises(RuntimeError, match=rf"\[{kind.__name__}.backward\] expected a forward in training"):
        loss.backward()


@KINDS
def test_grad_output_scales_every_loss(rng, kind, options, name):
    x, target = arguments(rng, name)
    loss, summed = kind(**options, reduction="none"), kind(**options, reduction="sum")
    scale = rng.standard_normal(loss(x, target).shape)
    summed(x, target)
    spread = scale if scale.ndim == 2 else scale[:, np.newaxis]
    np.testing.assert_allclose(loss.backward(scale), summed.backward() * spread, rtol=1e-13, atol=1e-15)
    loss(x, target)
    words = rf"\[{kind.__name__}.backward\] expected grad_output of shape"
    with pytest.raises(ValueError, match=words):
        loss.backward(np.ones((6, 1)))
    with pytest.raises(ValueError, match=words):
        loss.backward()


@KINDS
def test_weights_of_every_loss_are_buffers(kind, options, name):
    weights = [key for key, value in options.items() if isinstance(value, np.ndarray)]
    assert list(kind(**options).state_dict()) == weights
    assert list(kind(**options).parameters()) == []
    assert kind().state_dict() == {}


@KINDS
def test_every_loss_refuses_options(kind, options, name):
    with pytest.raises(ValueError, match=rf"\[{kind.__name__}\] expected reduction to be .* got 'avg'"):
        kind(reduction="avg")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.HuberLoss(delta=0.0), ValueError, r"\[HuberLoss\] expected delta > 0, got 0.0"),
        (lambda: nn.HuberLoss(delta="1"), TypeError, r"\[HuberLoss\] expected delta to be a number, got '1'"),
        (lambda: nn.SmoothL1Loss(beta=-1.0), ValueError, r"\[SmoothL1Loss\] expected beta .* >= 0, got -1.0"),
        (lambda: nn.NLLLoss(ignore_index=True), TypeError, r"\[NLLLoss\] expected ignore_index to be an int"),
        (lambda: nn.MultiMarginLoss(p=3), ValueError, r"\[MultiMarginLoss\] expected p to be 1 or 2, got 3"),
        (lambda: nn.MultiMarginLoss(margin=np.inf), ValueError, r"expected margin to be finite, got inf"),
        (lambda: nn.BCEWithLogitsLoss(2.0), TypeError, "expected weight to be a numpy.ndarray, got float"),
    ],
)
def test_refuses_numbers(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.fixture
def problem(rng):
    return rng.standard_normal((6, 4)), np.array([0, 3, 2, 1, 1, 0]), np.array([0.5, 1.0, 2.0, 4.0])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_floats(problem, reduction, dtype):
    logits, target, _ = problem
    loss = nn.CrossEntropyLoss(reduction=reduction)
    value = loss(logits.astype(dtype), target)
    assert type(value) is float
    assert type(loss.eval()(logits.astype(dtype), target)) is float
    scalar = F.cross_entropy(logits.astype(dtype), target, reduction=reduction)
    assert type(scalar) is dtype
    assert scalar == dtype(value)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_options_reach_the_kernel(problem, reduction):
    logits, target, weight = problem
    options = {"ignore_index": 2, "reduction": reduction, "label_smoothing": 0.2}
    loss = nn.CrossEntropyLoss(weight, **options)
    wanted, grad = reference.forward_backward(logits, target, weight, **options)
    np.testing.assert_allclose(loss(logits, target), wanted, rtol=1e-12)
    grad_output = np.ones(6) if reduction == "none" else None
    np.testing.assert_allclose(loss.backward(grad_output), grad, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(loss.eval()(logits, target), wanted, rtol=1e-12)


def test_options_can_be_changed(problem):
    logits, target, _ = problem
    loss = nn.CrossEntropyLoss()
    before = loss(logits, target)
    loss.label_smoothing = 0.5
    assert loss(logits, target) == nn.CrossEntropyLoss(label_smoothing=0.5)(logits, target) != before


def test_grad_output_scales(problem):
    logits, target, _ = problem
    loss = nn.CrossEntropyLoss()
    loss(logits, target)
    once = loss.backward()
    loss(logits, target)
    np.testing.assert_allclose(loss.backward(3.0), 3.0 * once, rtol=1e-15)


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3), (4,)])
def test_grad_output_of_none_scales_each_position(rng, shape):
    logits = rng.standard_normal(shape)
    positions = shape[:1] + shape[2:] if len(shape) > 1 else ()
    target = rng.integers(4, size=positions)
    loss, summed = nn.CrossEntropyLoss(reduction="none"), nn.CrossEntropyLoss(reduction="sum")
    assert loss(logits, np.asarray(target)).shape == positions
    scale = rng.standard_normal(positions)
    grad = loss.backward(scale)
    summed(logits, np.asarray(target))
    spread = np.expand_dims(scale, 1) if positions else scale
    np.testing.assert_allclose(grad, summed.backward() * spread, rtol=1e-14)


@pytest.mark.parametrize("grad_output", [None, np.ones(5), np.ones((6, 1)), 1.0])
def test_none_needs_a_grad_output_of_its_shape(problem, grad_output):
    logits, target, _ = problem
    loss = nn.CrossEntropyLoss(reduction="none")
    loss(logits, target)
    with pytest.raises(ValueError, match=r"expected grad_output of shape \(6,\), as the losses, got"):
        loss.backward(grad_output)


def test_mean_takes_a_number_only(problem):
    logits, target, _ = problem
    loss = nn.CrossEntropyLoss()
    loss(logits, target)
    with pytest.raises(ValueError, match=r"expected grad_output of shape \(\)"):
        loss.backward(np.ones(6))


def test_one_training_call_serves_one_backward(problem):
    logits, target, _ = problem
    loss = nn.CrossEntropyLoss()
    words = r"\[CrossEntropyLoss.backward\] expected a forward in training mode"
    with pytest.raises(RuntimeError, match=words):
        loss.backward()
    loss(logits, target)
    loss.backward()
    with pytest.raises(RuntimeError, match=words):
        loss.backward()
    loss(logits, target)
    loss.eval()(logits, target)
    with pytest.raises(RuntimeError, match=words):
        loss.backward()


def test_weight_is_a_buffer(problem):
    weight = problem[2]
    assert list(nn.CrossEntropyLoss(weight).state_dict()) == ["weight"]
    assert nn.CrossEntropyLoss().state_dict() == {}
    assert list(nn.CrossEntropyLoss(weight).parameters()) == []


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"reduction": "avg"}, ValueError, r'expected reduction to be "none", "mean" or "sum", got \'avg\''),
        ({"label_smoothing": 1.5}, ValueError, r"expected label_smoothing in \[0, 1\], got 1.5"),
        ({"label_smoothing": "x"}, TypeError, "expected label_smoothing to be a number, got 'x'"),
        ({"ignore_index": 0.5}, TypeError, "expected ignore_index to be an int, got 0.5"),
        ({"ignore_index": True}, TypeError, "expected ignore_index to be an int, got True"),
        ({"weight": [1.0, 2.0]}, TypeError, "expected weight to be a numpy.ndarray, got list"),
    ],
)
def test_refuses_options(options, error, words):
    nn.CrossEntropyLoss(ignore_index=1)  # equal to True, but not the same
    with pytest.raises(error, match=words):
        nn.CrossEntropyLoss(**options)


def test_functional_refuses_options(problem):
    logits, target, _ = problem
    for function in (F.cross_entropy, F.cross_entropy_with_grad):
        with pytest.raises(ValueError, match=rf"\[{function.__name__}\] expected reduction"):
            function(logits, target, reduction="avg")
        with pytest.raises(
            TypeError, match=rf"\[{function.__name__}\] expected logits to be a numpy.ndarray"
        ):
            function([[1.0]], target)
