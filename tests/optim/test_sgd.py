"""SGD over several steps against the formula in float64."""

import numpy as np
import pytest

from fastnn import nn, optim
from tests.reference import sgd as reference

OPTIONS = [
    {},
    {"weight_decay": 0.1},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.5, "weight_decay": 0.1, "maximize": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_steps(options, dtype, rtol, rng):
    parameter = nn.Parameter(rng.standard_normal((5, 7)).astype(dtype))
    optimizer = optim.SGD([parameter], lr=0.1, **options)
    value = parameter.data.astype(np.float64)
    buffer = np.zeros((5, 7)) if options.get("momentum") else None
    for step in range(5):
        parameter.grad = rng.standard_normal((5, 7)).astype(dtype)
        optimizer.step()
        value, buffer = reference.step(value, parameter.grad, buffer, lr=0.1, first_step=step == 0, **options)
        np.testing.assert_allclose(parameter.data, value, rtol=rtol, atol=rtol)
    if buffer is None:
        assert optimizer.state == {}
    else:
        np.testing.assert_allclose(
            optimizer.state[parameter]["momentum_buffer"], buffer, rtol=rtol, atol=rtol
        )


def test_momentum_switched_on_later_starts_with_the_gradient(rng):
    parameter = nn.Parameter(np.zeros(3))
    optimizer = optim.SGD([parameter], lr=1.0)
    parameter.grad = np.ones(3)
    optimizer.step()
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    np.testing.assert_array_equal(optimizer.state[parameter]["momentum_buffer"], np.ones(3))
    np.testing.assert_array_equal(parameter.data, np.full(3, -2.0))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"nesterov": True}, ValueError, r"\[SGD\] expected momentum > 0 and dampening = 0 with nesterov"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, "dampening=0.1"),
        ({"momentum": -0.1}, ValueError, "expected momentum to be finite and >= 0, got -0.1"),
        ({"dampening": "a"}, TypeError, "expected dampening to be a number, got 'a'"),
        ({"nesterov": 1}, TypeError, "expected nesterov to be True or False, got 1"),
        ({"maximize": None}, TypeError, "expected maximize to be True or False, got None"),
    ],
)
def test_refuses(options, error, words):
    with pytest.raises(error, match=words):
        optim.SGD([nn.Parameter(np.zeros(2))], lr=0.1, **options)
