"""Decay to zero by a power of what is left."""

from __future__ import annotations

from fastnn._checks import as_non_negative
from fastnn.optim.lr_scheduler.checks import as_count, checks
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


class PolynomialLR(LRScheduler):
    """Go to zero in total_iters steps: lr (1 - t / total_iters)^power.

    Parameters
    ----------
    optimizer : Optimizer
    total_iters : int
        At least 1.
    power : float
        At least 0.
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=2, power=2.0)
    >>> for epoch in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [1.0]
    [0.25]
    [0.0]
    """

    _options = checks(total_iters=as_count, power=as_non_negative)
    total_iters: int
    power: float

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self._set_options(total_iters=total_iters, power=power)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        left = (self.total_iters - min(self.last_epoch, self.total_iters)) / self.total_iters
        return [lr * left**self.power for lr in self.base_lrs]
