"""Where training went: the parameters after each epoch, or each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from fastnn.analysis.flat import flat_parameters
from fastnn.train.callbacks import Callback, FitState

if TYPE_CHECKING:
    from fastnn.train.batches import Array


class ParameterPath(Callback):
    """A callback that keeps all parameters as they were at first and after each epoch or step.

    Parameters
    ----------
    interval : "epoch" or "step"

    Attributes
    ----------
    points : float64 array of shape (T, n)
        The first is where training began.

    Raises
    ------
    ValueError
        For another interval.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn, optim, train
    >>> model, path = nn.Linear(1, 1), analysis.ParameterPath()
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> data = np.ones((4, 1)), np.zeros((4, 1))
    >>> history = train.fit(model, nn.MSELoss(), optimizer, data, epochs=3, callbacks=[path])
    >>> path.points.shape
    (4, 2)
    """

    def __init__(self, interval: Literal["epoch", "step"] = "epoch") -> None:
        if interval not in ("epoch", "step"):
            raise ValueError(f"[ParameterPath] expected interval 'epoch' or 'step', got {interval!r}")
        self.interval = interval
        self._points: list[Array] = []

    @property
    def points(self) -> Array:
        """All points so far."""
        return np.array(self._points)

    def on_fit_begin(self, state: FitState) -> None:
        """Begin a new path."""
        self._points = [flat_parameters(state.model)]

    def on_batch_end(self, state: FitState) -> None:
        """Add a point after a step."""
        if self.interval == "step":
            self._points.append(flat_parameters(state.model))

    def on_epoch_end(self, state: FitState) -> None:
        """Add a point after an epoch."""
        if self.interval == "epoch":
            self._points.append(flat_parameters(state.model))
