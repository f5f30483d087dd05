"""BatchNorm2d, ReLU and MaxPool2d that Sequential runs as one: the bits of the layers one after the other."""

import numpy as np
import pytest

import fastnn
from fastnn import nn

WINDOWS = {
    "2x2": {"kernel_size": 2},
    "2x2, odd end": {"kernel_size": 2, "padding": 1},
    "3x3, stride 2": {"kernel_size": 3, "stride": 2, "padding": 1},
    "3x3, stride 1": {"kernel_size": 3, "stride": 1},
    "ceil_mode": {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    "dilation": {"kernel_size": 2, "stride": 3, "dilation": 2},
    "indices": {"kernel_size": (3, 100), "padding": (0, 49)},  # places that no byte holds
}
SHAPES = {
    "planes": (3, 4, 14, 30),
    "odd": (2, 3, 9, 7),
    "columns": (5, 3, 3, 3),
    "parts of a channel": (130, 2, 32, 36),
    "large planes": (2, 2, 130, 131),
}


def layers(channels, window, dtype=np.float32):
    """The three, with some of every channel below zero, behind a layer with parameters."""
    rng = np.random.default_rng(5)
    norm = nn.BatchNorm2d(channels, dtype=dtype)
    norm.weight.data[...] = rng.uniform(-1.5, 1.5, channels)
    norm.bias.data[...] = rng.standard_normal(channels)
    return [nn.Conv2d(channels, channels, 1, dtype=dtype), norm, nn.ReLU(), nn.MaxPool2d(**window)]


def one_by_one(chain, x, grad_output):
    y = x
    for layer in chain:
        y = layer(y)
    grad = grad_output(y)
    for layer in reversed(chain):
        grad = layer.backward(grad)
    return y, grad


def assert_same_state(a, b):
    for name, values in a.state_dict().items():
        np.testing.assert_array_equal(values, b.state_dict()[name], err_msg=name)
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad, q.grad)


