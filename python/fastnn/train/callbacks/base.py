"""Hooks into `fit`.

A hook is called only where a callback overrides it: an unused `on_batch_end` costs nothing per batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from fastnn.train.history import History

if TYPE_CHECKING:
    from fastnn.nn import Module
    from fastnn.optim import Optimizer


@dataclass
class FitState:
    """What a hook sees of the running `fit`, and `stop`, which it may set.

    Attributes
    ----------
    epoch, batch : int
        Counted from 1; `batch` and `batch_loss` are those of the step just done.
    epochs : int
        The last epoch planned.
    logs : dict
        Values of the epoch just ended (`"loss"`, `"val_loss"`, ...).
    stop : bool
        True ends training: after this batch when set in `on_batch_end`, else after this epoch.
    scheduler, loader : object
        What `fit` was given or made; None without a scheduler.
    callbacks : tuple of Callback
        All of them, in their order.
    rank : int
        Of the process, where several train together; hooks run on all of them, and what writes files or
        prints does so on rank 0. `batch_loss` is this rank's; `logs` and `stop` are the same everywhere.

    Examples
    --------
    Stop once the training loss is small enough:

    >>> from fastnn.train import LambdaCallback
    >>> def good_enough(state):
    ...     state.stop = state.logs["loss"] < 0.01
    >>> callback = LambdaCallback(on_epoch_end=good_enough)
    """

    model: Module
    loss: Any
    optimizer: Optimizer
    history: History
    epochs: int
    epoch: int = 0
    batch: int = 0
    batch_loss: float = float("nan")
    logs: dict[str, float] = field(default_factory=dict)
    stop: bool = False
    scheduler: Any = None
    loader: Any = None
    callbacks: tuple[Callback, ...] = ()
    rank: int = 0


Hook: TypeAlias = Callable[[FitState], None]


class Callback:
    """Override the hooks you need; each gets the `FitState`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> class CountSteps(train.Callback):
    ...     steps = 0
    ...     def on_batch_end(self, state):
    ...         self.steps += 1
    >>> model, counter = nn.Linear(2, 2), CountSteps()
    >>> data = np.zeros((10, 2)), np.zeros(10, int)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> history = train.fit(
    ...     model, nn.CrossEntropyLoss(), optimizer, data, epochs=3, batch_size=4, callbacks=[counter]
    ... )
    >>> counter.steps
    9
    """

    def on_fit_begin(self, state: FitState) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, state: FitState) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, state: FitState) -> None:
        """After each optimizer step."""

    def on_epoch_end(self, state: FitState) -> None:
        """After validation, with `state.logs` already in `state.history`."""

    def on_checkpoint(self, state: FitState) -> None:
        """After every `on_epoch_end`: nothing changes any more in this epoch, so it is the time to save."""

    def on_fit_end(self, state: FitState) -> None:
        """At the end, also when an exception or Ctrl-C ends the run."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to know: numbers, strings, arrays, and dicts, lists, tuples of these."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; called after `on_fit_begin`."""


HOOKS = ("on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_checkpoint", "on_fit_end")


class LambdaCallback(Callback):
    """A callback made of functions.

    >>> from fastnn.train import LambdaCallback
    >>> show_loss = LambdaCallback(on_epoch_end=lambda state: print(state.epoch, state.logs["loss"]))

    Raises TypeError for a name that is no hook.
    """

    def __init__(self, **hooks: Hook) -> None:
        for name, hook in hooks.items():
            if name not in HOOKS:
                raise TypeError(f"[LambdaCallback] expected hooks among {HOOKS}, got {name!r}")
            setattr(self, name, hook)


class Monitor(Callback):
    """What callbacks share that watch for the best epoch.

    NaN is never the best.
    """

    monitor: str | None
    best: float  # NaN and epoch 0 before the first
    best_epoch: int

    def _watch(self, monitor: str | None, mode: str, min_delta: float = 0.0) -> None:
        op = type(self).__name__
        if mode not in ("min", "max"):
            raise ValueError(f"[{op}] expected mode 'min' or 'max', got {mode!r}")
        if not min_delta >= 0:
            raise ValueError(f"[{op}] expected min_delta >= 0, got {min_delta}")
        self.monitor, self.mode, self.min_delta = monitor, mode, min_delta
        self._forget()

    def _forget(self) -> None:
        self.best, self.best_epoch = float("nan"), 0

    def _improves(self, state: FitState) -> bool:
        """Takes this epoch as the best, where it is better than the best so far by more than min_delta."""
        if self.monitor not in state.logs:
            known = list(state.logs)
            raise ValueError(
                f"[{type(self).__name__}] expected monitor to be one of {known}, got {self.monitor!r}"
            )
        value = state.logs[self.monitor]
        gain = self.best - value if self.mode == "min" else value - self.best
        better = not math.isnan(value) if self.best_epoch == 0 else gain > self.min_delta
        if better:
            self.best, self.best_epoch = value, state.epoch
        return better

    def on_fit_begin(self, state: FitState) -> None:
        """Forget earlier runs."""
        self._forget()

    def state_dict(self) -> dict[str, Any]:
        """The best value and its epoch."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on comparing with the best so far."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]


class Hooks:
    """The hooks that a list of callbacks really overrides, by name."""

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        several = list(callbacks)
        self._by_name = {name: [h for c in several for h in _overridden(c, name)] for name in HOOKS}

    def __getitem__(self, name: str) -> list[Hook]:
        return self._by_name[name]

    def call(self, name: str, state: FitState) -> None:
        for hook in self._by_name[name]:
            hook(state)


def _overridden(callback: Callback, name: str) -> list[Hook]:
    hook: Hook | None = getattr(callback, name, None)
    if hook is None or getattr(hook, "__func__", hook) is getattr(Callback, name):
        return []
    return [hook]
