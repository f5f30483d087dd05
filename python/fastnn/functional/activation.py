"""Activations: functions of one element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array


def relu(x: Array, *, out: Array | None = None) -> Array:
    """The rectifier max(x, 0); NaN stays NaN.

    Parameters
    ----------
    x : array of any shape
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64.
    ValueError
        For an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    y: Array = kernels_for(x, "relu", "x").relu(x, out)
    return y


def relu_backward(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """The gradient of `relu`: 0 where y <= 0, and grad_output elsewhere.

    `y` is the output of `relu`; its input does as well, both are positive (or NaN) at the same places.

    Parameters
    ----------
    grad_output, y : arrays of one shape
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.relu_backward(np.array([5.0, 6.0, 7.0]), np.array([0.0, 0.0, 2.0]))
    array([0., 0., 7.])
    """
    kernels = kernels_for(grad_output, "relu_backward", "grad_output")
    grad_x: Array = kernels.relu_backward(grad_output, y, out)
    return grad_x
