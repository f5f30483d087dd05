"""The dense layer: initial values, both passes, and what it keeps in between."""

from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from fastnn import nn


def layer_and_input(rng, shape=(5, 3), bias=True, dtype=np.float64):
    return nn.Linear(3, 2, bias=bias, dtype=dtype), rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_passes_are_those_of_functional(rng, shape, bias, dtype):
    layer, x = layer_and_input(rng, shape, bias, dtype)
    y = layer(x)
    np.testing.assert_array_equal(y, F.linear(x, layer.weight.data, layer.bias.data if bias else None))
    grad_output = rng.standard_normal(y.shape).astype(dtype)
    grads = F.linear_backward(grad_output, x, layer.weight.data)
    np.testing.assert_array_equal(layer.backward(grad_output), grads[0])
    np.testing.assert_array_equal(layer.weight.grad, grads[1])
    if bias:
        np.testing.assert_array_equal(layer.bias.grad, grads[2])
    else:
        assert layer.bias is None


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_add_up_and_start_again(rng, bias):
    layer, x = layer_and_input(rng, bias=bias)
    grad_output = rng.standard_normal((5, 2))
    layer(x)
    layer.backward(grad_output)
    once = [p.grad.copy() for p in layer.parameters()]
    layer(x)
    layer.backward(grad_output)
    for parameter, grad in zip(layer.parameters(), once, strict=True):
        np.testing.assert_allclose(parameter.grad, 2.0 * grad, rtol=1e-14)
    memory = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    assert layer.weight.grad is None
    layer(x)
    layer.backward(grad_output)
    for parameter, grad, array in zip(layer.parameters(), once, memory, strict=True):
        np.testing.assert_array_equal(parameter.grad, grad)
        assert parameter.grad is array


@pytest.mark.parametrize("cleared", ["weight", "bias"])
def test_one_gradient_cleared_alone(rng, cleared):
    layer, x = layer_and_input(rng)
    grad_output = rng.standard_normal((5, 2))
    layer(x)
    layer.backward(grad_output)
    once = {name: p.grad.copy() for name, p in layer.named_parameters()}
    getattr(layer, cleared).zero_grad()
    layer(x)
    layer.backward(grad_output)
    for name, parameter in layer.named_parameters():
        factor = 1.0 if name == cleared else 2.0
        np.testing.assert_allclose(parameter.grad, factor * once[name], rtol=1e-14)


def test_an_assigned_gradient_is_added_to(rng):
    layer, x = layer_and_input(rng)
    layer(x)
    layer.backward(np.ones((5, 2)))
    once = layer.weight.grad.copy()
    layer.weight.grad, layer.bias.grad = np.ones((2, 3)), np.ones(2)
    layer(x)
    layer.backward(np.ones((5, 2)))
    np.testing.assert_allclose(layer.weight.grad, 1.0 + once, rtol=1e-14)
    np.testing.assert_array_equal(layer.bias.grad, [6.0, 6.0])
    assigned = layer.weight.grad
    before = assigned.copy()
    layer.zero_grad()
    layer(x)
    layer.backward(np.ones((5, 2)))
    np.testing.assert_array_equal(assigned, before)  # a user's array is no memory to write into


def test_backward_parameters_leaves_out_grad_x_only(rng):
    layer, x = layer_and_input(rng)
    layer(x)
    layer.backward(np.ones((5, 2)))
    once = layer.weight.grad.copy(), layer.bias.grad.copy()
    layer.zero_grad()
    layer(x)
    assert layer.backward_parameters(np.ones((5, 2))) is None
    np.testing.assert_array_equal(layer.weight.grad, once[0])
    np.testing.assert_array_equal(layer.bias.grad, once[1])


@pytest.mark.parametrize("bias", [True, False])
def test_kernels_are_asked_for_what_is_needed_only(rng, bias, monkeypatch):
    layer, x = layer_and_input(rng, bias=bias)
    asked = []

    def linear_backward(grad_output, x, weight, needs, accumulate, out):
        asked.append(needs)
        return fastnn._core.linear_backward(grad_output, x, weight, needs, accumulate, out)

    layer(x)
    monkeypatch.setattr(
        "fastnn.nn.linear.kernels_for", lambda *_: SimpleNamespace(linear_backward=linear_backward)
    )
    layer.backward_parameters(np.ones((5, 2)))
    assert asked == [(False, True, bias)]


def test_backward_needs_a_forward_in_training_mode(rng):
    layer, x = layer_and_input(rng)
    grad_output = np.ones((5, 2))
    words = r"\[Linear.backward\] expected a forward in training mode before each backward"
    with pytest.raises(RuntimeError, match=words):
        layer.backward(grad_output)
    layer(x)
    layer.backward(grad_output)
    with pytest.raises(RuntimeError, match=words):
        layer.backward(grad_output)
    layer(x)
    layer.eval()(x)
    with pytest.raises(RuntimeError, match=words):
        layer.backward_parameters(grad_output)


def test_a_backward_that_fails_changes_nothing(rng):
    layer, x = layer_and_input(rng)
    layer(x)
    with pytest.raises(ValueError, match="expected grad_output of shape"):
        layer.backward(np.ones((5, 3)))
    assert layer.weight.grad is None
    assert layer.backward(np.ones((5, 2))).shape == (5, 3)


def test_dtypes_do_not_mix(rng):
    layer, x = layer_and_input(rng, dtype=np.float32)
    with pytest.raises(TypeError, match=r"\[linear\] expected weight of dtype float64.*float32"):
        layer(x.astype(np.float64))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0, 2), ValueError, r"\[Linear\] expected in_features >= 1, got 0"),
        ((3, -1), ValueError, r"\[Linear\] expected out_features >= 1, got -1"),
        ((3.0, 2), TypeError, r"\[Linear\] expected in_features to be an int, got 3.0 \(float\)"),
        ((3, True), TypeError, r"\[Linear\] expected out_features to be an int, got True"),
        ((3, 2, True, np.int32), TypeError, "expected data of dtype float32 or float64, got int32"),
    ],
)
def test_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        nn.Linear(*arguments)


def test_initial_values():
    fastnn.manual_seed(1)
    layer = nn.Linear(400, 300)
    bound = 1 / np.sqrt(400)
    for values in (layer.weight.data, layer.bias.data):
        assert values.dtype == np.float32
        assert bound * 0.98 < np.abs(values).max() <= bound * (1 + 1e-7)
        assert abs(values.mean()) < 0.1 * bound
    # the variance of the uniform distribution is bound^2 / 3
    np.testing.assert_allclose(layer.weight.data.std(), bound / np.sqrt(3), rtol=0.01)


def test_seed_fixes_values_whatever_the_dtype():
    fastnn.manual_seed(5)
    single = nn.Linear(7, 4)
    fastnn.manual_seed(5)
    double = nn.Linear(7, 4, dtype=np.float64)
    np.testing.assert_array_equal(single.weight.data, double.weight.data.astype(np.float32))
    np.testing.assert_array_equal(single.bias.data, double.bias.data.astype(np.float32))
    assert (nn.Linear(7, 4, dtype=np.float64).weight.data != double.weight.data).all()
