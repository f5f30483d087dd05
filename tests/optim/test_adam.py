"""Adam and AdamW over several steps against the formula in float64."""

import numpy as np
import pytest

from fastnn import nn, optim
from tests.reference import adam as reference

OPTIONS = [
    {},
    {"weight_decay": 0.1},
    {"amsgrad": True},
    {"betas": (0.5, 0.8), "eps": 1e-3},
    {"betas": (0.0, 0.0)},
    {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("cls", [optim.Adam, optim.AdamW])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_steps(cls, options, dtype, rtol, rng):
    parameter = nn.Parameter(rng.standard_normal((5, 7)).astype(dtype))
    optimizer = cls([parameter], lr=0.1, **options)
    settings = {**optimizer.param_groups[0], "decoupled": cls is optim.AdamW}
    amsgrad, (beta1, beta2) = settings.pop("amsgrad"), settings.pop("betas")
    del settings["params"], settings["decoupled_weight_decay"]
    value, m, v = parameter.data.astype(np.float64), np.zeros((5, 7)), np.zeros((5, 7))
    largest = np.zeros((5, 7)) if amsgrad else None
    for step in range(1, 6):
        scale = 10.0 if step == 2 else 1.0  # so that the maximum of amsgrad stays behind
        parameter.grad = (scale * rng.standard_normal((5, 7))).astype(dtype)
        optimizer.step()
        value, m, v, largest = reference.step(
            value, parameter.grad, m, v, largest, step=step, beta1=beta1, beta2=beta2, **settings
        )
        np.testing.assert_allclose(parameter.data, value, rtol=rtol, atol=rtol)
    assert optimizer.state[parameter]["step"] == 5
    assert ("max_exp_avg_sq" in optimizer.state[parameter]) == amsgrad


def test_defaults_are_torchs():
    adam, adamw = (cls([nn.Parameter(np.zeros(2))]).param_groups[0] for cls in (optim.Adam, optim.AdamW))
    wanted = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False, "maximize": False}
    assert {key: adam[key] for key in wanted} == {key: adamw[key] for key in wanted} == wanted
    assert (adam["weight_decay"], adamw["weight_decay"]) == (0.0, 1e-2)


def test_adam_with_decoupled_decay_is_adamw():
    twins = [nn.Parameter(np.ones(3)) for _ in range(2)]
    first = optim.Adam(twins[:1], weight_decay=0.1, decoupled_weight_decay=True)
    second = optim.AdamW(twins[1:], weight_decay=0.1)
    for twin, optimizer in zip(twins, (first, second), strict=True):
        twin.grad = np.full(3, 0.5)
        optimizer.step()
    np.testing.assert_array_equal(twins[0].data, twins[1].data)


def test_adamw_decays_as_it_does_whatever_was_saved():
    (saved,) = [optim.Adam([nn.Parameter(np.ones(3))]).state_dict()]
    optimizer = optim.AdamW([nn.Parameter(np.ones(3))])
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


def test_amsgrad_switched_on_later():
    parameter = nn.Parameter(np.zeros(3))
    optimizer = optim.Adam([parameter])
    parameter.grad = np.ones(3)
    optimizer.step()
    optimizer.param_groups[0]["amsgrad"] = True
    optimizer.step()
    state = optimizer.state[parameter]
    np.testing.assert_array_equal(state["max_exp_avg_sq"], state["exp_avg_sq"])


@pytest.mark.parametrize("cls", [optim.Adam, optim.AdamW])
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"betas": (0.9, 1.0)}, ValueError, r"expected betas in \[0, 1\), got \(0.9, 1.0\)"),
        ({"betas": (-0.1, 0.9)}, ValueError, "expected betas in"),
        ({"betas": 0.9}, TypeError, "expected betas to be a pair of numbers, got 0.9"),
        ({"betas": (0.9, "a")}, TypeError, r"expected betas\[1\] to be a number, got 'a'"),
        ({"eps": -1.0}, ValueError, "expected eps to be finite and >= 0, got -1.0"),
        ({"amsgrad": 0}, TypeError, "expected amsgrad to be True or False, got 0"),
    ],
)
def test_refuses(cls, options, error, words):
    with pytest.raises(error, match=rf"\[{cls.__name__}\] {words}"):
        cls([nn.Parameter(np.zeros(2))], **options)
