"""BatchNorm1d, BatchNorm2d and LayerNorm: both passes, running statistics, state, and what they keep."""

import numpy as np
import pytest

import fastnn.functional as F
from fastnn import nn

BATCH_NORMS = [(nn.BatchNorm1d, (6, 3)), (nn.BatchNorm1d, (6, 3, 5)), (nn.BatchNorm2d, (6, 3, 4, 5))]
LAYERS = [*BATCH_NORMS, (lambda C, **options: nn.LayerNorm((C, 5), **options), (6, 2, 3, 5))]


def trained(kind, shape, rng, **options):
    """A layer whose parameters are not the initial ones, an input and a gradient."""
    layer = kind(3, dtype=np.float64, **options)
    for parameter in layer.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return layer, rng.standard_normal(shape) + 1.0, rng.standard_normal(shape)


@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
def test_batch_norm_passes_are_those_of_functional(kind, shape, rng):
    layer, x, g = trained(kind, shape, rng, eps=0.01, momentum=0.3)
    mean, var = np.zeros(3), np.ones(3)
    saved = layer.weight.data, layer.bias.data
    y, *stats = F.batch_norm_with_stats(x, mean, var, *saved, True, 0.3, 0.01)
    np.testing.assert_array_equal(layer(x), y)
    grads = F.batch_norm_backward(g, x, layer.weight.data, *stats, True)
    np.testing.assert_array_equal(layer.backward(g), grads[0])
    np.testing.assert_array_equal(layer.weight.grad, grads[1])
    np.testing.assert_array_equal(layer.bias.grad, grads[2])
    np.testing.assert_array_equal(layer.running_mean, mean)
    np.testing.assert_array_equal(layer.running_var, var)
    np.testing.assert_array_equal(layer.eval()(x), F.batch_norm(x, mean, var, *saved, False, 0.3, 0.01))
    np.testing.assert_array_equal(layer.running_mean, mean)
    assert layer.num_batches_tracked == 1


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 4)])
def test_layer_norm_passes_are_those_of_functional(shape, rng):
    layer, x, g = nn.LayerNorm(4, eps=0.01, dtype=np.float64), rng.standard_normal(shape), np.ones(shape)
    layer.weight.data[...], layer.bias.data[...] = rng.standard_normal((2, 4))
    y, *stats = F.layer_norm_with_stats(x, 4, layer.weight.data, layer.bias.data, 0.01)
    np.testing.assert_array_equal(layer(x), y)
    grads = F.layer_norm_backward(g, x, 4, *stats, layer.weight.data)
    np.testing.assert_array_equal(layer.backward(g), grads[0])
    np.testing.assert_array_equal(layer.weight.grad, grads[1])
    np.testing.assert_array_equal(layer.bias.grad, grads[2])
    np.testing.assert_array_equal(layer.eval()(x), y)


@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
def test_momentum_none_is_the_mean_over_all_batches(kind, shape, rng):
    layer = kind(3, momentum=None, dtype=np.float64)
    batches = [rng.standard_normal(shape) * (i + 1) for i in range(4)]
    for x in batches:
        layer(x)
    axes = (0, *range(2, len(shape)))
    np.testing.assert_allclose(layer.running_mean, np.mean([x.mean(axes) for x in batches], 0), rtol=1e-12)
    np.testing.assert_allclose(
        layer.running_var, np.mean([x.var(axes, ddof=1) for x in batches], 0), rtol=1e-12
    )
    assert layer.num_batches_tracked == 4


@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
def test_without_running_statistics_the_batch_serves_in_evaluation(kind, shape, rng):
    layer, x, _ = trained(kind, shape, rng, track_running_stats=False)
    assert layer.running_mean is None
    assert list(layer.state_dict()) == ["weight", "bias"]
    np.testing.assert_array_equal(layer.eval()(x), layer.train()(x))
    with pytest.raises(ValueError, match="more than one value a channel"):
        layer.eval()(np.ones((1, 3, *(1,) * (len(shape) - 2))))


def test_state_has_torch_names_shapes_and_dtypes():
    state = nn.BatchNorm2d(3).state_dict()
    assert {name: (a.shape, a.dtype.name) for name, a in state.items()} == {
        "weight": ((3,), "float32"),
        "bias": ((3,), "float32"),
        "running_mean": ((3,), "float32"),
        "running_var": ((3,), "float32"),
        "num_batches_tracked": ((), "int64"),
    }
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert list(nn.LayerNorm((2, 3)).state_dict()) == ["weight", "bias"]
    assert list(nn.LayerNorm(3, bias=False).state_dict()) == ["weight"]
    assert list(nn.BatchNorm1d(3, bias=False).state_dict())[:2] == ["weight", "running_mean"]


