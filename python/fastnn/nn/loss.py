"""Losses as modules: a call gives the value, `backward()` the gradient by the prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_float
from fastnn.backend import kernels_for
from fastnn.functional.cross_entropy import options
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


class CrossEntropyLoss(Module):
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

    _result: tuple[Any, Array] | None = None

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

    weight: Array | None

    def forward(self, logits: Array, target: Array) -> Any:
        """A float, or for reduction "none" an array with a loss for each position."""
        kernels = kernels_for(logits, "cross_entropy", "logits")
        chosen = options("cross_entropy", self.ignore_index, self.reduction, self.label_smoothing)
        if not self.training:
            self._result = None
            return kernels.cross_entropy(logits, target, self.weight, chosen, None)
        self._result = kernels.cross_entropy_with_grad(logits, target, self.weight, chosen, None)
        return self._result[0]

    def backward(self, grad_output: Any = None) -> Array:
        """The gradient by the logits.

        Parameters
        ----------
        grad_output : optional
            The gradient by the value: a number, 1 by default, or for reduction "none" an array of the shape
            of the losses, which has to be given.

        Raises
        ------
        RuntimeError
            Where no call in training mode went before.
        ValueError
            For a grad_output of another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn
        >>> loss = nn.CrossEntropyLoss(reduction="none")
        >>> losses = loss(np.zeros((2, 2)), np.array([0, 1]))
        >>> loss.backward(np.array([2.0, 0.0]))
        array([[-1.,  1.],
               [ 0., -0.]])
        """
        if self._result is None:
            self._no_forward()
        value, grad = self._result
        if grad_output is not None or self.reduction == "none":
            grad *= _factor(value, grad, grad_output)
        self._result = None
        return grad


def _factor(value: Any, grad: Array, grad_output: Any) -> Array:
    """grad_output in a shape that spreads over the classes, which lie along axis 1 of logits (N, C, ...)."""
    op = "CrossEntropyLoss.backward"
    given = grad_output
    if grad_output is not None and not isinstance(grad_output, np.ndarray):
        given = np.float64(as_float(op, "grad_output", grad_output))
    if given is None or given.shape != np.shape(value):
        expected, got = np.shape(value), None if given is None else given.shape
        raise ValueError(f"[{op}] expected grad_output of shape {expected}, as the losses, got {got}")
    if given.dtype.kind not in "fiu":
        raise TypeError(f"[{op}] expected grad_output of numbers, got {given.dtype}")
    factor: Array = given.astype(grad.dtype)
    return np.expand_dims(factor, 1) if factor.ndim else factor
