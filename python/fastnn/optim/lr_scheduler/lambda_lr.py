"""A schedule given as a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastnn.optim.lr_scheduler.checks import as_optimizer
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


class LambdaLR(LRScheduler):
    """Multiply by lr_lambda(t).

    `state_dict` holds no functions: make the scheduler with the same ones before loading.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable, or list of them, one a group
        From the step number to a factor.
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    _passed_over = ("lr_lambdas",)

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(as_optimizer("LambdaLR", optimizer).param_groups)
        several: list[Any] = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        for function in several:
            if not callable(function):
                raise TypeError(f"[LambdaLR] expected lr_lambda to be callable, got {function!r}")
        if len(several) != groups:
            raise ValueError(
                f"[LambdaLR] expected {groups} functions, one a parameter group, got {len(several)}"
            )
        self.lr_lambdas: list[Callable[[int], float]] = several
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        return [lr * float(f(self.last_epoch)) for lr, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]