@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
def test_state_goes_from_layer_to_layer(kind, shape, rng):
    layer, x, _ = trained(kind, shape, rng)
    for _ in range(3):
        layer(x)
    other = kind(3, dtype=np.float64)
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(other.eval()(x), layer.eval()(x))
    assert other.num_batches_tracked == 3
    assert other.num_batches_tracked is not layer.num_batches_tracked


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_gradients_add_up_and_start_again(kind, shape, rng):
    layer, x, g = trained(kind, shape, rng)
    layer(x)
    layer.backward(g)
    once = [p.grad.copy() for p in layer.parameters()]
    layer(x)
    layer.backward(g)
    for parameter, grad in zip(layer.parameters(), once, strict=True):
        np.testing.assert_allclose(parameter.grad, 2 * grad, rtol=1e-14)
    memory = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    layer(x)
    layer.backward(g)
    for parameter, grad, array in zip(layer.parameters(), once, memory, strict=True):
        np.testing.assert_array_equal(parameter.grad, grad)
        assert parameter.grad is array


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_backward_parameters_leaves_out_grad_x_only(kind, shape, rng):
    layer, x, g = trained(kind, shape, rng)
    layer(x)
    layer.backward(g)
    once = [p.grad.copy() for p in layer.parameters()]
    layer.zero_grad()
    layer(x)
    assert layer.backward_parameters(g) is None
    for parameter, grad in zip(layer.parameters(), once, strict=True):
        np.testing.assert_array_equal(parameter.grad, grad)


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_one_training_forward_serves_one_backward(kind, shape, rng):
    layer, x, g = trained(kind, shape, rng)
    words = r"backward\] expected a forward in training mode before each backward"
    with pytest.raises(RuntimeError, match=words):
        layer.backward(g)
    layer(x)
    with pytest.raises(ValueError, match="grad_output"):
        layer.backward(g[:2])
    assert all(p.grad is None for p in layer.parameters())
    assert layer.backward(g).shape == shape
    with pytest.raises(RuntimeError, match=words):
        layer.backward(g)
    layer(x)
    layer.eval()(x)
    with pytest.raises(RuntimeError, match=words):
        layer.backward_parameters(g)


@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
def test_fused_relu_is_unfused_bit_for_bit(kind, shape, rng):
    plain, x, g = trained(kind, shape, rng)
    layers = [kind(3, dtype=np.float64) for _ in range(2)]
    for layer in layers:
        layer.load_state_dict(plain.state_dict())
    relu = nn.ReLU()
    y = relu(plain(x))
    grad_x = plain.backward(relu.backward(g))
    both, forward_only = layers
    np.testing.assert_array_equal(both.forward_relu(x), y)
    np.testing.assert_array_equal(both.backward_relu(g), grad_x)
    np.testing.assert_array_equal(relu._take_output(forward_only.forward_relu(x)), y)
    np.testing.assert_array_equal(forward_only.backward(relu.backward(g)), grad_x)
    for layer in layers:
        for name, array in plain.state_dict().items():
            np.testing.assert_array_equal(layer.state_dict()[name], array)
        for a, b in zip(layer.parameters(), plain.parameters(), strict=True):
            np.testing.assert_array_equal(a.grad, b.grad)


@pytest.mark.parametrize("options", [{"affine": False}, {"bias": False}])
@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
def test_batch_norm_without_parameters(kind, shape, options, rng):
    layer, x, g = trained(kind, shape, rng, **options)
    weight = None if layer.weight is None else layer.weight.data
    y, *stats = F.batch_norm_with_stats(x, None, None, weight, training=True)
    np.testing.assert_array_equal(layer(x), y)
    wanted = F.batch_norm_backward(g, x, weight, *stats, True)
    np.testing.assert_array_equal(layer.backward(g), wanted[0])
    assert layer.bias is None
    layer(x)
    assert layer.backward_parameters(g) is None


@pytest.mark.parametrize("options", [{"elementwise_affine": False}, {"bias": False}])
def test_layer_norm_without_parameters(options, rng):
    layer, x, g = nn.LayerNorm(4, dtype=np.float64, **options), *rng.standard_normal((2, 5, 4))
    y, *stats = F.layer_norm_with_stats(x, 4)
    np.testing.assert_array_equal(layer(x), y)
    np.testing.assert_array_equal(layer.backward(g), F.layer_norm_backward(g, x, 4, *stats)[0])


