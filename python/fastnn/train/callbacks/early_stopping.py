"""Ending a run that brings nothing any more."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from fastnn._checks import as_int
from fastnn.train.callbacks.base import FitState, Monitor


class EarlyStopping(Monitor):
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
        self._watch(monitor, mode, min_delta)
        self.patience = as_int("EarlyStopping", "patience", patience, minimum=1)
        self.restore_best = restore_best

    def _forget(self) -> None:
        super()._forget()
        self._waited = 0
        self._best_weights: dict[str, Any] | None = None

    def on_epoch_end(self, state: FitState) -> None:
        """Keep the weights of a better epoch, or count one more without improvement."""
        if self._improves(state):
            self._waited = 0
            if self.restore_best:
                self._best_weights = {k: np.array(v) for k, v in state.model.state_dict().items()}
        else:
            self._waited += 1
            state.stop = state.stop or self._waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """The best value, its epoch and weights, and the epochs waited since."""
        return {**super().state_dict(), "waited": self._waited, "best_weights": self._best_weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on waiting where `state` was taken."""
        super().load_state_dict(state)
        self._waited, self._best_weights = state["waited"], state["best_weights"]

    def on_fit_end(self, state: FitState) -> None:
        """Bring the best weights back."""
        if self._best_weights is not None:
            state.model.load_state_dict(self._best_weights)
            self._best_weights = None
