"""Adagrad over several steps against the formula in float64."""

import numpy as np
import pytest

from fastnn import nn, optim
from tests.reference import adagrad as reference

OPTIONS = [
    {},
    {"weight_decay": 0.1},
    {"lr_decay": 0.5, "eps": 1e-3},
    {"average": True},
    {"average": True, "lr_decay": 0.1, "maximize": True},
]


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_steps(options, start, dtype, rtol, rng):
    parameter = nn.Parameter(rng.standard_normal((5, 7)).astype(dtype))
    optimizer = optim.Adagrad([parameter], lr=0.1, initial_accumulator_value=start, **options)
    value, total = parameter.data.astype(np.float64), np.full((5, 7), start)
    for step in range(1, 6):
        parameter.grad = rng.standard_normal((5, 7)).astype(dtype)
        optimizer.step()
        value, total = reference.step(value, parameter.grad, total, lr=0.1, step=step, **options)
        np.testing.assert_allclose(parameter.data, value, rtol=rtol, atol=rtol)
    assert optimizer.state[parameter]["step"] == 5
    np.testing.assert_allclose(optimizer.state[parameter]["sum"], total, rtol=rtol)


def test_defaults_are_torchs():
    group = optim.Adagrad([nn.Parameter(np.zeros(2))]).param_groups[0]
    wanted = {
        "lr": 1e-2,
        "lr_decay": 0.0,
        "weight_decay": 0.0,
        "initial_accumulator_value": 0.0,
        "eps": 1e-10,
    }
    assert {key: group[key] for key in wanted} == wanted
    assert (group["maximize"], group["average"]) == (False, False)


def test_mean_with_falling_lr_is_the_sum(rng):
    """Over the root of the mean, lr / sqrt(t) makes the steps that lr makes over the root of the sum."""
    twins = [nn.Parameter(np.ones(5)) for _ in range(2)]
    usual = optim.Adagrad(twins[:1], lr=0.1, eps=0.0)
    average = optim.Adagrad(twins[1:], eps=0.0, average=True)
    for t in range(1, 10):
        twins[0].grad = twins[1].grad = rng.standard_normal(5)
        average.param_groups[0]["lr"] = 0.1 / t**0.5
        usual.step()
        average.step()
        np.testing.assert_allclose(twins[0].data, twins[1].data, rtol=1e-12)


def test_each_group_starts_with_its_own_value():
    first, second = (nn.Parameter(np.zeros(2)) for _ in range(2))
    groups = [{"params": [first]}, {"params": [second], "initial_accumulator_value": 3.0}]
    optimizer = optim.Adagrad(groups, lr=1.0)
    first.grad = second.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_allclose(first.data, -1.0, rtol=1e-9)
    np.testing.assert_allclose(second.data, -0.5, rtol=1e-9)


def test_loads_state_from_before_the_first_step():
    """Torch makes the sums together with the optimizer."""
    parameter = nn.Parameter(np.zeros(2))
    optimizer = optim.Adagrad([parameter], lr=1.0)
    state = {"step": np.float32(0.0), "sum": np.full(2, 3.0, np.float32)}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [{"params": [0], "fused": None}]})
    parameter.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_allclose(parameter.data, -0.5, rtol=1e-9)
    assert optimizer.state[parameter]["step"] == 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"lr_decay": -0.1}, ValueError, "expected lr_decay to be finite and >= 0, got -0.1"),
        ({"initial_accumulator_value": -1}, ValueError, "expected initial_accumulator_value .*, got -1"),
        ({"eps": "a"}, TypeError, "expected eps to be a number, got 'a'"),
        ({"average": 1}, TypeError, "expected average to be True or False, got 1"),
    ],
)
def test_refuses(options, error, words):
    with pytest.raises(error, match=rf"\[Adagrad\] {words}"):
        optim.Adagrad([nn.Parameter(np.zeros(2))], **options)
