"""Ending a run after a number of updates, or once updates change nothing any more."""

from __future__ import annotations

import numpy as np

from fastnn._checks import as_int, as_non_negative
from fastnn.train.callbacks.base import Callback, FitState


class UpdateLimit(Callback):
    """Stop after a number of updates, be it in the middle of an epoch.

    Parameters
    ----------
    limit : int
        At least 1.

    Attributes
    ----------
    updates : int
        Done so far.
    reached : bool

    Raises
    ------
    TypeError, ValueError
        For a limit that is no int >= 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> model, limit = nn.Linear(1, 1), train.UpdateLimit(5)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> data = np.ones((8, 1)), np.zeros((8, 1))
    >>> history = train.fit(model, nn.MSELoss(), optimizer, data, epochs=9, batch_size=2, callbacks=[limit])
    >>> len(history.epochs), limit.updates, limit.reached
    (2, 5, True)
    """

    def __init__(self, limit: int) -> None:
        self.limit = as_int("UpdateLimit", "limit", limit, minimum=1)
        self.updates = 0

    @property
    def reached(self) -> bool:
        """Whether the limit ended the run."""
        return self.updates >= self.limit

    def on_fit_begin(self, state: FitState) -> None:
        """Count anew."""
        self.updates = 0

    def on_batch_end(self, state: FitState) -> None:
        """Count the update."""
        self.updates += 1
        state.stop = state.stop or self.reached

    def state_dict(self) -> dict[str, int]:
        """The updates done."""
        return {"updates": self.updates}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on counting."""
        self.updates = state["updates"]


class Converged(Callback):
    """Stop after the first update that changes no element of any parameter by more than `tolerance`.

    Parameters
    ----------
    tolerance : float

    Attributes
    ----------
    reached : bool

    Raises
    ------
    TypeError, ValueError
        For a tolerance that is no finite number >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> model, converged = nn.Linear(1, 1, bias=False, dtype=np.float64), train.Converged(1e-6)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.25)
    >>> data = np.ones((1, 1)), np.full((1, 1), 3.0)
    >>> history = train.fit(model, nn.MSELoss(), optimizer, data, epochs=100, callbacks=[converged])
    >>> converged.reached, len(history.epochs) < 30, model.weight.data.round(5)
    (True, True, array([[3.]]))
    """

    def __init__(self, tolerance: float = 1e-6) -> None:
        self.tolerance = as_non_negative("Converged", "tolerance", tolerance)
        self.reached = False
        self._last: list[np.ndarray] = []

    def on_fit_begin(self, state: FitState) -> None:
        """Keep where the parameters begin."""
        self.reached = False
        self._last = [p.data.copy() for p in state.model.parameters()]

    def on_batch_end(self, state: FitState) -> None:
        """Compare with the parameters before the update."""
        now = [p.data for p in state.model.parameters()]
        still = (np.abs(new - old).max(initial=0.0) for new, old in zip(now, self._last, strict=True))
        self.reached = all(change <= self.tolerance for change in still)
        self._last = [array.copy() for array in now]
        state.stop = state.stop or self.reached
