"""Decay at certain steps: every so often, or at those listed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fastnn._checks import as_int, as_non_negative
from fastnn.optim.lr_scheduler.checks import as_count, checks
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """Multiply by gamma every step_size steps: lr gamma^(t // step_size).

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
        At least 1.
    gamma : float
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(5):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [1.0]
    [1.0]
    [0.5]
    [0.5]
    [0.25]
    """

    _options = checks(step_size=as_count, gamma=as_non_negative)
    step_size: int
    gamma: float

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self._set_options(step_size=step_size, gamma=gamma)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [lr * factor for lr in self.base_lrs]


def _as_milestones(op: str, arg: str, value: Any) -> list[int]:
    """In order; torch saves them as a Counter."""
    try:
        steps = list(Counter(value).elements())
    except TypeError:
        raise TypeError(f"[{op}] expected {arg} to be a list of ints, got {value!r}") from None
    return sorted(as_int(op, arg, step, minimum=0) for step in steps)


class MultiStepLR(LRScheduler):
    """Multiply by gamma at each milestone, where one that comes twice counts twice.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : iterable of int
        Step numbers, in any order.
    gamma : float
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 3], gamma=0.5)
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [1.0]
    [1.0]
    [0.5]
    [0.25]
    """

    _options = checks(milestones=_as_milestones, gamma=as_non_negative)
    milestones: list[int]
    gamma: float

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self._set_options(milestones=milestones, gamma=gamma)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        factor = self.gamma ** bisect_right(self.milestones, self.last_epoch)
        return [lr * factor for lr in self.base_lrs]
