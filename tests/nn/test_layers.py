"""ReLU, Flatten, Dropout and Dropout2d."""

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from fastnn import nn

LAYERS = [nn.ReLU(), nn.Flatten(), nn.Dropout(0.5)]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_one_training_forward_serves_one_backward(layer, rng):
    x = rng.standard_normal((4, 6))
    words = rf"\[{type(layer).__name__}.backward\] expected a forward in training mode before each backward"
    with pytest.raises(RuntimeError, match=words):
        layer.backward(x)
    assert layer(x).shape == x.shape
    assert layer.backward(x).shape == x.shape
    with pytest.raises(RuntimeError, match=words):
        layer.backward(x)
    layer.train()(x)
    layer.eval()(x)
    layer.train()
    with pytest.raises(RuntimeError, match=words):
        layer.backward(x)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_layers_refuse_lists(layer):
    with pytest.raises(
        TypeError, match=r"expected x to be a numpy\.ndarray, got list; call numpy\.asarray first"
    ):
        layer([1.0, 2.0])
    with pytest.raises(TypeError, match="got list"):
        layer.eval()([1.0, 2.0])
    layer.train()


def test_relu(rng):
    layer, x = nn.ReLU(), rng.standard_normal((4, 6))
    x[0, 0] = np.nan
    np.testing.assert_array_equal(layer(x), np.where(x <= 0, 0.0, x))
    grad_output = rng.standard_normal((4, 6))
    np.testing.assert_array_equal(layer.backward(grad_output), np.where(x <= 0, 0.0, grad_output))


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ((1, -1), (2, 60)),
        ((0, -1), (120,)),
        ((1, 2), (2, 12, 5)),
        ((-2, -1), (2, 3, 20)),
        ((0, 0), (2, 3, 4, 5)),
    ],
)
def test_flatten(axes, shape, rng):
    layer, x = nn.Flatten(*axes), rng.standard_normal((2, 3, 4, 5))
    y = layer(x)
    np.testing.assert_array_equal(y, x.reshape(shape))
    np.testing.assert_array_equal(layer.backward(y), x)


def test_flatten_of_an_empty_batch():
    layer = nn.Flatten()
    assert layer(np.zeros((0, 3, 4))).shape == (0, 12)
    assert layer.backward(np.zeros((0, 12))).shape == (0, 3, 4)


def test_flatten_of_a_view_takes_the_order_of_indices(rng):
    x = rng.standard_normal((4, 3, 2)).transpose(2, 1, 0)
    np.testing.assert_array_equal(nn.Flatten()(x), x.copy().reshape(2, 12))


@pytest.mark.parametrize(
    ("axes", "shape"), [((1, -1), (3,)), ((2, 1), (2, 3, 4)), ((0, 3), (2, 3)), ((-3, -1), (2, 3))]
)
def test_flatten_refuses_axes(axes, shape):
    with pytest.raises(ValueError, match=r"\[Flatten\] expected x with axes"):
        nn.Flatten(*axes)(np.zeros(shape))


def test_flatten_refuses_another_gradient():
    layer = nn.Flatten()
    layer(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match=r"expected grad_output of shape \(2, 12\), got \(2, 3, 4\)"):
        layer.backward(np.zeros((2, 3, 4)))


def test_dropout_uses_one_mask_for_both_passes(rng):
    layer, x = nn.Dropout(0.3), rng.standard_normal((50, 20))
    y = layer(x)
    kept = y != 0
    assert 0.65 < kept.mean() < 0.75
    np.testing.assert_allclose(y[kept], x[kept] / 0.7, rtol=1e-15)
    grad_output = rng.standard_normal((50, 20))
    np.testing.assert_allclose(
        layer.backward(grad_output), np.where(kept, grad_output / 0.7, 0.0), rtol=1e-15
    )


def test_dropout_draws_a_new_mask_each_time_from_the_seed():
    layer, x = nn.Dropout(0.5), np.ones(64)
    fastnn.manual_seed(3)
    first, second = layer(x), layer(x)
    assert (first != second).any()
    fastnn.manual_seed(3)
    np.testing.assert_array_equal(layer(x), first)
    np.testing.assert_array_equal(layer(x), second)
    fastnn.manual_seed(4)
    assert (layer(x) != first).any()


def test_dropout_does_nothing_in_evaluation():
    layer, x = nn.Dropout(0.5).eval(), np.ones(64)
    state = fastnn.random.get_state()
    assert layer(x) is x
    assert fastnn.random.get_state() == state


@pytest.mark.parametrize(("p", "value"), [(0.0, 1.0), (1.0, 0.0)])
def test_dropout_of_nothing_and_of_all(p, value):
    layer, x = nn.Dropout(p), np.ones(64)
    np.testing.assert_array_equal(layer(x), np.full(64, value))
    np.testing.assert_array_equal(layer.backward(x), np.full(64, value))


@pytest.mark.parametrize(
    ("p", "error", "words"),
    [
        (-0.1, ValueError, r"\[Dropout\] expected p in \[0, 1\], got -0.1"),
        (1.5, ValueError, "got 1.5"),
        (float("nan"), ValueError, "got nan"),
        ("half", TypeError, r"\[Dropout\] expected p to be a number, got 'half' \(str\)"),
        (True, TypeError, "got True"),
    ],
)
def test_dropout_refuses(p, error, words):
    with pytest.raises(error, match=words):
        nn.Dropout(p)


def test_functional_dropout_without_training_copies():
    x = np.ones(8)
    y = F.dropout(x, 0.5, training=False)
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize(
    ("key", "error", "words"),
    [
        (3, TypeError, r"\[dropout\] expected key to be a pair \(seed, call\), got 3"),
        ((1, 2, 3), TypeError, "expected key to be a pair"),
        ((1, 2.0), TypeError, r"expected key\[1\] to be an int"),
        ((-1, 2), ValueError, r"expected key\[0\] >= 0"),
        ((1, 2**64), ValueError, r"below 2\*\*64"),
    ],
)
def test_functional_dropout_refuses_keys(key, error, words):
    with pytest.raises(error, match=words):
        F.dropout(np.ones(3), 0.5, key=key)


def test_dropout2d_keeps_or_drops_whole_channels(rng):
    fastnn.manual_seed(3)
    layer, x = nn.Dropout2d(0.4), rng.standard_normal((20, 30, 4, 5))
    y = layer(x)
    dropped = (y == 0).all(axis=(2, 3))
    assert 0.3 < dropped.mean() < 0.5
    np.testing.assert_allclose(y[~dropped], x[~dropped] / 0.6, rtol=1e-15)
    np.testing.assert_array_equal(layer.backward(x), y)  # linear, with the same mask
    assert layer.eval()(x) is x


def test_dropout2d_decides_as_dropout_does_for_one_cell_a_channel():
    x, key = np.ones((5, 7, 2, 3)), (8, 9)
    cells = F.dropout(np.ones((5, 7)), 0.5, key=key)
    np.testing.assert_array_equal(F.dropout2d(x, 0.5, key=key), cells[..., None, None] * x)
