"""Schedules over 200 steps against torch.optim.lr_scheduler, whose own drift is the tolerance."""

from typing import Any

import numpy as np
import pytest
import torch

from fastnn import nn, optim
from fastnn.optim import lr_scheduler

STEPS = 200
LRS = (0.3, 0.02)


def sequence(module: Any, optimizer: Any) -> Any:
    parts = [
        module.LinearLR(optimizer, 0.1, total_iters=5),
        module.CosineAnnealingLR(optimizer, 30),
        module.CosineAnnealingWarmRestarts(optimizer, 9, 2),
        module.ExponentialLR(optimizer, 0.99),
    ]
    return module.SequentialLR(optimizer, parts, [5, 60, 100])


SCHEDULES = {
    "StepLR": lambda module, o: module.StepLR(o, 7, 0.9),
    "MultiStepLR": lambda module, o: module.MultiStepLR(o, [3, 3, 50, 120], 0.3),
    "ConstantLR": lambda module, o: module.ConstantLR(o, 0.2, 30),
    "LinearLR": lambda module, o: module.LinearLR(o, 0.1, 0.9, 50),
    "ExponentialLR": lambda module, o: module.ExponentialLR(o, 0.95),
    "PolynomialLR": lambda module, o: module.PolynomialLR(o, 150, 2.5),
    "CosineAnnealingLR": lambda module, o: module.CosineAnnealingLR(o, 23, 1e-3),
    "CosineAnnealingLR of one step": lambda module, o: module.CosineAnnealingLR(o, 1),
    "CosineAnnealingWarmRestarts": lambda module, o: module.CosineAnnealingWarmRestarts(o, 10, 2, 1e-3),
    "LambdaLR": lambda module, o: module.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1 / (1 + t)]),
    "OneCycleLR": lambda module, o: module.OneCycleLR(o, [0.1, 1.0], STEPS),
    "OneCycleLR of three phases": lambda module, o: module.OneCycleLR(
        o, 0.1, epochs=20, steps_per_epoch=10, three_phase=True, anneal_strategy="linear"
    ),
    "SequentialLR": sequence,
}


def rates(make: Any, package: Any, parameter: Any) -> np.ndarray:
    """Learning rates and momenta before each step."""
    optimizer = package.SGD([{"params": [parameter()], "lr": lr} for lr in LRS])
    module = lr_scheduler if package is optim else torch.optim.lr_scheduler
    scheduler = make(module, optimizer)
    found = []
    for _ in range(STEPS - 1):
        found.append([*scheduler.get_last_lr(), *(group["momentum"] for group in optimizer.param_groups)])
        optimizer.step()
        scheduler.step()
    return np.array(found)


@pytest.mark.parametrize("make", SCHEDULES.values(), ids=list(SCHEDULES))
def test_schedule(make: Any) -> None:
    ours = rates(make, optim, lambda: nn.Parameter(np.zeros(2)))
    theirs = rates(make, torch.optim, lambda: torch.nn.Parameter(torch.zeros(2)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-16)
