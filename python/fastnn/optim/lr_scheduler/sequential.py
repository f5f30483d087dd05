"""Schedules one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from fastnn._checks import as_int
from fastnn.optim.lr_scheduler.checks import as_index, as_numbers, checks
from fastnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


def _as_milestones(op: str, arg: str, value: Any) -> list[int]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"[{op}] expected {arg} to be a list of ints, got {value!r}")
    steps = [as_int(op, arg, step, minimum=0) for step in value]
    if steps != sorted(steps):
        raise ValueError(f"[{op}] expected {arg} in rising order, got {value}")
    return steps


class SequentialLR(LRScheduler):
    """Follow the first scheduler up to the first milestone, then the second, which counts from 0 there, ...

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : list of LRScheduler
        All of this optimizer, made before this one; any but ReduceLROnPlateau, and SequentialLR too.
    milestones : list of int
        Step numbers in rising order, one fewer than schedulers.
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    A warm-up of two steps:

    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> from fastnn.optim import lr_scheduler
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=1.0)
    >>> warm_up = lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = lr_scheduler.SequentialLR(optimizer, [warm_up, decay], milestones=[2])
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.5]
    [0.75]
    [1.0]
    [0.5]
    """

    _options = checks(_milestones=_as_milestones)
    _progress = checks(last_epoch=as_index, _last_lr=as_numbers)
    _milestones: list[int]

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self._schedulers = _checked_schedulers(optimizer, schedulers)
        self._milestones = _as_milestones("SequentialLR", "milestones", milestones)
        if len(self._milestones) != len(self._schedulers) - 1:
            raise ValueError(
                f"[SequentialLR] expected {len(self._schedulers) - 1} milestones for "
                f"{len(self._schedulers)} schedulers, got {len(self._milestones)}"
            )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        return self._active()[0].get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of this scheduler and of those that it follows, as plain data."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def _active(self) -> tuple[LRScheduler, int]:
        """The scheduler that serves this step, and the step at which it began."""
        index = bisect_right(self._milestones, self.last_epoch)
        return self._schedulers[index], self._milestones[index - 1] if index else 0

    def _apply(self) -> None:
        scheduler, start = self._active()
        scheduler._move(self.last_epoch - start)
        self._last_lr = scheduler.get_last_lr()

    def _checked_state(self, saved: Mapping[str, Any]) -> dict[str, Any]:
        state = super()._checked_state(saved)
        inner = saved.get("_schedulers", ())
        if len(inner) != len(self._schedulers) or len(state["_milestones"]) != len(self._milestones):
            raise ValueError(
                f"[SequentialLR.load_state_dict] expected the states of {len(self._schedulers)} schedulers, "
                f"got {len(inner)} with {len(state['_milestones'])} milestones"
            )
        checked = [s._checked_state(one) for s, one in zip(self._schedulers, inner, strict=True)]
        return {**state, "_schedulers": checked}

    def _take(self, state: dict[str, Any]) -> None:
        for scheduler, one in zip(self._schedulers, state.pop("_schedulers"), strict=True):
            scheduler._take(one)
        super()._take(state)


def _checked_schedulers(optimizer: Optimizer, schedulers: Any) -> list[LRScheduler]:
    if not isinstance(schedulers, (list, tuple)) or not schedulers:
        raise ValueError(
            f"[SequentialLR] expected schedulers to be a list of at least one, got {schedulers!r}"
        )
    for i, scheduler in enumerate(schedulers):
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(
                f"[SequentialLR] expected schedulers[{i}] to be a scheduler, got {type(scheduler).__name__}"
            )
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"[SequentialLR] expected schedulers that step without a metric, got ReduceLROnPlateau at {i}"
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(f"[SequentialLR] expected schedulers of this optimizer, got another's at {i}")
    return list(schedulers)
