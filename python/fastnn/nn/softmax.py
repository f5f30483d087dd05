"""Softmax and its logarithm as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn._checks import as_int
from fastnn.backend import kernels_for
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array


class Softmax(Module):
    """exp(x_i) / sum_j exp(x_j) along an axis; keeps its output for the backward.

    For training with `CrossEntropyLoss` leave it out: that loss takes the logits.

    Parameters
    ----------
    axis : int

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Softmax()
    >>> layer(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    >>> layer.backward(np.array([[1.0, 0.0]]))
    array([[ 0.25, -0.25]])
    """

    parameter_free = True
    _op = "softmax"
    _y: Array | None = None

    def __init__(self, axis: int = -1) -> None:
        self.axis = as_int(type(self).__name__, "axis", axis)

    def forward(self, x: Array) -> Array:
        """An array of any shape with that axis gives one of its shape."""
        y: Array = getattr(kernels_for(x, self._op, "x"), self._op)(x, self.axis, None)
        self._y = y if self.training else None
        return y

    def backward(self, grad_output: Array) -> Array:
        """The gradient by the input, from the output."""
        y = self._y
        if y is None:
            self._no_forward()
        op = self._op + "_backward"
        kernels = kernels_for(grad_output, op, "grad_output")
        grad_x: Array = getattr(kernels, op)(grad_output, y, self.axis, None)
        self._y = None
        return grad_x

    def extra_repr(self) -> str:
        """The axis."""
        return f"axis={self.axis}"


class LogSoftmax(Softmax):
    """The logarithm of `Softmax`, without its loss of small probabilities; keeps its output.

    Parameters
    ----------
    axis : int

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.LogSoftmax()
    >>> layer(np.array([[0.0, 1000.0]]))
    array([[-1000.,     0.]])
    >>> layer.backward(np.array([[1.0, 0.0]]))
    array([[ 1., -1.]])
    """

    parameter_free = True
    _op = "log_softmax"
