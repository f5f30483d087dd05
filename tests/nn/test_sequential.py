"""Sequential: a list of layers, with the same bits whether neighbours are fused or not."""

from itertools import pairwise

import numpy as np
import pytest

import fastnn
from fastnn import nn


class PlainLinear(nn.Linear):
    """Not fused: it has a forward of its own, whatever that does."""

    def forward(self, x):
        return super().forward(x)


def mlp(kind=nn.Linear, dtype=np.float64, sizes=(6, 7, 5, 3)):
    fastnn.manual_seed(11)
    model = nn.Sequential()
    for i, o in pairwise(sizes):
        model.append(kind(i, o, dtype=dtype)).append(nn.ReLU())
    return model[:-1]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fused_is_unfused_bit_for_bit(rng, dtype, training):
    sizes = (33, 70, 17, 10)
    fused, plain = (
        mlp(dtype=dtype, sizes=sizes).train(training),
        mlp(PlainLinear, dtype, sizes).train(training),
    )
    x = rng.standard_normal((21, 33)).astype(dtype)
    y = fused(x)
    np.testing.assert_array_equal(y, plain(x))
    assert len(fused._forward_calls) == 3
    assert len(plain._forward_calls) == 5
    if training:
        grad_output = rng.standard_normal(y.shape).astype(dtype)
        np.testing.assert_array_equal(fused.backward(grad_output), plain.backward(grad_output))
        for a, b in zip(fused.parameters(), plain.parameters(), strict=True):
            np.testing.assert_array_equal(a.grad, b.grad)


class PlainNorm(nn.BatchNorm2d):
    """Only its forward is its own, so the rectifier of neither direction can be fused."""

    def forward(self, x):
        return super().forward(x) - 0.25


class ShiftedNorm(PlainNorm):
    """A forward_relu of its own, but the backward of another forward."""

    def forward_relu(self, x):
        return np.maximum(self.forward(x), 0)

    forward = PlainNorm.forward


@pytest.mark.parametrize(("kind", "calls"), [(nn.BatchNorm2d, 2), (PlainNorm, 3), (ShiftedNorm, 3)])
@pytest.mark.parametrize("wanted", ["backward", "backward_parameters"])
def test_norm_and_relu_are_one_backward_with_the_same_bits(rng, kind, calls, wanted):
    fastnn.manual_seed(4)
    layers = [nn.Conv2d(2, 5, 3), kind(5), nn.ReLU()]
    model = nn.Sequential(*layers)
    assert len(model._backward_calls) == calls
    x, g = (rng.standard_normal(shape).astype(np.float32) for shape in ((4, 2, 9, 8), (4, 5, 7, 6)))
    y = x
    for layer in layers:
        y = layer(y)
    grad = g
    for layer in reversed(layers):
        grad = layer.backward(grad)
    grads = [parameter.grad.copy() for parameter in model.parameters()]
    model.zero_grad()
    np.testing.assert_array_equal(model(x), y)
    result = getattr(model, wanted)(g)
    if wanted == "backward":
        np.testing.assert_array_equal(result, grad)
    for parameter, expected in zip(model.parameters(), grads, strict=True):
        np.testing.assert_array_equal(parameter.grad, expected)


def test_fused_backward_uses_up_what_the_relu_keeps(rng):
    model = nn.Sequential(nn.BatchNorm1d(3), nn.ReLU())
    x = rng.standard_normal((6, 3)).astype(np.float32)
    grad_x = model.backward(model(x))
    with pytest.raises(RuntimeError, match=r"\[ReLU.backward\] expected a forward in training mode"):
        model.backward(x)
    y = model(x)  # layer by layer works as well
    np.testing.assert_array_equal(model[0].backward(model[1].backward(y)), grad_x)


def test_fused_keeps_nan_as_unfused(rng):
    x = rng.standard_normal((4, 6))
    x[1, 2] = np.nan
    y = mlp()[:2](x)
    assert np.isnan(y[1]).all()
    assert not np.isnan(y[[0, 2, 3]]).any()


def test_gradient_by_central_differences(rng):
    model, loss = mlp(), nn.CrossEntropyLoss()
    x, target = rng.standard_normal((8, 6)), rng.integers(3, size=8)
    loss(model(x), target)
    grad_x = model.backward(loss.backward())
    grads = [(x, grad_x), *((p.data, p.grad) for p in model.parameters())]
    model.eval()
    loss.eval()
    for array, grad in grads:
        wanted = np.empty_like(array)
        for at in np.ndindex(array.shape):
            value = array[at]
            array[at] = value + 1e-5
            up = loss(model(x), target)
            array[at] = value - 1e-5
            wanted[at] = (up - loss(model(x), target)) / 2e-5
            array[at] = value
        np.testing.assert_allclose(grad, wanted, rtol=1e-6, atol=1e-8)


def test_forward_is_the_formula(rng):
    model, x = mlp(), rng.standard_normal((8, 6))
    hidden = x
    for layer in model:
        if isinstance(layer, nn.Linear):
            hidden = hidden @ layer.weight.data.T + layer.bias.data
        else:
            hidden = np.maximum(hidden, 0.0)
    np.testing.assert_allclose(model(x), hidden, rtol=1e-12)