def grads_like(y):
    return np.random.default_rng(6).standard_normal(y.shape).astype(y.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_a_step_has_the_bits_of_the_layers(rng, window, shape, dtype):
    if shape == SHAPES["columns"] and window is WINDOWS["dilation"]:
        window = {"kernel_size": 2, "dilation": 2}
    x = rng.standard_normal(shape).astype(dtype)
    plain, fused = (nn.Sequential(*layers(shape[1], window, dtype)) for _ in range(2))
    assert len(fused._forward_calls) == len(fused._backward_calls) == 2
    fused.load_state_dict(plain.state_dict())
    y, grad_x = one_by_one(list(plain), x, grads_like)
    np.testing.assert_array_equal(fused(x), y)
    np.testing.assert_array_equal(fused.backward(grads_like(y)), grad_x)
    assert_same_state(fused, plain)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_evaluation_has_the_bits_of_the_layers(rng, shape):
    model = nn.Sequential(*layers(shape[1], {"kernel_size": 2}))
    model(rng.standard_normal(shape).astype(np.float32))
    model.eval()
    x = rng.standard_normal(shape).astype(np.float32)
    y = x
    for layer in model:
        y = layer(y)
    np.testing.assert_array_equal(model(x), y)
    with pytest.raises(RuntimeError, match="expected a forward in training mode"):
        model.backward(y)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_bits_do_not_depend_on_threads(rng, threads):
    x = rng.standard_normal((40, 5, 28, 28)).astype(np.float32)
    results = []
    for count in (1, threads):
        fastnn.set_num_threads(count)
        fastnn.manual_seed(2)
        model = nn.Sequential(*layers(5, {"kernel_size": 3, "stride": 2}))
        y = model(x)
        results.append((y, model.backward(grads_like(y)), model[1].weight.grad))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_strided_and_special_values(rng):
    x = rng.standard_normal((28, 14, 3, 4)).astype(np.float32).transpose(3, 2, 1, 0)
    x[0, 0, 3, 5] = np.inf
    x[1, 1, 2, 2] = np.nan
    plain, fused = (nn.Sequential(*layers(3, {"kernel_size": 2})) for _ in range(2))
    fused.load_state_dict(plain.state_dict())
    chains = [list(plain)[1:], list(fused)[1:]]
    y, grad_x = one_by_one(chains[0], x, grads_like)
    norm, _, pool = chains[1]
    np.testing.assert_array_equal(norm.forward_relu_max_pool(x, pool), y)
    np.testing.assert_array_equal(norm.backward_relu_max_pool(grads_like(y), pool), grad_x)
    assert np.isnan(y[:, :2]).any()
    assert np.isfinite(y[:, 2]).all()


def test_an_empty_batch():
    model = nn.Sequential(*layers(3, {"kernel_size": 2}))
    x = np.empty((0, 3, 6, 6), np.float32)
    assert model(x).shape == (0, 3, 3, 3)
    assert model.backward(np.empty((0, 3, 3, 3), np.float32)).shape == x.shape
    assert not model[1].weight.grad.any()


def test_gradients_are_added_up_without_grad_x(rng):
    x = rng.standard_normal((4, 3, 8, 8)).astype(np.float32)
    model = nn.Sequential(*layers(3, {"kernel_size": 2}))
    g = grads_like(model(x))
    model.backward_parameters(g)
    once = [p.grad.copy() for p in model.parameters()]
    model(x)
    model.backward_parameters(g)
    for parameter, grad in zip(model.parameters(), once, strict=True):
        np.testing.assert_allclose(parameter.grad, 2 * grad, rtol=1e-6)


def test_what_lies_between_is_not_kept(rng):
    x = rng.standard_normal((4, 3, 8, 8)).astype(np.float32)
    model = nn.Sequential(*layers(3, {"kernel_size": 2}))
    _, relu, pool = list(model)[1:]
    one_by_one(list(model), x, grads_like)
    relu(x)  # kept by the rectifier, and no longer after a step of the model
    y = model(x)
    with pytest.raises(RuntimeError, match=r"\[ReLU.backward\] expected a forward in training mode"):
        relu.backward(pool.backward(grads_like(y)))


def test_pooling_in_evaluation_has_no_backward(rng):
    model = nn.Sequential(*layers(3, {"kernel_size": 2}))
    model[3].eval()
    y = model(rng.standard_normal((4, 3, 8, 8)).astype(np.float32))
    with pytest.raises(RuntimeError, match=r"\[MaxPool2d.backward\] expected a forward in training mode"):
        model.backward(y)


def test_windows_that_do_not_fit_change_nothing(rng):
    model = nn.Sequential(*layers(3, {"kernel_size": 9}))
    before = {name: values.copy() for name, values in model.state_dict().items()}
    with pytest.raises(
        ValueError, match=r"\[batch_norm_max_pool2d\] expected a window of 9 cells to fit into 8 cells"
    ):
        model(rng.standard_normal((4, 3, 8, 8)).astype(np.float32))
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, before[name])


@pytest.mark.parametrize(("shape", "shown"), [((4, 3, 3, 4), r"\(4, 3, 4, 4\)"), ((4, 3), r"\(4, 3, 4, 4\)")])
def test_a_gradient_of_another_shape(rng, shape, shown):
    model = nn.Sequential(*layers(3, {"kernel_size": 2}))
    model(rng.standard_normal((4, 3, 8, 8)).astype(np.float32))
    with pytest.raises(
        ValueError, match=rf"\[batch_norm_max_pool2d_backward\] expected grad_output of shape {shown}"
    ):
        model.backward(np.zeros(shape, np.float32))


class OwnForward(nn.BatchNorm2d):
    """What it computes is its own affair, so nothing behind it runs in its kernel."""

    def forward(self, x):
        return super().forward(x) + 1


class OwnPool(nn.MaxPool2d):
    """Likewise."""

    def forward(self, x):
        return super().forward(x) + 1


@pytest.mark.parametrize(
    ("chain", "calls"),
    [
        ([nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)], 2),  # backward_parameters asks it for no grad_x
        ([nn.Conv2d(3, 3, 1), OwnForward(3), nn.ReLU(), nn.MaxPool2d(2)], 4),
        ([nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU(), OwnPool(2)], 3),
        ([nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.MaxPool2d(2)], 3),
        ([nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.MaxPool2d(2)], 3),
    ],
)
def test_others_are_left_apart(rng, chain, calls):
    model = nn.Sequential(*chain)
    assert len(model._forward_calls) == len(model._backward_calls) == calls
    x = rng.standard_normal((4, 3, 8, 8)).astype(np.float32)
    y = model(x)
    for wanted in (model.backward, model.backward_parameters):
        wanted(grads_like(y))
        model(x)
