"""Hooks into `fit`.

A hook is called only where a callback overrides it: an unused `on_batch_end` costs nothing per batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from fastnn._checks import as_int
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

    def on_fit_end(self, state: FitState) -> None:
        """At the end, also when an exception or Ctrl-C ends the run."""


HOOKS = ("on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_fit_end")


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


class EarlyStopping(Callback):
    """Stop once `patience` epochs in a row brought no improvement.

    Parameters
    ----------
    monitor : str
        The name in the history to watch.
    patience : int
        Epochs without improvement that end the run, at least 1.
    min_delta : float
        A change counts as improvement only where it is larger than this.
    mode : "min" or "max"
        Whether lower or higher is better. NaN is never an improvement.
    restore_best : bool
        Give the model the weights of the best epoch when `fit` ends, whatever ended it.

    Attributes
    ----------
    best, best_epoch : float, int
        The best value of `monitor` and its epoch; NaN and 0 before the first.

    Raises
    ------
    ValueError
        For `patience` < 1, `min_delta` < 0, an unknown `mode`; from `fit` when `monitor` is not recorded.

    Examples
    --------
    >>> from fastnn.train import EarlyStopping
    >>> stopping = EarlyStopping(monitor="val_accuracy", mode="max", patience=5)

    References
    ----------
    Prechelt, "Early Stopping - But When?", Neural Networks: Tricks of the Trade, 1998.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 3,
        min_delta: float = 0.0,
        mode: Literal["min", "max"] = "min",
        restore_best: bool = True,
    ) -> None:
        if not min_delta >= 0:
            raise ValueError(f"[EarlyStopping] expected min_delta >= 0, got {min_delta}")
        if mode not in ("min", "max"):
            raise ValueError(f"[EarlyStopping] expected mode 'min' or 'max', got {mode!r}")
        self.monitor, self.min_delta, self.mode = monitor, min_delta, mode
        self.patience = as_int("EarlyStopping", "patience", patience, minimum=1)
        self.restore_best = restore_best
        self._reset()

    def _reset(self) -> None:
        self.best, self.best_epoch = float("nan"), 0
        self._waited = 0
        self._best_weights: dict[str, Any] | None = None

    def on_fit_begin(self, state: FitState) -> None:
        """Forget earlier runs."""
        self._reset()

    def on_epoch_end(self, state: FitState) -> None:
        """Keep the weights of a better epoch, or count one more without improvement."""
        if self.monitor not in state.logs:
            known = list(state.logs)
            raise ValueError(f"[EarlyStopping] expected monitor to be one of {known}, got {self.monitor!r}")
        value = state.logs[self.monitor]
        if self._improves(value):
            self.best, self.best_epoch, self._waited = value, state.epoch, 0
            if self.restore_best:
                self._best_weights = {k: np.array(v) for k, v in state.model.state_dict().items()}
        else:
            self._waited += 1
            state.stop = state.stop or self._waited >= self.patience

    def _improves(self, value: float) -> bool:
        if self.best_epoch == 0:
            return not np.isnan(value)
        gain = self.best - value if self.mode == "min" else value - self.best
        return gain > self.min_delta

    def on_fit_end(self, state: FitState) -> None:
        """Bring the best weights back."""
        if self._best_weights is not None:
            state.model.load_state_dict(self._best_weights)
            self._best_weights = None


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
