"""Activations as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn.backend import kernels_for
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array


class ReLU(Module):
    """max(x, 0), element by element; keeps its output for the backward.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.ReLU()
    >>> layer(np.array([-1.0, 2.0]))
    array([0., 2.])
    >>> layer.backward(np.array([5.0, 7.0]))
    array([0., 7.])
    """

    _y: Array | None = None

    def forward(self, x: Array) -> Array:
        """An array of any shape gives one of that shape."""
        y: Array = kernels_for(x, "relu", "x").relu(x, None)
        self._y = y if self.training else None
        return y

    def backward(self, grad_output: Array) -> Array:
        """0 where the output is 0, grad_output elsewhere."""
        y = self._y
        if y is None:
            self._no_forward()
        kernels = kernels_for(grad_output, "relu_backward", "grad_output")
        grad_x: Array = kernels.relu_backward(grad_output, y, None)
        self._y = None
        return grad_x

    def _take_output(self, y: Array) -> Array:
        """Stand for `forward` where the layer before has applied the rectifier already."""
        self._y = y if self.training else None
        return y
