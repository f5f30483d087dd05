"""Losses of regression; see the functions in `fastnn.functional` for their formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.functional._reduction import loss_options
from fastnn.nn.loss.base import Loss

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


class MSELoss(Loss):
    """The squared error; see `functional.mse_loss`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.MSELoss()
    >>> loss(np.array([1.0, 5.0]), np.array([1.0, 3.0]))
    2.0
    >>> loss.backward()
    array([0., 2.])
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        loss_options("MSELoss", reduction)  # complain now, not in a call
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each element."""
        return self._evaluate("mse_loss", "input", input, target, loss_options("mse_loss", self.reduction))


class L1Loss(Loss):
    """The absolute error; see `functional.l1_loss`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.L1Loss()
    >>> loss(np.array([1.0, 5.0]), np.array([1.0, 3.0]))
    1.0
    >>> loss.backward()
    array([0. , 0.5])
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        loss_options("L1Loss", reduction)
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each element."""
        return self._evaluate("l1_loss", "input", input, target, loss_options("l1_loss", self.reduction))


class HuberLoss(Loss):
    """Half the squared error up to delta, linear beyond; see `functional.huber_loss`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    delta : float > 0

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.HuberLoss(delta=2.0)
    >>> loss(np.array([1.0, 5.0]), np.array([0.0, 0.0]))
    4.25
    >>> loss.backward()
    array([0.5, 1. ])
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        loss_options("HuberLoss", reduction, "delta", delta, zero=False)
        self.reduction = reduction
        self.delta = delta

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each element."""
        chosen = loss_options("huber_loss", self.reduction, "delta", self.delta, zero=False)
        return self._evaluate("huber_loss", "input", input, target, chosen)


class SmoothL1Loss(Loss):
    """The absolute error, rounded off below beta; see `functional.smooth_l1_loss`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    beta : float >= 0
        0 gives `L1Loss`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.SmoothL1Loss(beta=2.0)
    >>> loss(np.array([1.0, 5.0]), np.array([0.0, 0.0]))
    2.125
    >>> loss.backward()
    array([0.25, 0.5 ])
    """

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        loss_options("SmoothL1Loss", reduction, "beta", beta)
        self.reduction = reduction
        self.beta = beta

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each element."""
        chosen = loss_options("smooth_l1_loss", self.reduction, "beta", self.beta)
        return self._evaluate("smooth_l1_loss", "input", input, target, chosen)
