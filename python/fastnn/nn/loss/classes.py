"""Losses of scores by class; see the functions in `fastnn.functional` for their formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.backend import as_array
from fastnn.functional._reduction import nll_options
from fastnn.functional.class_loss import multi_margin_options
from fastnn.functional.cross_entropy import options
from fastnn.nn.loss.base import Loss, shares_of_labels

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


class CrossEntropyLoss(Loss):
    """Cross-entropy of logits, softmax included; see `functional.cross_entropy` for shapes and options.

    In training mode the call computes value and gradient in one pass; in evaluation mode the value only.

    Parameters
    ----------
    weight : array of shape (C,), optional
        A weight for each class.
    ignore_index : int
        Positions with this class index count for nothing.
    reduction : "mean", "sum" or "none"
    label_smoothing : float in [0, 1]

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.CrossEntropyLoss()
    >>> round(loss(np.zeros((1, 2)), np.array([1])), 6)
    0.693147
    >>> loss.backward()
    array([[ 0.5, -0.5]])
    """

    weight: Array | None

    def __init__(
        self,
        weight: Array | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        options("CrossEntropyLoss", ignore_index, reduction, label_smoothing)  # complain now, not in a call
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, logits: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each position."""
        chosen = options("cross_entropy", self.ignore_index, self.reduction, self.label_smoothing)
        return self._evaluate("cross_entropy", "logits", logits, target, self.weight, chosen)

    def _shares(self, logits: Array, target: Array) -> Array | None:
        if as_array(target, "cross_entropy", "target").dtype.kind == "f":  # probabilities
            return None
        return shares_of_labels(logits, target, self.weight, self.ignore_index)


class NLLLoss(Loss):
    """The negative log-likelihood of log-probabilities; see `functional.nll_loss` for shapes.

    Parameters
    ----------
    weight : array of shape (C,), optional
        A weight for each class.
    ignore_index : int
        Positions with this class index count for nothing.
    reduction : "mean", "sum" or "none"

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.NLLLoss()
    >>> round(loss(np.log(np.full((1, 2), 0.5)), np.array([1])), 6)
    0.693147
    >>> loss.backward()
    array([[ 0., -1.]])
    """

    weight: Array | None

    def __init__(
        self, weight: Array | None = None, ignore_index: int = -100, reduction: Reduction = "mean"
    ) -> None:
        nll_options("NLLLoss", ignore_index, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each position."""
        chosen = nll_options("nll_loss", self.ignore_index, self.reduction)
        return self._evaluate("nll_loss", "input", input, target, self.weight, chosen)

    def _shares(self, input: Array, target: Array) -> Array:
        return shares_of_labels(input, target, self.weight, self.ignore_index)


class MultiMarginLoss(Loss):
    """The hinge of many classes; see `functional.multi_margin_loss`.

    Parameters
    ----------
    p : 1 or 2
    margin : float
    weight : array of shape (C,), optional
        A weight for each class.
    reduction : "mean", "sum" or "none"

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.MultiMarginLoss()
    >>> loss(np.array([[2.0, 1.5]]), np.array([0]))
    0.25
    >>> loss.backward()
    array([[-0.5,  0.5]])
    """

    weight: Array | None

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Array | None = None, reduction: Reduction = "mean"
    ) -> None:
        multi_margin_options("MultiMarginLoss", p, margin, reduction)
        self.register_buffer("weight", weight)
        self.p = p
        self.margin = margin
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each row."""
        chosen = multi_margin_options("multi_margin_loss", self.p, self.margin, self.reduction)
        return self._evaluate("multi_margin_loss", "input", input, target, self.weight, chosen)
