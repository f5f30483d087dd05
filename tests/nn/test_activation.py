"""Activations and softmax as layers: those of torch.nn over the functions, and what they keep."""

import weakref
from typing import Any

import numpy as np
import pytest

import fastnn.functional as F
from fastnn import nn

# (layer, function, options)
LAYERS: list[tuple[nn.Module, str, dict[str, Any]]] = [
    (nn.ReLU(), "relu", {}),
    (nn.ReLU6(), "relu6", {}),
    (nn.LeakyReLU(), "leaky_relu", {"negative_slope": 0.01}),
    (nn.LeakyReLU(0.2), "leaky_relu", {"negative_slope": 0.2}),
    (nn.Hardtanh(), "hardtanh", {"min_val": -1.0, "max_val": 1.0}),
    (nn.Hardtanh(-0.5, 2), "hardtanh", {"min_val": -0.5, "max_val": 2.0}),
    (nn.Hardsigmoid(), "hardsigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    (nn.Hardsigmoid(alpha=0.2), "hardsigmoid", {"alpha": 0.2, "beta": 0.5}),
    (nn.Sigmoid(), "sigmoid", {}),
    (nn.Tanh(), "tanh", {}),
    (nn.SiLU(), "silu", {}),
    (nn.LogSigmoid(), "logsigmoid", {}),
    (nn.GELU(), "gelu", {"approximate": "none"}),
    (nn.GELU("tanh"), "gelu", {"approximate": "tanh"}),
    (nn.ELU(), "elu", {"alpha": 1.0}),
    (nn.ELU(alpha=0.3), "elu", {"alpha": 0.3}),
    (nn.Softplus(), "softplus", {"beta": 1.0, "threshold": 20.0}),
    (nn.Softplus(2, 1), "softplus", {"beta": 2.0, "threshold": 1.0}),
    (nn.Softmax(), "softmax", {"axis": -1}),
    (nn.Softmax(0), "softmax", {"axis": 0}),
    (nn.LogSoftmax(axis=1), "log_softmax", {"axis": 1}),
]
CASES = [pytest.param(*case, id=repr(case[0])) for case in LAYERS]
BY_OUTPUT = {"relu", "sigmoid", "tanh", "softmax", "log_softmax"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("layer", "name", "options"), CASES)
def test_layer_is_its_function(layer, name, options, dtype, rng):
    x, g = (2 * rng.standard_normal((5, 7)).astype(dtype) for _ in range(2))
    y = layer(x)
    np.testing.assert_array_equal(y, getattr(F, name)(x, **options))
    wanted = getattr(F, name + "_backward")(g, y if name in BY_OUTPUT else x, **options)
    np.testing.assert_array_equal(layer.backward(g), wanted)
    np.testing.assert_array_equal(layer.eval()(x), y)
    layer.train()


@pytest.mark.parametrize(("layer", "name", "options"), CASES)
def test_one_training_forward_serves_one_backward(layer, name, options, rng):
    x = rng.standard_normal((4, 6))
    words = rf"\[{type(layer).__name__}.backward\] expected a forward in training mode before each backward"
    for spend in (lambda: None, lambda: layer.backward(layer(x)), lambda: (layer(x), layer.eval()(x))):
        spend()
        layer.train()
        with pytest.raises(RuntimeError, match=words):
            layer.backward(x)


@pytest.mark.parametrize(("layer", "name", "options"), CASES)
@pytest.mark.parametrize("training", [True, False])
def test_keeps_one_array_in_training_and_none_in_evaluation(layer, name, options, training):
    x = np.ones((4, 6))
    y = layer.train(training)(x)
    arrays = {"x": weakref.ref(x), "y": weakref.ref(y)}
    del x, y
    alive = {key for key, array in arrays.items() if array() is not None}
    assert alive == ({"y" if name in BY_OUTPUT else "x"} if training else set())
    if training:
        layer.backward(np.ones((4, 6)))
        assert all(array() is None for array in arrays.values())
    layer.train()


def test_text():
    texts = [repr(layer) for layer, _, _ in LAYERS]
    assert texts[:4] == [
        "ReLU()",
        "ReLU6()",
        "LeakyReLU(negative_slope=0.01)",
        "LeakyReLU(negative_slope=0.2)",
    ]
    assert "Hardtanh(min_val=-0.5, max_val=2.0)" in texts
    assert "Hardsigmoid(alpha=0.2, beta=0.5)" in texts
    assert "GELU(approximate='tanh')" in texts
    assert "ELU(alpha=0.3)" in texts
    assert "Softplus(beta=2.0, threshold=1.0)" in texts
    assert "LogSoftmax(axis=1)" in texts


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.LeakyReLU("a"), TypeError, r"\[LeakyReLU\] expected negative_slope to be a number"),
        (
            lambda: nn.Hardtanh(1.0, 1.0),
            ValueError,
            r"\[Hardtanh\] expected min_val < max_val, got 1.0 and 1.0",
        ),
        (lambda: nn.Hardtanh(np.nan), ValueError, "min_val < max_val, got nan"),
        (lambda: nn.Hardsigmoid(True), TypeError, r"\[Hardsigmoid\] expected alpha to be a number, got True"),
        (
            lambda: nn.GELU("erf"),
            ValueError,
            r"\[GELU\] expected approximate to be 'none' or 'tanh', got 'erf'",
        ),
        (lambda: nn.ELU(None), TypeError, r"\[ELU\] expected alpha to be a number"),
        (lambda: nn.Softplus(threshold="x"), TypeError, r"\[Softplus\] expected threshold to be a number"),
        (lambda: nn.Softmax(1.0), TypeError, r"\[Softmax\] expected axis to be an int"),
        (lambda: nn.LogSoftmax(None), TypeError, r"\[LogSoftmax\] expected axis to be an int"),
        (
            lambda: nn.Softplus(0.0)(np.ones(3)),
            ValueError,
            r"\[softplus\] expected beta to be finite and not 0",
        ),
    ],
)
def test_refuses(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(("layer", "name", "options"), CASES)
def test_sequential_leaves_it_out_at_the_front(layer, name, options, rng):
    model = nn.Sequential(type(layer)(), nn.Linear(6, 3, dtype=np.float64))
    model[0].backward = None
    model(rng.standard_normal((4, 6)))
    model.backward_parameters(np.ones((4, 3)))
    assert model[1].weight.grad is not None


def test_a_subclass_may_have_parameters(rng):
    """The promise to have none is made by each class for itself."""

    class Scaled(nn.Tanh):
        def __init__(self):
            self.scale = nn.Parameter(np.ones(1))

        def backward(self, grad_output):
            self.scale.add_grad(np.ones(1))
            return super().backward(grad_output)

    assert nn.Tanh.parameter_free
    model = nn.Sequential(nn.Flatten(), Scaled(), nn.Linear(6, 3, dtype=np.float64))
    model(rng.standard_normal((4, 6)))
    model.backward_parameters(np.ones((4, 3)))
    np.testing.assert_array_equal(model[1].scale.grad, [1])
