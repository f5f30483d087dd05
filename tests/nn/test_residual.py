"""Residual: two ways, their sum, and the gradients through both."""

import numpy as np
import pytest

import fastnn
from fastnn import nn


def linear(i, o):
    return nn.Linear(i, o, dtype=np.float64)


@pytest.fixture
def block():
    fastnn.manual_seed(5)
    return nn.Residual(linear(4, 6), nn.ReLU(), linear(6, 3), shortcut=linear(4, 3))


def test_adds_the_two_ways(block, rng):
    x = rng.standard_normal((7, 4))
    np.testing.assert_array_equal(block(x), block.body(x) + block.shortcut(x))
    plain = nn.Residual(nn.ReLU())
    np.testing.assert_array_equal(plain(x), np.maximum(x, 0) + x)


def test_gradients_by_central_differences(block, rng):
    x, grad_output = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    block(x)
    grad_x = block.backward(grad_output)
    block.eval()
    for array, grad in [(x, grad_x), *((p.data, p.grad) for p in block.parameters())]:
        wanted = np.empty_like(array)
        for at in np.ndindex(array.shape):
            value = array[at]
            array[at] = value + 1e-5
            up = (block(x) * grad_output).sum()
            array[at] = value - 1e-5
            wanted[at] = (up - (block(x) * grad_output).sum()) / 2e-5
            array[at] = value
        np.testing.assert_allclose(grad, wanted, rtol=1e-6, atol=1e-8)


def test_leaves_its_inputs_alone(rng):
    """Flatten gives a view of x, and without a shortcut x itself is added to it."""
    x = rng.standard_normal((3, 4))
    before = x.copy()
    block = nn.Residual(nn.Flatten())
    np.testing.assert_array_equal(block(x), 2 * x)
    grad_output = x.copy()
    np.testing.assert_array_equal(block.backward(grad_output), 2 * x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(grad_output, before)


def test_backward_parameters_gives_the_same_gradients(block, rng):
    x, grad_output = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    block(x)
    block.backward(grad_output)
    wanted = [p.grad.copy() for p in block.parameters()]
    block.zero_grad()
    model = nn.Sequential(nn.Flatten(), block)
    model(x)
    model.backward_parameters(grad_output)
    for parameter, grad in zip(block.parameters(), wanted, strict=True):
        np.testing.assert_array_equal(parameter.grad, grad)


def test_names_and_modes(block):
    assert list(block.state_dict()) == [
        "body.0.weight",
        "body.0.bias",
        "body.2.weight",
        "body.2.bias",
        "shortcut.weight",
        "shortcut.bias",
    ]
    assert not any(module.training for module in block.eval().modules())


def test_refuses(rng):
    with pytest.raises(ValueError, match="expected at least one module for the body"):
        nn.Residual()
    with pytest.raises(TypeError, match="expected shortcut to be a module, got int"):
        nn.Residual(nn.ReLU(), shortcut=3)
    with pytest.raises(TypeError, match="expected modules, got type"):
        nn.Residual(nn.ReLU)
    relu = nn.ReLU()
    with pytest.raises(ValueError, match="expected each module in one place, got the same ReLU"):
        nn.Residual(relu, shortcut=nn.Sequential(relu))
    with pytest.raises(ValueError, match=r"to give one shape, got \(2, 3\) and \(2, 4\)"):
        nn.Residual(linear(4, 3))(rng.standard_normal((2, 4)))
