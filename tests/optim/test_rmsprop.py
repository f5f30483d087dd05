"""RMSprop over several steps against the formula in float64."""

import numpy as np
import pytest

from fastnn import nn, optim
from tests.reference import rmsprop as reference

OPTIONS = [
    {},
    {"weight_decay": 0.1},
    {"alpha": 0.5, "eps": 1e-3},
    {"momentum": 0.9},
    {"centered": True},
    {"momentum": 0.5, "centered": True, "weight_decay": 0.1, "maximize": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_steps(options, dtype, rtol, rng):
    parameter = nn.Parameter(rng.standard_normal((5, 7)).astype(dtype))
    optimizer = optim.RMSprop([parameter], lr=0.01, **options)
    value, v, a, b = parameter.data.astype(np.float64), *(np.zeros((5, 7)) for _ in range(3))
    for _ in range(5):
        parameter.grad = rng.standard_normal((5, 7)).astype(dtype)
        optimizer.step()
        value, v, a, b = reference.step(value, parameter.grad, v, a, b, lr=0.01, **options)
        np.testing.assert_allclose(parameter.data, value, rtol=rtol, atol=rtol)
    state = optimizer.state[parameter]
    assert state["step"] == 5
    for name, wanted in (("square_avg", v), ("grad_avg", a), ("momentum_buffer", b)):
        assert (name in state) == (wanted is not None)
        if wanted is not None:
            np.testing.assert_allclose(state[name], wanted, rtol=rtol, atol=rtol)


def test_defaults_are_torchs():
    group = optim.RMSprop([nn.Parameter(np.zeros(2))]).param_groups[0]
    wanted = {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0}
    assert {key: group[key] for key in wanted} == wanted
    assert (group["centered"], group["maximize"]) == (False, False)


def test_options_switched_on_later():
    """Momentum and the average of gradients start from zero then."""
    parameter = nn.Parameter(np.zeros(3))
    optimizer = optim.RMSprop([parameter], lr=0.1)
    parameter.grad = np.ones(3)
    optimizer.step()
    optimizer.param_groups[0].update(momentum=0.5, centered=True)
    value, v = parameter.data.copy(), optimizer.state[parameter]["square_avg"].copy()
    optimizer.step()
    wanted = reference.step(
        value, parameter.grad, v, np.zeros(3), np.zeros(3), lr=0.1, momentum=0.5, centered=True
    )
    np.testing.assert_allclose(parameter.data, wanted[0], rtol=1e-12)
    np.testing.assert_allclose(optimizer.state[parameter]["momentum_buffer"], wanted[3], rtol=1e-12)


def test_parameters_of_any_age_go_in_one_call(monkeypatch):
    early, late = (nn.Parameter(np.ones(3)) for _ in range(2))
    optimizer = optim.RMSprop([early, late])
    early.grad = np.ones(3)
    optimizer.step()
    late.grad = np.ones(3)
    calls = []
    monkeypatch.setattr(optimizer, "_update", lambda group, cohort: calls.append(len(cohort)))
    optimizer.step()
    assert calls == [2]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"alpha": 1.5}, ValueError, r"expected alpha in \[0, 1\], got 1.5"),
        ({"alpha": -0.1}, ValueError, "expected alpha in"),
        ({"eps": -1.0}, ValueError, "expected eps to be finite and >= 0, got -1.0"),
        ({"momentum": -1.0}, ValueError, "expected momentum to be finite and >= 0, got -1.0"),
        ({"centered": 1}, TypeError, "expected centered to be True or False, got 1"),
        ({"maximize": None}, TypeError, "expected maximize to be True or False, got None"),
    ],
)
def test_refuses(options, error, words):
    with pytest.raises(error, match=rf"\[RMSprop\] {words}"):
        optim.RMSprop([nn.Parameter(np.zeros(2))], **options)


def test_kernel_refuses_what_was_set_between_steps():
    parameter = nn.Parameter(np.zeros(2))
    optimizer = optim.RMSprop([parameter])
    parameter.grad = np.ones(2)
    optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises(ValueError, match=r"\[rmsprop\] expected lr to be finite and >= 0, got -1"):
        optimizer.step()
    assert optimizer.state == {}
