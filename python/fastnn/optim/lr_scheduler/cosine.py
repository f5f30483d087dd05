"""Half a cosine wave down, and up again."""

from __future__ import annotations

from fastnn._checks import as_non_negative
from fastnn.optim.lr_scheduler.annealing import cosine
from fastnn.optim.lr_scheduler.checks import as_count, checks
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """Go from lr to eta_min in T_max steps: eta_min + (lr - eta_min) (1 + cos(pi t / T_max)) / 2.

    After T_max steps the wave goes on, up to lr again. Loshchilov and Hutter, "SGDR: Stochastic Gradient
    Descent with Warm Restarts", ICLR 2017, without the restarts.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
        At least 1.
    eta_min : float
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> for epoch in range(3):
    ...     print(f"{scheduler.get_last_lr()[0]:.2f}")
    ...     optimizer.step()
    ...     scheduler.step()
    1.00
    0.50
    0.00
    """

    _options = checks(T_max=as_count, eta_min=as_non_negative)
    T_max: int
    eta_min: float

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self._set_options(T_max=T_max, eta_min=eta_min)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        # Folded into the first half of the wave, so that every turn meets its ends exactly.
        t = self.last_epoch % (2 * self.T_max)
        part = min(t, 2 * self.T_max - t) / self.T_max
        return [cosine(lr, self.eta_min, part) for lr in self.base_lrs]
