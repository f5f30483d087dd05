"""Half a cosine wave down, again and again."""

from __future__ import annotations

from math import floor, inf

from fastnn._checks import as_float, as_non_negative
from fastnn.optim.lr_scheduler.annealing import cosine
from fastnn.optim.lr_scheduler.checks import as_count, checks
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


class CosineAnnealingWarmRestarts(LRScheduler):
    """Go from lr to eta_min along a cosine, and start anew: after T_0 steps, then after T_mult times as many.

    eta_min + (lr - eta_min) (1 + cos(pi T_cur / T_i)) / 2 at T_cur steps since the last restart, in a cycle
    of T_i. Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.

    Parameters
    ----------
    optimizer : Optimizer
    T_0, T_mult : int
        At least 1.
    eta_min : float
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for epoch in range(3):
    ...     print(f"{scheduler.get_last_lr()[0]:.2f}")
    ...     optimizer.step()
    ...     scheduler.step()
    1.00
    0.50
    1.00
    """

    _options = checks(
        T_0=as_count,
        T_mult=as_count,
        eta_min=as_non_negative,
    )
    _progress = checks(
        **LRScheduler._progress,
        T_cur=as_non_negative,
        T_i=as_count,
    )
    T_0: int
    T_mult: int
    eta_min: float
    T_cur: float
    T_i: int

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self._set_options(T_0=T_0, T_mult=T_mult, eta_min=eta_min)
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """Go one step on, or to `epoch`, which may lie between two: epoch + batch / batches.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
        >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=1)
        >>> scheduler.step(3 + 1 / 2)
        >>> f"{scheduler.get_last_lr()[0]:.2f}"
        '0.50'
        """
        if epoch is not None:
            at = as_float("CosineAnnealingWarmRestarts", "epoch", epoch)
            if not 0.0 <= at < inf:
                raise ValueError(
                    f"[CosineAnnealingWarmRestarts] expected epoch to be finite and >= 0, got {epoch}"
                )
            self._go_to(at)
            return
        self.last_epoch += 1
        self.T_cur += 1
        if self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        self._apply()

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        return [cosine(lr, self.eta_min, self.T_cur / self.T_i) for lr in self.base_lrs]

    def _move(self, epoch: int) -> None:
        self._go_to(epoch)

    def _go_to(self, epoch: float) -> None:
        self.T_cur, self.T_i = epoch, self.T_0
        if self.T_mult == 1:
            self.T_cur %= self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        self.last_epoch = floor(epoch)
        self._apply()