def test_backward_parameters_gives_the_same_gradients(rng):
    for front in ([], [nn.Flatten(), nn.Dropout(0.0)]):
        model = nn.Sequential(*front, *mlp())
        x = rng.standard_normal((8, 6))
        model(x)
        model.backward(np.ones((8, 3)))
        wanted = [p.grad.copy() for p in model.parameters()]
        model.zero_grad()
        model(x)
        assert model.backward_parameters(np.ones((8, 3))) is None
        for parameter, grad in zip(model.parameters(), wanted, strict=True):
            np.testing.assert_array_equal(parameter.grad, grad)


def test_backward_parameters_asks_the_first_layer_for_no_gradient(rng):
    class First(PlainLinear):
        def backward(self, grad_output):
            raise AssertionError("grad_x was asked for")

    model = nn.Sequential(nn.Flatten(), First(6, 4, dtype=np.float64), nn.ReLU())
    model(rng.standard_normal((8, 6)))
    model.backward_parameters(np.ones((8, 4)))
    assert model[1].weight.grad is not None


def test_backward_parameters_reaches_users_layers_and_nested_ones(rng):
    model = nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(6, 4, dtype=np.float64)), nn.ReLU()))
    model(rng.standard_normal((8, 6)))
    model.backward_parameters(np.ones((8, 4)))
    assert all(p.grad is not None for p in model.parameters())


def test_layers_without_parameters_only(rng):
    model, x = nn.Sequential(nn.Flatten(), nn.ReLU()), rng.standard_normal((2, 3, 4))
    model(x)
    assert model.backward_parameters(np.ones((2, 12))) is None
    model(x)
    assert model.backward(np.ones((2, 12))).shape == (2, 3, 4)


def test_empty_is_the_identity(rng):
    x = rng.standard_normal((2, 3))
    assert nn.Sequential()(x) is x
    assert nn.Sequential().backward(x) is x


def test_backward_before_forward():
    with pytest.raises(RuntimeError, match="expected a forward in training mode"):
        mlp().backward(np.ones((8, 3)))


def test_shared_parameter_gets_both_gradients(rng):
    model = nn.Sequential(nn.Linear(4, 4, dtype=np.float64), nn.Linear(4, 4, dtype=np.float64))
    model[1].weight = model[0].weight
    x, grad_output = rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
    model(x)
    model.backward(grad_output)
    weight = model[0].weight.data
    hidden = x @ weight.T + model[0].bias.data
    grad_hidden = grad_output @ weight
    np.testing.assert_allclose(model[0].weight.grad, grad_output.T @ hidden + grad_hidden.T @ x, rtol=1e-12)


def test_a_list_of_layers():
    layers = [nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert list(model) == layers
    assert model[-1] is layers[2]
    assert list(model[1:]) == layers[1:]
    assert list(model[1:].state_dict()) == ["2.weight", "2.bias"]  # torch keeps the names, too
    assert list(model[1:].append(nn.ReLU()).named_children())[-1][0] == "3"
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    with pytest.raises(IndexError, match=r"\[Sequential\] expected index in \[-3, 3\), got 3"):
        model[3]


def test_names():
    model = nn.Sequential({"fc": nn.Linear(3, 4), "act": nn.ReLU()})
    assert list(model.state_dict()) == ["fc.weight", "fc.bias"]
    assert model.fc is model[0]
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'fd'"):
        _ = model.fd


def test_replacing_a_layer(rng):
    model, x = mlp(), rng.standard_normal((8, 6))
    model(x)
    model[1] = nn.Flatten()
    layer = model[0]
    np.testing.assert_array_equal(model[:2](x), layer(x))
    assert model._forward_calls[1][0] is model[1]
    assert model(x).shape == (8, 3)


@pytest.mark.parametrize(
    ("modules", "error", "words"),
    [
        ((nn.ReLU, nn.ReLU), TypeError, "expected modules, got type as '0'"),
        ((3,), TypeError, "expected modules, got int"),
        (({"a.b": nn.ReLU()},), ValueError, "without dots"),
        (({"": nn.ReLU()},), ValueError, "got ''"),
        (({"forward": nn.ReLU()},), ValueError, "got 'forward'"),
        (({1: nn.ReLU()},), ValueError, "got 1"),
    ],
)
def test_refuses(modules, error, words):
    with pytest.raises(error, match=words):
        nn.Sequential(*modules)


def test_refuses_a_layer_in_two_places():
    relu = nn.ReLU()
    words = "expected each module in one place, got the same ReLU again as '1'"
    with pytest.raises(ValueError, match=words):
        nn.Sequential(relu, relu)
    with pytest.raises(ValueError, match=words):
        nn.Sequential(nn.Sequential(relu), nn.Sequential(relu))
    model = nn.Sequential(relu, nn.ReLU())
    with pytest.raises(ValueError, match=words):
        model[1] = relu
    model[0] = relu  # the same place
    assert len(model) == 2
