"""Initial values: bounds, moments and the generator they come from."""

import math

import numpy as np
import pytest

import fastnn
from fastnn import nn

TORCH_GAINS = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
    "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
}


@pytest.mark.parametrize(("name", "gain"), TORCH_GAINS.items())
def test_gains(name, gain):
    assert nn.init.calculate_gain(name) == gain


def test_gain_of_leaky_relu_takes_the_slope():
    assert math.isclose(nn.init.calculate_gain("leaky_relu", math.sqrt(5)), math.sqrt(1 / 3))


def test_unknown_nonlinearity():
    with pytest.raises(ValueError, match=r"expected nonlinearity to be one of leaky_relu, .* got 'swish'"):
        nn.init.calculate_gain("swish")


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 20 * 9), ("fan_out", 30 * 9)])
def test_kaiming_uniform(mode, fan, rng):
    array = np.empty((30, 20, 3, 3), np.float32)
    assert nn.init.kaiming_uniform_(array, mode=mode, nonlinearity="relu", generator=rng) is array
    bound = math.sqrt(2) * math.sqrt(3 / fan)
    assert 0.99 * bound < np.abs(array).max() <= bound * (1 + 1e-6)
    np.testing.assert_allclose(array.std(), bound / math.sqrt(3), rtol=0.02)


def test_uniform(rng):
    array = nn.init.uniform_(np.empty(10_000), 2.0, 5.0, rng)
    assert 2.0 <= array.min() < 2.01
    assert 4.99 < array.max() < 5.0


def test_generators():
    fastnn.manual_seed(9)
    first = nn.init.uniform_(np.empty(5))
    fastnn.manual_seed(9)
    np.testing.assert_array_equal(nn.init.uniform_(np.empty(5)), first)
    state = fastnn.random.get_state()
    nn.init.uniform_(np.empty(5), generator=np.random.default_rng(0))
    assert fastnn.random.get_state() == state


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.init.kaiming_uniform_(np.empty(3)), ValueError, r"two axes or more, got \(3,\)"),
        (lambda: nn.init.kaiming_uniform_(np.empty((3, 2)), mode="fan"), ValueError, "expected mode to be"),
        (lambda: nn.init.uniform_(np.empty(3), 1.0, 0.0), ValueError, "expected a <= b, got a=1.0, b=0.0"),
        (lambda: nn.init.uniform_(np.empty(3), -np.inf), ValueError, "expected a finite b - a, got a=-inf"),
        (lambda: nn.init.uniform_(np.empty(3), 0, 10**400), ValueError, "expected b in the range of a float"),
        (lambda: nn.init.uniform_([0.0]), TypeError, "expected array to be a numpy.ndarray .* got list"),
        (lambda: nn.init.uniform_(np.zeros(3, int)), TypeError, "of float32 or float64, got int64"),
        (lambda: nn.init.uniform_(np.empty(3), generator=3), TypeError, "expected generator .* got int"),
        (lambda: nn.init.calculate_gain("leaky_relu", None), TypeError, "expected param to be a number"),
        (lambda: nn.init.calculate_gain(["relu"]), ValueError, "expected nonlinearity to be one of"),
    ],
)
def test_refuses(call, error, words):
    with pytest.raises(error, match=words):
        call()
