"""The pooling layers: what they keep, their one-dimensional forms, and their names."""

from typing import Any

import numpy as np
import pytest

import fastnn.functional as F
from fastnn import nn
from tests.opinfo.comparison import assert_same_bits

PLANES = [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveMaxPool2d(2), nn.AdaptiveAvgPool2d(2)]
ROWS = [nn.MaxPool1d(2), nn.AvgPool1d(2)]


@pytest.mark.parametrize("layer", [*PLANES, *ROWS], ids=repr)
def test_one_training_forward_serves_one_backward(layer: Any, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 4, 4) if layer in PLANES else (2, 3, 8))
    words = rf"\[{type(layer).__name__}.backward\] expected a forward in training mode before each backward"
    y = layer(x)
    assert layer.backward(y).shape == x.shape
    with pytest.raises(RuntimeError, match=words):
        layer.backward(y)
    layer(x)
    assert_same_bits([layer.eval()(x)], [y], layer)
    layer.train()
    with pytest.raises(RuntimeError, match=words):
        layer.backward(y)


@pytest.mark.parametrize("layer", [*PLANES, *ROWS], ids=repr)
def test_layers_refuse(layer: Any) -> None:
    name = type(layer).__name__
    with pytest.raises(TypeError, match=rf"^\[{name}\] expected x to be a numpy\.ndarray, got list"):
        layer([1.0, 2.0])
    with pytest.raises(ValueError, match=r"expected .* of shape .*got \(2,\)"):
        layer(np.ones(2))
    x = np.ones((2, 3, 4, 4) if layer in PLANES else (2, 3, 8))
    layer(x)
    with pytest.raises(TypeError, match=rf"^\[{name}.backward\] expected grad_output .*got list"):
        layer.backward([1.0])
    with pytest.raises(ValueError, match=r"grad_output"):
        layer.backward(np.ones((*x.shape[:-1], 3)))
    with pytest.raises(TypeError, match=r"grad_output of dtype float32 or float64, got int64"):
        layer.backward(np.ones(x.shape, np.int64))
    layer(x)


@pytest.mark.parametrize("shape", [(2, 3, 9, 10), (3, 9, 10)])
def test_layers_are_the_functions(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    x = rng.standard_normal(shape)
    grad_output = {}
    for layer, function, options in (
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), F.max_pool2d, (3, 2, 1, 1, True)),
        (nn.AvgPool2d(3, 2, 1, True, False), F.avg_pool2d, (3, 2, 1, True, False)),
        (nn.AvgPool2d(2, divisor_override=3), F.avg_pool2d, (2, None, 0, False, True, 3)),
        (nn.AdaptiveMaxPool2d((4, None)), F.adaptive_max_pool2d, ((4, None),)),
        (nn.AdaptiveAvgPool2d(3), F.adaptive_avg_pool2d, (3,)),
    ):
        y = layer(x)
        assert_same_bits([y], [function(x, *options)], layer)
        grad_output[layer] = rng.standard_normal(y.shape)
        if isinstance(layer, nn.AvgPool2d):
            wanted = F.avg_pool2d_backward(grad_output[layer], shape, *options)
            assert_same_bits([layer.backward(grad_output[layer])], [wanted], layer)


def test_more_cells_than_a_byte_can_name(rng: np.random.Generator) -> None:
    """17 x 17 cells in a window: the layer keeps indices."""
    for layer, window in ((nn.MaxPool2d(17, 5, 3), (17, 5, 3)), (nn.MaxPool2d(16, 5, 3), (16, 5, 3))):
        x = rng.integers(0, 9, (2, 2, 40, 41)).astype(np.float32)
        y, indices = F.max_pool2d(x, *window, return_indices=True)
        grad_output = rng.standard_normal(y.shape).astype(np.float32)
        assert_same_bits([layer(x)], [y], layer)
        assert layer._places is not None
        assert layer._places.dtype == (np.int64 if layer.kernel_size == 17 else np.uint8)
        wanted = F.max_pool2d_backward(grad_output, indices, x.shape, *window)
        assert_same_bits([layer.backward(grad_output)], [wanted], layer)


@pytest.mark.parametrize("shape", [(2, 3, 20), (3, 20)])
@pytest.mark.parametrize("padding", [0, 1, (2,), ((2, 0),), "same", "valid"], ids=str)
@pytest.mark.parametrize("kind", ["Max", "Avg"])
def test_one_dimension_is_a_plane_of_one_row(
    kind: str, padding: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    stride = 1 if padding == "same" else 2
    one = padding[0] if isinstance(padding, tuple) else padding
    around = padding if isinstance(padding, str) else ((0, 0), one if isinstance(one, tuple) else (one, one))
    row = getattr(nn, f"{kind}Pool1d")(3, stride, padding)
    plane = getattr(nn, f"{kind}Pool2d")((1, 3), (1, stride), around)
    x = rng.standard_normal(shape)
    y = row(x)
    assert_same_bits([y], [plane(x[..., None, :])[..., 0, :].copy()], row)
    grad_output = rng.standard_normal(y.shape)
    wanted = plane.backward(grad_output[..., None, :])[..., 0, :].copy()
    assert_same_bits([row.backward(grad_output)], [wanted], row)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.MaxPool2d(0), ValueError, r"\[MaxPool2d\] expected kernel_size >= 1, got 0"),
        (lambda: nn.AvgPool2d(2, 2, "full"), ValueError, r"\[AvgPool2d\] expected padding"),
        (
            lambda: nn.MaxPool1d((2, 2)),
            ValueError,
            r"\[MaxPool1d\] expected kernel_size .*\(2, 2\)",
        ),
        (lambda: nn.AvgPool1d(2, 1.5), TypeError, r"\[AvgPool1d\] expected stride to be an int, got 1\.5"),
        (lambda: nn.AdaptiveAvgPool2d((1,)), ValueError, r"\[AdaptiveAvgPool2d\] expected output_size"),
        (lambda: nn.MaxPool2d(2, ceil_mode=None), TypeError, r"\[MaxPool2d\] expected ceil_mode"),
    ],
)
def test_wrong_options_are_refused_at_once(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_repr_is_that_of_torch() -> None:
    assert (
        repr(nn.MaxPool2d(3, 2))
        == "MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)"
    )
    assert repr(nn.AvgPool2d((3, 2))) == "AvgPool2d(kernel_size=(3, 2), stride=(3, 2), padding=0)"
    assert repr(nn.AdaptiveAvgPool2d((None, 1))) == "AdaptiveAvgPool2d(output_size=(None, 1))"


def test_layers_have_no_state() -> None:
    model = nn.Sequential(*(type(layer)(2) for layer in PLANES))
    assert model.state_dict() == {}
    assert list(model.parameters()) == []
