"""Ending a run that has exploded."""

from __future__ import annotations

import math

from fastnn.train.callbacks.base import Callback, FitState


class TerminateOnNaN(Callback):
    """Stop after the first batch whose loss is NaN or infinite.

    Attributes
    ----------
    stopped : tuple of int, or None
        Epoch and batch, from 1, that ended the run.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> model, guard = nn.Linear(1, 1), train.TerminateOnNaN()
    >>> data = np.full((8, 1), 1e20), np.zeros((8, 1))
    >>> optimizer = optim.SGD(model.parameters(), lr=1.0)
    >>> history = train.fit(model, nn.MSELoss(), optimizer, data, batch_size=4, callbacks=[guard])
    >>> guard.stopped
    (1, 1)
    """

    stopped: tuple[int, int] | None = None

    def on_fit_begin(self, state: FitState) -> None:
        """Forget earlier runs."""
        self.stopped = None

    def on_batch_end(self, state: FitState) -> None:
        """Look at the loss of the batch."""
        if not math.isfinite(state.batch_loss):
            self.stopped, state.stop = (state.epoch, state.batch), True
