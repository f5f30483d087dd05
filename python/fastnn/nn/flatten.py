"""Joining axes into one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fastnn._checks import as_int
from fastnn.backend import kernels_for
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array


class Flatten(Module):
    """Join the axes from `start_axis` to `end_axis`; the batch, axis 0, stays by default.

    Parameters
    ----------
    start_axis, end_axis : int
        The first and the last of the axes that are joined.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Flatten()
    >>> layer(np.zeros((5, 1, 8, 8))).shape
    (5, 64)
    >>> layer.backward(np.zeros((5, 64))).shape
    (5, 1, 8, 8)
    """

    parameter_free = True
    _shape: tuple[int, ...] | None = None

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis = as_int("Flatten", "start_axis", start_axis)
        self.end_axis = as_int("Flatten", "end_axis", end_axis)

    def forward(self, x: Array) -> Array:
        """A view of x where its layout allows one."""
        kernels_for(x, "Flatten", "x")
        y = x.reshape(self._joined(x.shape))
        self._shape = x.shape if self.training else None
        return y

    def backward(self, grad_output: Array) -> Array:
        """grad_output in the shape of the input."""
        shape = self._shape
        if shape is None:
            self._no_forward()
        kernels_for(grad_output, "Flatten.backward", "grad_output")
        joined = self._joined(shape)
        if grad_output.shape != joined:
            raise ValueError(
                f"[Flatten.backward] expected grad_output of shape {joined}, got {grad_output.shape}"
            )
        self._shape = None
        return grad_output.reshape(shape)

    def _joined(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        ndim = len(shape)
        start = self.start_axis + ndim * (self.start_axis < 0)
        end = self.end_axis + ndim * (self.end_axis < 0)
        if not 0 <= start <= end < ndim:
            raise ValueError(
                f"[Flatten] expected x with axes {self.start_axis} to {self.end_axis} in that order, "
                f"got shape {shape}"
            )
        return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])

    def extra_repr(self) -> str:
        """The two axes."""
        return f"start_axis={self.start_axis}, end_axis={self.end_axis}"
