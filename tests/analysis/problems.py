"""Small nets whose derivatives are known, and data for them."""

import numpy as np

import fastnn
from fastnn import analysis, nn

ONE = np.ones((1, 1))


def product_net(w1, w2):
    """The net w1 w2 x; with squared error and x = y = 1 the loss is (1 - w1 w2)^2. In float32."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    analysis.set_flat_parameters(model, [w1, w2])
    return model, nn.MSELoss(), (ONE, ONE)


def product_hessian(w1, w2):
    mixed = 4 * w1 * w2 - 2
    return np.array([[2 * w2**2, mixed], [mixed, 2 * w1**2]])


def small_net(seed=0, dtype=np.float32, samples=40):
    """A smooth net of 27 parameters with points of three classes."""
    rng = np.random.default_rng(seed)
    fastnn.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 4, dtype=dtype), nn.Tanh(), nn.Linear(4, 3, dtype=dtype))
    return model, nn.CrossEntropyLoss(), (rng.standard_normal((samples, 2)), rng.integers(0, 3, samples))