@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
def test_a_forward_that_fails_changes_nothing(kind, shape, rng):
    layer, x, _ = trained(kind, shape, rng)
    layer(x)
    before = {name: a.copy() for name, a in layer.state_dict().items()}
    with pytest.raises(ValueError, match="more than one value a channel"):
        layer(np.ones((1, 3, *(1,) * (len(shape) - 2))))
    with pytest.raises(TypeError, match=r"float64.*float32|float32.*float64"):
        layer(x.astype(np.float32))
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_empty_batch_counts_as_in_torch():
    layer = nn.BatchNorm1d(3)
    assert layer(np.empty((0, 3), np.float32)).shape == (0, 3)
    assert layer.backward(np.empty((0, 3), np.float32)).shape == (0, 3)
    np.testing.assert_array_equal(layer.weight.grad, np.zeros(3))
    assert layer.num_batches_tracked == 1
    np.testing.assert_array_equal(layer.running_var, np.ones(3))


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (
            nn.BatchNorm1d(3),
            (4, 5),
            r"\[BatchNorm1d\] expected x of shape \(N, 3\) or \(N, 3, L\), got \(4, 5\)",
        ),
        (nn.BatchNorm1d(3), (4, 3, 2, 2), r"got \(4, 3, 2, 2\)"),
        (nn.BatchNorm2d(3), (4, 3), r"\[BatchNorm2d\] expected x of shape \(N, 3, H, W\), got \(4, 3\)"),
        (nn.BatchNorm2d(3, affine=False, track_running_stats=False), (4, 5, 2, 2), r"got \(4, 5, 2, 2\)"),
        (nn.LayerNorm((3, 2)), (4, 2, 3), r"normalized_shape \(3, 2\), got shape \(4, 2, 3\)"),
    ],
)
def test_refuses_shapes(layer, shape, words):
    with pytest.raises(ValueError, match=words):
        layer(np.ones(shape, np.float32))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.BatchNorm1d(0), ValueError, r"\[BatchNorm1d\] expected num_features >= 1, got 0"),
        (lambda: nn.BatchNorm2d(2.0), TypeError, r"\[BatchNorm2d\] expected num_features to be an int"),
        (lambda: nn.BatchNorm2d(2, eps=-1.0), ValueError, "expected eps to be finite and >= 0, got -1.0"),
        (lambda: nn.BatchNorm2d(2, momentum="slow"), TypeError, "expected momentum to be a number"),
        (lambda: nn.BatchNorm2d(2, dtype=np.int32), TypeError, "dtype float32 or float64, got int32"),
        (
            lambda: nn.LayerNorm(()),
            ValueError,
            r"\[LayerNorm\] expected normalized_shape to name at least one",
        ),
        (lambda: nn.LayerNorm(2.5), TypeError, r"\[LayerNorm\] expected normalized_shape to be an int"),
        (lambda: nn.LayerNorm(2, eps=np.nan), ValueError, "expected eps to be finite"),
    ],
)
def test_refuses_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_text():
    assert repr(nn.BatchNorm2d(3, momentum=None, bias=False)) == (
        "BatchNorm2d(3, eps=1e-05, momentum=None, affine=True, bias=False, track_running_stats=True)"
    )
    assert (
        repr(nn.LayerNorm(3, bias=False)) == "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=False)"
    )


def test_a_net_with_batch_norm_has_the_right_gradients(rng):
    model = nn.Sequential(
        nn.Linear(4, 5, dtype=np.float64), nn.BatchNorm1d(5, dtype=np.float64), nn.ReLU(),
        nn.LayerNorm(5, dtype=np.float64), nn.Linear(5, 3, dtype=np.float64),
    )  # fmt: skip
    loss, x, target = nn.CrossEntropyLoss(), rng.standard_normal((8, 4)), rng.integers(3, size=8)
    loss(model(x), target)
    model.backward(loss.backward())
    for parameter in model.parameters():
        array = parameter.data
        for at in np.ndindex(array.shape):
            value, ends = array[at], []
            for step in (1e-5, -1e-5):
                array[at] = value + step
                ends.append(float(loss(model(x), target)))
            array[at] = value
            slope = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(parameter.grad[at], slope, rtol=1e-6, atol=1e-8)
