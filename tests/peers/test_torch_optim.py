"""Optimizers step by step against torch.optim, over random options."""

from typing import Any

import numpy as np
import pytest
import torch

from fastnn import nn, optim

CASES = 60
STEPS = 6
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}
SHAPES = ((3, 5), (7,), (1,), (4, 2, 3))


def flag(rng: np.random.Generator) -> bool:
    return bool(rng.integers(2))


def sgd_options(rng: np.random.Generator) -> dict[str, Any]:
    momentum = float(rng.choice([0.0, 0.5, 0.9]))
    nesterov = momentum > 0 and flag(rng)
    return {
        "lr": float(rng.choice([0.01, 0.1])),
        "momentum": momentum,
        "dampening": 0.0 if nesterov else float(rng.choice([0.0, 0.3])),
        "weight_decay": float(rng.choice([0.0, 0.1])),
        "nesterov": nesterov,
        "maximize": flag(rng),
    }


def adam_options(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "lr": float(rng.choice([0.001, 0.1])),
        "betas": (float(rng.choice([0.0, 0.9])), float(rng.choice([0.9, 0.999]))),
        "eps": float(rng.choice([1e-8, 1e-2])),
        "weight_decay": float(rng.choice([0.0, 0.1])),
        "amsgrad": flag(rng),
        "maximize": flag(rng),
    }


def rmsprop_options(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "lr": float(rng.choice([0.001, 0.01])),
        "alpha": float(rng.choice([0.5, 0.99])),
        "eps": float(rng.choice([1e-8, 1e-2])),
        "weight_decay": float(rng.choice([0.0, 0.1])),
        "momentum": float(rng.choice([0.0, 0.9])),
        "maximize": flag(rng),
    }


def adagrad_options(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "lr": float(rng.choice([0.01, 0.1])),
        "lr_decay": float(rng.choice([0.0, 0.1])),
        "weight_decay": float(rng.choice([0.0, 0.1])),
        "initial_accumulator_value": float(rng.choice([0.0, 0.5])),
        "eps": float(rng.choice([1e-10, 1e-2])),
        "maximize": flag(rng),
    }


OPTIONS = {
    "SGD": sgd_options,
    "Adam": adam_options,
    "AdamW": adam_options,
    "RMSprop": rmsprop_options,
    "Adagrad": adagrad_options,
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("name", "draw"), OPTIONS.items())
def test_optimizer(name: str, draw: Any, dtype: str) -> None:
    rng = np.random.default_rng(3)
    for case in range(CASES):
        options = draw(rng)
        start = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
        ours = [nn.Parameter(a.copy()) for a in start]
        theirs = [torch.nn.Parameter(torch.tensor(a)) for a in start]
        steppers = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
        for step in range(STEPS):
            for p, q in zip(ours, theirs, strict=True):
                p.grad = rng.standard_normal(p.data.shape).astype(dtype)
                q.grad = torch.tensor(p.grad)
            for stepper in steppers:
                stepper.step()
            for p, q in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(
                    p.data,
                    q.detach().numpy(),
                    rtol=TOLERANCE[dtype],
                    atol=TOLERANCE[dtype],
                    err_msg=f"{name} case {case} step {step} {options}",
                )
