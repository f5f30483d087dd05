"""Conv2d and Conv1d: initial values, both passes, all options, and what they keep in between."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from fastnn import nn

SHAPES = {nn.Conv1d: (2, 4, 11), nn.Conv2d: (2, 4, 7, 8)}
FUNCTIONS = {
    nn.Conv1d: (F.conv1d, F.conv1d_backward),
    nn.Conv2d: (F.conv2d, F.conv2d_backward),
}
KINDS = tuple(SHAPES)
OPTIONS = [
    {},
    {"stride": 2, "padding": 1},
    {"padding": "same", "dilation": 2},
    {"padding": "valid", "groups": 2},
    {"padding": 2, "padding_mode": "reflect"},
    {"padding": 1, "padding_mode": "mean", "groups": 4},
    {"padding": 3, "padding_mode": "circular", "stride": 2},
]


def layer_and_input(kind, rng, dtype=np.float64, **options):
    return kind(4, 8, 3, dtype=dtype, **options), rng.standard_normal(SHAPES[kind]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_passes_are_those_of_functional(rng, kind, options, bias, dtype):
    layer, x = layer_and_input(kind, rng, dtype, bias=bias, **options)
    forward, backward = FUNCTIONS[kind]
    y = layer(x)
    weight = layer.weight.data
    np.testing.assert_array_equal(y, forward(x, weight, layer.bias.data if bias else None, **options))
    grad_output = rng.standard_normal(y.shape).astype(dtype)
    grads = backward(grad_output, x, weight, **options)
    np.testing.assert_array_equal(layer.backward(grad_output), grads[0])
    np.testing.assert_array_equal(layer.weight.grad, grads[1])
    if bias:
        np.testing.assert_array_equal(layer.bias.grad, grads[2])
    else:
        assert layer.bias is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_signal_is_a_plane_of_one_row(rng, dtype):
    along = nn.Conv1d(4, 6, 5, stride=2, padding=((1, 2),), dilation=2, groups=2, dtype=dtype)
    plane = nn.Conv2d(
        4, 6, (1, 5), stride=(1, 2), padding=((0, 0), (1, 2)), dilation=2, groups=2, dtype=dtype
    )
    plane.weight.data, plane.bias.data = along.weight.data[:, :, None].copy(), along.bias.data
    x = rng.standard_normal((3, 4, 21)).astype(dtype)
    y = along(x)
    np.testing.assert_array_equal(y, plane(x[:, :, None])[:, :, 0])
    assert y.flags.c_contiguous
    g = rng.standard_normal(y.shape).astype(dtype)
    np.testing.assert_array_equal(along.backward(g), plane.backward(g[:, :, None])[:, :, 0])
    np.testing.assert_array_equal(along.weight.grad, plane.weight.grad[:, :, 0])
    np.testing.assert_array_equal(along.bias.grad, plane.bias.grad)


@pytest.mark.parametrize("kind", KINDS)
def test_one_sample_without_a_batch(rng, kind):
    layer, x = layer_and_input(kind, rng, padding=1)
    whole = layer(x)
    grad_x = layer.backward(whole)
    np.testing.assert_array_equal(layer(x[0]), whole[0])
    np.testing.assert_array_equal(layer.backward(whole[0]), grad_x[0])


@pytest.mark.parametrize("kind", KINDS)
def test_no_samples(kind):
    layer = kind(4, 8, 3)
    y = layer(np.zeros((0, *SHAPES[kind][1:]), np.float32))
    assert y.shape[:2] == (0, 8)
    assert layer.backward(y).shape == (0, *SHAPES[kind][1:])
    assert not layer.weight.grad.any()
    assert not layer.bias.grad.any()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_add_up_and_start_again(rng, kind, bias):
    layer, x = layer_and_input(kind, rng, bias=bias)
    grad_output = rng.standard_normal(layer(x).shape)
    layer.backward(grad_output)
    once = [p.grad.copy() for p in layer.parameters()]
    layer(x)
    layer.backward(grad_output)
    for parameter, grad in zip(layer.parameters(), once, strict=True):
        np.testing.assert_allclose(parameter.grad, 2.0 * grad, rtol=1e-12)
    memory = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    assert layer.weight.grad is None
    layer(x)
    layer.backward(grad_output)
    for parameter, grad, array in zip(layer.parameters(), once, memory, strict=True):
        np.testing.assert_array_equal(parameter.grad, grad)
        assert np.shares_memory(parameter.grad, array)
        assert parameter.grad.shape == parameter.shape


@pytest.mark.parametrize("kind", KINDS)
def test_an_assigned_gradient_is_added_to(rng, kind):
    layer, x = layer_and_input(kind, rng)
    y = layer(x)
    layer.backward(np.ones_like(y))
    once = layer.weight.grad.copy()
    assigned = np.ones_like(layer.weight.data)
    layer.weight.grad, layer.bias.grad = assigned, np.ones(8)
    layer(x)
    layer.backward(np.ones_like(y))
    assert layer.weight.grad is assigned
    np.testing.assert_allclose(assigned, 1.0 + once, rtol=1e-12)
    np.testing.assert_array_equal(layer.bias.grad, np.full(8, 1.0 + y.size / 8))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_backward_parameters_asks_for_no_grad_x(rng, kind, bias, monkeypatch):
    layer, x = layer_and_input(kind, rng, bias=bias)
    y = layer(x)
    layer.backward(np.ones_like(y))
    once = [p.grad.copy() for p in layer.parameters()]
    layer.zero_grad()
    asked = []

    def conv2d_backward(*args):
        asked.append(args[4])
        return fastnn._core.conv2d_backward(*args)

    layer(x)
    stand_in = SimpleNamespace(conv2d_backward=conv2d_backward)
    monkeypatch.setattr("fastnn.nn.conv.kernels_for", lambda *_: stand_in)
    assert layer.backward_parameters(np.ones_like(y)) is None
    assert asked == [(False, True, bias)]
    for parameter, grad in zip(layer.parameters(), once, strict=True):
        np.testing.assert_array_equal(parameter.grad, grad)


@pytest.mark.parametrize("kind", KINDS)
def test_backward_needs_a_forward_in_training_mode(rng, kind):
    layer, x = layer_and_input(kind, rng)
    words = rf"\[{kind.__name__}.backward\] expected a forward in training mode before each backward"
    grad_output = np.ones_like(layer(x))
    layer.backward(grad_output)
    with pytest.raises(RuntimeError, match=words):
        layer.backward(grad_output)
    layer(x)
    layer.eval()(x)
    assert layer._x is None
    with pytest.raises(RuntimeError, match=words):
        layer.backward_parameters(grad_output)


@pytest.mark.parametrize("kind", KINDS)
def test_a_backward_that_fails_changes_nothing(rng, kind):
    layer, x = layer_and_input(kind, rng)
    grad_output = np.ones_like(layer(x))
    with pytest.raises(ValueError, match="expected grad_output of shape"):
        layer.backward(grad_output[:, 1:])
    assert layer.weight.grad is None
    assert layer.backward(grad_output).shape == x.shape


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_fused_with_relu_is_unfused_bit_for_bit(rng, kind, dtype, training):
    layer, x = layer_and_input(kind, rng, dtype, padding=1)
    own_forward = {"forward": lambda self, x: kind.forward(self, x)}  # which keeps it from being fused
    plain = type("Plain", (kind,), own_forward)(4, 8, 3, padding=1, dtype=dtype)
    plain.load_state_dict(layer.state_dict())
    fused, unfused = (nn.Sequential(first, nn.ReLU()).train(training) for first in (layer, plain))
    assert [len(model._forward_calls) for model in (fused, unfused)] == [1, 2]
    y = fused(x)
    np.testing.assert_array_equal(y, unfused(x))
    assert (y == 0).any()
    if training:
        grad_output = rng.standard_normal(y.shape).astype(dtype)
        np.testing.assert_array_equal(fused.backward(grad_output), unfused.backward(grad_output))
        np.testing.assert_array_equal(fused[0].weight.grad, unfused[0].weight.grad)


@pytest.mark.parametrize("kind", KINDS)
def test_initial_values(kind):
    fastnn.manual_seed(1)
    layer = kind(40, 120, 7, groups=2)
    bound = 1 / np.sqrt(layer.weight.data[0].size)
    assert layer.weight.data[0].size == 20 * 7 ** (layer.weight.data.ndim - 2)
    for values in (layer.weight.data, layer.bias.data):
        assert values.dtype == np.float32
        assert 0.95 * bound < np.abs(values).max() <= bound * (1 + 1e-7)
    # the variance of the uniform distribution is bound^2 / 3
    np.testing.assert_allclose(layer.weight.data.std(), bound / np.sqrt(3), rtol=0.02)
    fastnn.manual_seed(1)
    np.testing.assert_array_equal(kind(40, 120, 7, groups=2).weight.data, layer.weight.data)


def test_state_has_torchs_names_and_shapes():
    shapes = {name: a.shape for name, a in nn.Conv2d(4, 6, (3, 5), groups=2).state_dict().items()}
    assert shapes == {"weight": (6, 2, 3, 5), "bias": (6,)}
    assert nn.Conv1d(4, 6, 3, bias=False).state_dict()["weight"].shape == (6, 4, 3)
    assert list(nn.Conv1d(4, 6, 3, bias=False).state_dict()) == ["weight"]


@pytest.mark.parametrize("kind", KINDS)
def test_deepcopy_is_a_layer_of_its_own(rng, kind):
    layer, x = layer_and_input(kind, rng)
    before = layer(x)
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(twin(x), before)
    twin.weight.data[...] = 0.0
    np.testing.assert_array_equal(layer(x), before)


def test_repr_is_torchs():
    assert repr(nn.Conv2d(1, 8, 3)) == "Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1))"
    assert repr(nn.Conv2d(4, 8, (3, 5), 2, [1, 2], (1, 3), 2, False, "reflect")) == (
        "Conv2d(4, 8, kernel_size=(3, 5), stride=(2, 2), padding=(1, 2), dilation=(1, 3), groups=2, "
        "bias=False, padding_mode=reflect)"
    )
    assert repr(nn.Conv1d(4, 8, [3], padding="same")) == (
        "Conv1d(4, 8, kernel_size=(3,), stride=(1,), padding=same)"
    )


def test_options_may_be_lists(rng):
    x = rng.standard_normal((2, 4, 7, 8))
    layer = nn.Conv2d(4, 8, [3, 2], [2, 1], [[1, 0], [0, 2]], [1, 2], dtype=np.float64)
    wanted = F.conv2d(x, layer.weight.data, layer.bias.data, (2, 1), ((1, 0), (0, 2)), (1, 2))
    np.testing.assert_array_equal(layer(x), wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((0, 2, 3), {}, ValueError, "in_channels >= 1, got 0"),
        ((3, -1, 3), {}, ValueError, "out_channels >= 1, got -1"),
        ((3.0, 2, 3), {}, TypeError, r"in_channels to be an int, got 3.0 \(float\)"),
        ((3, True, 3), {}, TypeError, "out_channels to be an int, got True"),
        ((3, 2, 0), {}, ValueError, "kernel_size >= 1, got 0"),
        ((3, 2, (1, 2, 3)), {}, ValueError, r"kernel_size to be an int or .*, got \(1, 2, 3\)"),
        ((3, 2, 3), {"stride": 0}, ValueError, "stride >= 1, got 0"),
        ((3, 2, 3), {"padding": -1}, ValueError, "padding >= 0, got -1"),
        ((3, 2, 3), {"padding": 1.5}, TypeError, "padding to be an int, got 1.5"),
        ((3, 2, 3), {"padding": "full"}, ValueError, 'padding "same" or "valid", got \'full\''),
        ((3, 2, 3), {"padding": "same", "stride": 2}, ValueError, 'stride 1 with padding="same"'),
        ((3, 2, 3), {"dilation": 0}, ValueError, "dilation >= 1, got 0"),
        ((4, 6, 3), {"groups": 4}, ValueError, "out_channels to be a multiple of groups=4, got 6"),
        ((6, 4, 3), {"groups": 4}, ValueError, "in_channels to be a multiple of groups=4, got 6"),
        ((4, 4, 3), {"groups": 0}, ValueError, "groups >= 1, got 0"),
        ((3, 2, 3), {"padding_mode": "wrap"}, ValueError, "padding_mode to be one of .* got 'wrap'"),
    ],
)
def test_refuses(kind, arguments, options, error, words):
    with pytest.raises(error, match=rf"^\[{kind.__name__}\] expected {words}"):
        kind(*arguments, **options)


def test_refuses_an_integer_dtype():
    with pytest.raises(TypeError, match="expected data of dtype float32 or float64, got int32"):
        nn.Conv2d(3, 2, 3, dtype=np.int32)


def test_dtypes_and_axes_do_not_mix(rng):
    layer = nn.Conv2d(4, 2, 3)
    with pytest.raises(TypeError, match=r"\[conv2d\] expected weight of dtype float64.*float32"):
        layer(rng.standard_normal((2, 4, 5, 5)))
    with pytest.raises(ValueError, match=r"\[conv2d\] expected x of shape"):
        layer(np.zeros((4, 5), np.float32))
    with pytest.raises(ValueError, match=r"\[conv1d\] expected x of 3 axes"):
        nn.Conv1d(4, 2, 3)(np.zeros((4, 5, 5, 5), np.float32))
