"""Optimizers to schedule, and the learning rates that a scheduler gives them."""

import numpy as np

from fastnn import nn, optim


def make_optimizer(*lrs, cls=optim.SGD):
    """One group a learning rate."""
    return cls([{"params": [nn.Parameter(np.zeros(2))], "lr": lr} for lr in lrs])


def rates(scheduler, steps):
    """The learning rate of each group, before the first step and after each."""
    found = [scheduler.get_last_lr()]
    for _ in range(steps):
        scheduler.step()
        found.append(scheduler.get_last_lr())
        assert found[-1] == [group["lr"] for group in scheduler.optimizer.param_groups]
    return found
