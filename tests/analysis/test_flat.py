"""Parameters and gradients as one vector; whatever is studied is left as it was."""

import numpy as np
import pytest

import fastnn
from fastnn import analysis, nn
from fastnn.data import ArrayLoader
from tests.analysis.problems import ONE, small_net


def test_parameters_go_out_and_in_again():
    model, _, _ = small_net()
    vector = analysis.flat_parameters(model)
    np.testing.assert_array_equal(vector[:8].reshape(4, 2), model[0].weight.data)
    np.testing.assert_array_equal(vector[-3:], model[2].bias.data)
    analysis.set_flat_parameters(model, 2 * vector)
    np.testing.assert_array_equal(analysis.flat_parameters(model), 2 * vector)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradient_is_that_of_differences(reduction):
    model, _, data = small_net(dtype=np.float64)
    loss = nn.CrossEntropyLoss(reduction=reduction)
    gradient, at, h = analysis.flat_gradient(model, loss, data), analysis.flat_parameters(model), 1e-6
    for i in range(len(at)):
        values = []
        for sign in (1, -1):
            analysis.set_flat_parameters(model, at + sign * h * np.eye(len(at))[i])
            values.append(loss(model(data[0]), data[1]))
        assert gradient[i] == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6, abs=1e-7)


def test_gradient_of_a_float32_model_is_that_of_its_float64_twin():
    model, loss, data = small_net(dtype=np.float32)
    twin, _, _ = small_net(dtype=np.float64)
    analysis.set_flat_parameters(twin, analysis.flat_parameters(model))
    np.testing.assert_array_equal(
        analysis.flat_gradient(model, loss, data), analysis.flat_gradient(twin, loss, data)
    )


def test_batches_do_not_matter():
    model, loss, data = small_net(samples=1100)
    parts = ArrayLoader(*data, batch_size=300)
    np.testing.assert_allclose(
        analysis.flat_gradient(model, loss, data), analysis.flat_gradient(model, loss, parts), rtol=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_model_is_left_as_it_was(dtype):
    fastnn.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(3, 4, dtype=dtype),
        nn.BatchNorm1d(4, dtype=dtype),
        nn.Dropout(0.5),
        nn.Linear(4, 2, dtype=dtype),
    )
    loss = nn.CrossEntropyLoss(weight=np.array([1, 2], dtype))
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 3)).astype(dtype), np.array([0, 1] * 4)
    loss(model(x), y)
    model.backward(loss.backward())
    model[2].eval()
    arrays, gradients = model.state_dict(), [p.grad.copy() for p in model.parameters()]
    values = {name: array.copy() for name, array in arrays.items()}
    first = analysis.flat_gradient(model, loss, (x, y))
    np.testing.assert_array_equal(first, analysis.flat_gradient(model, loss, (x, y)))  # no dropout in it
    for name, array in model.state_dict().items():
        assert array is arrays[name]
        np.testing.assert_array_equal(array, values[name])
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_array_equal(parameter.grad, gradient)
    assert (model[2].p, model[2].training, model[1].training) == (0.5, False, True)
    assert loss.weight.dtype == dtype


def test_a_failure_leaves_the_model_as_it_was():
    model, loss, (x, y) = small_net()
    arrays = [p.data for p in model.parameters()]
    with pytest.raises(IndexError):
        analysis.flat_gradient(model, loss, (x, y + 3))
    assert all(p.data is array for p, array in zip(model.parameters(), arrays, strict=True))


def test_parameters_that_the_loss_does_not_see_have_a_gradient_of_zero():
    class Half(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(1, 1), nn.Linear(1, 1)

        def forward(self, x):
            return self.used(x)

        def backward(self, grad_output):
            return self.used.backward(grad_output)

    gradient = analysis.flat_gradient(Half(), nn.MSELoss(), (ONE, 5 * ONE))
    assert (gradient != 0).tolist() == [True, True, False, False]


def test_gradient_norms_by_layer():
    model, loss, data = small_net()
    norms = analysis.gradient_norms(model, loss, data)
    gradient = analysis.flat_gradient(model, loss, data)
    assert list(norms) == ["0", "2"]
    assert norms["0"] == pytest.approx(np.linalg.norm(gradient[:12]))
    assert norms["2"] == pytest.approx(np.linalg.norm(gradient[12:]))


def test_bad_input_is_named():
    model, loss, data = small_net()
    with pytest.raises(
        ValueError, match=r"\[set_flat_parameters\] expected vector of shape \(27,\), got \(2,\)"
    ):
        analysis.set_flat_parameters(model, [1.0, 2.0])
    with pytest.raises(ValueError, match="expected vector of finite numbers"):
        analysis.set_flat_parameters(model, np.full(27, np.nan))
    with pytest.raises(ValueError, match="expected a model with parameters, got none"):
        analysis.flat_parameters(nn.ReLU())
    with pytest.raises(ValueError, match="reduction 'mean' or 'sum', got 'none'"):
        analysis.flat_gradient(model, nn.CrossEntropyLoss(reduction="none"), data)
    with pytest.raises(ValueError, match="at least one sample, got none"):
        analysis.flat_gradient(model, loss, iter(()))
