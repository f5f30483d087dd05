"""Losses of two classes; see the functions in `fastnn.functional` for their formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.functional._reduction import loss_options
from fastnn.nn.loss.base import Loss

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


class BCEWithLogitsLoss(Loss):
    """Cross-entropy of yes-no questions, from logits; see `functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : array that broadcasts to the shape of the logits, optional
        Factors of the losses.
    reduction : "mean", "sum" or "none"
    pos_weight : array that broadcasts to the shape of the logits, optional
        Factors of the losses of positive targets.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.BCEWithLogitsLoss()
    >>> round(loss(np.zeros(2), np.array([0.0, 1.0])), 6)
    0.693147
    >>> loss.backward()
    array([ 0.25, -0.25])
    """

    weight: Array | None
    pos_weight: Array | None

    def __init__(
        self,
        weight: Array | None = None,
        reduction: Reduction = "mean",
        pos_weight: Array | None = None,
    ) -> None:
        loss_options("BCEWithLogitsLoss", reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each element."""
        op = "binary_cross_entropy_with_logits"
        chosen = loss_options(op, self.reduction)
        return self._evaluate(op, "input", input, target, self.weight, self.pos_weight, chosen)


class HingeLoss(Loss):
    """The hinge max(0, 1 - t·input) of a binary support vector machine; see `functional.hinge_loss`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.HingeLoss()
    >>> loss(np.array([0.5, 2.0]), np.array([-1, 1]))
    0.75
    >>> loss.backward()
    array([0.5, 0. ])
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        loss_options("HingeLoss", reduction)
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each element."""
        return self._evaluate(
            "hinge_loss", "input", input, target, loss_options("hinge_loss", self.reduction)
        )
