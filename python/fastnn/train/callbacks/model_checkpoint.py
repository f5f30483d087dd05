"""Saving a run while it goes on, and going on with a saved one."""

from __future__ import annotations

from os import PathLike
from typing import Any, Literal

from fastnn._checks import as_int
from fastnn.io import load_checkpoint, save_checkpoint
from fastnn.train.callbacks.base import FitState, Monitor


class ModelCheckpoint(Monitor):
    """Save the whole run after epochs: after the best ones, or after all.

    Parameters
    ----------
    path : path
        Replaced at each save; a kill leaves the last one whole. See `fastnn.io.save_checkpoint`.
    monitor : str, optional
        Save only after an epoch whose value of this name is the best so far. None saves after each epoch.
    mode : "min" or "max"
        Whether lower or higher is better.
    every : int
        Without `monitor`, save after every so many epochs, and after the last one.

    Attributes
    ----------
    best, best_epoch : float, int
        The best value of `monitor` and its epoch; NaN and 0 before the first.

    Raises
    ------
    ValueError
        For an unknown `mode`, `every` < 1; from `fit` when `monitor` is not recorded.

    Notes
    -----
    `fit(..., resume=path)` goes on from the file, bit for bit; `fastnn.io.load_weights` takes the weights
    alone.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> def run(epochs, path, resume=None):
    ...     model = nn.Linear(2, 2)
    ...     optimizer = optim.Adam(model.parameters(), lr=0.1)
    ...     data = np.eye(2), np.array([0, 1])
    ...     return train.fit(
    ...         model, nn.CrossEntropyLoss(), optimizer, data, epochs=epochs, resume=resume,
    ...         callbacks=[train.ModelCheckpoint(path)],
    ...     )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "last.safetensors")
    ...     first = run(2, path)
    ...     run(5, path, resume=path).epochs
    [1, 2, 3, 4, 5]
    """

    def __init__(
        self,
        path: str | PathLike[str],
        monitor: str | None = None,
        mode: Literal["min", "max"] = "min",
        every: int = 1,
    ) -> None:
        self.path = path
        self.every = as_int("ModelCheckpoint", "every", every, minimum=1)
        self._watch(monitor, mode)

    def on_epoch_end(self, state: FitState) -> None:
        """Compare with the best epoch: before any callback saves, so that each file knows it."""
        if self.monitor is not None:
            self._improves(state)

    def on_checkpoint(self, state: FitState) -> None:
        """Save, if this epoch is one to be saved."""
        if self.monitor is not None:
            wanted = self.best_epoch == state.epoch
        else:
            wanted = state.epoch % self.every == 0 or state.epoch == state.epochs or state.stop
        if wanted and state.rank == 0:
            save_run(self.path, state)


def save_run(path: str | PathLike[str], state: FitState) -> None:
    """Everything that `resume_run` brings back."""
    callbacks = [(type(callback).__name__, callback.state_dict()) for callback in state.callbacks]
    extra = {"history": state.history.to_dict(), "stop": state.stop, "callbacks": callbacks}
    save_checkpoint(path, state.model, **_parts(state), extra=extra)


def load_run(path: str | PathLike[str], state: FitState) -> list[dict[str, Any]]:
    """Brings the run of `state` to where `save_run` found one like it; returns its callbacks' states."""
    extra = load_checkpoint(path, state.model, **_parts(state))
    if not isinstance(extra, dict) or extra.keys() != {"history", "stop", "callbacks"}:
        raise ValueError(f"[fit] expected resume to name a file of ModelCheckpoint, got {str(path)!r}")
    names, saved = (
        [type(callback).__name__ for callback in state.callbacks],
        [n for n, _ in extra["callbacks"]],
    )
    if names != saved:
        raise ValueError(f"[fit] expected the callbacks {saved} that were saved, got {names}")
    state.history.load_dict(extra["history"])
    state.stop, state.epoch = extra["stop"], len(state.history.epochs)
    return [its_state for _, its_state in extra["callbacks"]]


def _parts(state: FitState) -> dict[str, Any]:
    """What has a state besides the model."""
    parts = {"optimizer": state.optimizer, "scheduler": state.scheduler, "loader": state.loader}
    return {name: part for name, part in parts.items() if hasattr(part, "state_dict")}
