"""Decay whenever a metric stops improving."""

from __future__ import annotations

from math import inf
from typing import Any, Literal

from fastnn._checks import as_float, as_non_negative
from fastnn.optim.lr_scheduler.checks import as_index, as_numbers, as_one_of, as_optimizer, checks, per_group
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


def _as_factor(op: str, arg: str, value: Any) -> float:
    factor = as_non_negative(op, arg, value)
    if factor >= 1.0:
        raise ValueError(f"[{op}] expected {arg} in [0, 1), got {value}")
    return factor


class ReduceLROnPlateau(LRScheduler):
    """Multiply by factor once more than `patience` steps in a row brought no improvement.

    Improvement is a metric below best (1 - threshold) or, in threshold_mode "abs", below best - threshold;
    in mode "max" above best (1 + threshold) or best + threshold. NaN is none. `fit` hands it the validation
    loss, or without validation the training loss.

    Parameters
    ----------
    optimizer : Optimizer
    mode : "min" or "max"
        Whether lower or higher is better.
    factor : float in [0, 1)
    patience : int
        Steps without improvement that are tolerated.
    threshold : float
    threshold_mode : "rel" or "abs"
    cooldown : int
        Steps after a decay in which nothing is counted.
    min_lr : float, or list of them, one a group
        The learning rates stay above it.
    eps : float
        A decay by no more than this is left out.

    Raises
    ------
    TypeError, ValueError
        For anything but an optimizer, and for options of the wrong type or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     scheduler.step(loss)
    ...     print(scheduler.get_last_lr())
    [1.0]
    [1.0]
    [1.0]
    [0.5]
    """

    _options = checks(
        mode=as_one_of("min", "max"),
        factor=_as_factor,
        patience=as_index,
        threshold=as_non_negative,
        threshold_mode=as_one_of("rel", "abs"),
        cooldown=as_index,
        min_lrs=as_numbers,
        eps=as_non_negative,
    )
    _progress = checks(
        best=as_float,
        num_bad_epochs=as_index,
        cooldown_counter=as_index,
        last_epoch=as_index,
        _last_lr=as_numbers,
    )
    _passed_over = ("default_min_lr", "mode_worse")

    mode: Literal["min", "max"]
    factor: float
    patience: int
    threshold: float
    threshold_mode: Literal["rel", "abs"]
    cooldown: int
    min_lrs: list[float]
    eps: float

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = as_optimizer("ReduceLROnPlateau", optimizer)
        self._set_options(
            mode=mode,
            factor=factor,
            patience=patience,
            threshold=threshold,
            threshold_mode=threshold_mode,
            cooldown=cooldown,
            min_lrs=per_group("ReduceLROnPlateau", "min_lr", min_lr, len(optimizer.param_groups)),
            eps=eps,
        )
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: float) -> None:  # type: ignore[override]  # torch's signature
        """Take the metric of one more epoch, and lower the learning rates where it says so."""
        value = as_float("ReduceLROnPlateau", "metrics", metrics)
        self.last_epoch += 1
        if self._improves(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        lrs = self.get_lr()
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
            lrs = [self._lowered(lr, least) for lr, least in zip(lrs, self.min_lrs, strict=True)]
        self._write(lrs)

    def get_lr(self) -> list[float]:
        """Return the learning rates that the groups have."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _improves(self, value: float) -> bool:
        down = self.mode == "min"
        change = -self.threshold if down else self.threshold
        limit = self.best * (1.0 + change) if self.threshold_mode == "rel" else self.best + change
        return value < limit if down else value > limit

    def _lowered(self, lr: float, least: float) -> float:
        new = max(lr * self.factor, least)
        return new if lr - new > self.eps else lr

    def _apply(self) -> None:
        self._write(self._last_lr)
