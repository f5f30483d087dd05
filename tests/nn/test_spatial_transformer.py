"""SpatialTransformer: the grid it samples at, and the gradients by both ways."""

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from fastnn import nn, optim
from fastnn.testing import check_layer

IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def make(pixels, dtype=np.float64, scale=0.0, **options):
    """A layer that starts near the identity."""
    fastnn.manual_seed(3)
    head = nn.Linear(pixels, 6, dtype=dtype)
    head.weight.data *= scale
    head.bias.data[:] = IDENTITY
    return nn.SpatialTransformer(nn.Sequential(nn.Flatten(), head), **options)


@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("output_size", [None, (3, 5), 2])
def test_keeps_what_a_layer_promises(padding_mode, align_corners, output_size):
    layer = make(
        24, scale=0.4, output_size=output_size, padding_mode=padding_mode, align_corners=align_corners
    )
    check_layer(layer, (2, 2, 3, 4))


def test_is_the_two_functions_in_a_row(rng):
    layer, x = (
        make(30, scale=0.5, padding_mode="border", output_size=(4, 7)),
        rng.standard_normal((3, 1, 5, 6)),
    )
    theta = layer.localization(x).reshape(3, 2, 3)
    wanted = F.grid_sample(x, F.affine_grid(theta, (3, 1, 4, 7)), padding_mode="border")
    np.testing.assert_array_equal(layer(x), wanted)


def test_backward_parameters_are_those_of_backward(rng):
    x, grad_output = rng.standard_normal((2, 3, 2, 5, 4))
    whole, part = make(40, scale=0.5), make(40, scale=0.5)
    whole(x)
    whole.backward(grad_output)
    part(x)
    assert part.backward_parameters(grad_output) is None
    for a, b in zip(whole.parameters(), part.parameters(), strict=True):
        np.testing.assert_array_equal(a.grad, b.grad)


def test_learns_to_move_an_image_back(rng):
    """All images are shifted by two cells; what is left to learn is one translation."""
    x = np.zeros((16, 1, 12, 12))
    x[:, :, 4:7, 5:8] = rng.uniform(0.5, 1.5, (16, 1, 3, 3))
    layer = make(144)
    optimizer, loss = optim.Adam(layer.parameters(), lr=0.02), nn.MSELoss()
    moved = np.roll(x, 2, axis=3)
    values = []
    for _ in range(60):
        optimizer.zero_grad()
        values.append(loss(layer(moved), x))
        layer.backward(loss.backward())
        optimizer.step()
    assert values[-1] < 0.05 * values[0]


def test_eval_keeps_nothing(rng):
    layer = make(9).eval()
    layer(rng.standard_normal((1, 1, 3, 3)))
    with pytest.raises(
        RuntimeError, match=r"\[SpatialTransformer\.backward\] expected a forward in training"
    ):
        layer.backward(np.ones((1, 1, 3, 3)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros(6),), TypeError, r"localization to be a module, got ndarray"),
        ((nn.ReLU(), 0), ValueError, r"output_size >= 1, got 0"),
        (
            (nn.ReLU(), None, "reflection"),
            ValueError,
            r'padding_mode "zeros" or "border", got \'reflection\'',
        ),
        ((nn.ReLU(), None, "zeros", 1), TypeError, r"align_corners to be True or False, got 1"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=rf"\[SpatialTransformer\] expected {message}"):
        nn.SpatialTransformer(*arguments)


def test_errors_of_a_call():
    with pytest.raises(ValueError, match=r"x of shape \(N, C, H, W\), got \(3, 3\)"):
        make(9)(np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"6 numbers for each of 2 images, got shape \(2, 9\)"):
        nn.SpatialTransformer(nn.Flatten())(np.zeros((2, 1, 3, 3)))
    with pytest.raises(TypeError, match=r"\[SpatialTransformer\] expected x to be a numpy.ndarray"):
        make(9)([[1.0]])
