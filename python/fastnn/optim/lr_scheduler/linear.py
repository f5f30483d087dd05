"""A straight line from one factor to another."""

from __future__ import annotations

from typing import Any

from fastnn._checks import as_probability
from fastnn.optim.lr_scheduler.annealing import linear
from fastnn.optim.lr_scheduler.checks import as_count, as_positive, checks
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


def _as_start(op: str, arg: str, value: Any) -> float:
    as_positive(op, arg, value)
    return as_probability(op, arg, value)


class LinearLR(LRScheduler):
    """Multiply by a factor that goes from start_factor to end_factor in total_iters steps, and stays there.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor : float in (0, 1]
    end_factor : float in [0, 1]
    total_iters : int
        At least 1.
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.5]
    [0.75]
    [1.0]
    [1.0]
    """

    _options = checks(
        start_factor=_as_start,
        end_factor=as_probability,
        total_iters=as_count,
    )
    start_factor: float
    end_factor: float
    total_iters: int

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self._set_options(start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        part = min(self.last_epoch, self.total_iters) / self.total_iters
        factor = linear(self.start_factor, self.end_factor, part)
        return [lr * factor for lr in self.base_lrs]
