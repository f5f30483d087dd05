"""Softmax and its logarithm along one axis.

Both shift by the maximum of the row first, so no finite input overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn._checks import as_int
from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array


def softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """The distribution exp(x_i) / sum_j exp(x_j) along `axis`.

    Entries of -inf get probability 0; a row of nothing but -inf, or one with +inf, is NaN.

    Parameters
    ----------
    x : array with at least one axis
    axis : int
    out : array of the shape of x, optional
        Takes the result.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or an axis that is no int.
    ValueError
        For an axis out of range, or an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.softmax(np.array([[0.0, 0.0], [-np.inf, 3.0]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    if type(axis) is not int:
        axis = as_int("softmax", "axis", axis)
    y: Array = kernels_for(x, "softmax", "x").softmax(x, axis, out)
    return y


def softmax_backward(grad_output: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """The gradient of `softmax` from its output y: y (grad_output - sum(grad_output y)).

    Parameters
    ----------
    grad_output, y : arrays of one shape
    axis : int
        The axis that `softmax` was given.
    out : array of that shape, optional
        Takes the result.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        As `softmax`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.softmax_backward(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))
    array([[ 0.25, -0.25]])
    """
    if type(axis) is not int:
        axis = as_int("softmax_backward", "axis", axis)
    kernels = kernels_for(grad_output, "softmax_backward", "grad_output")
    grad_x: Array = kernels.softmax_backward(grad_output, y, axis, out)
    return grad_x


def log_softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """The logarithm of `softmax`, x_i - log(sum_j exp(x_j)), without its loss of small probabilities.

    Parameters
    ----------
    x : array with at least one axis
    axis : int
    out : array of the shape of x, optional
        Takes the result.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError, ValueError
        As `softmax`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.log_softmax(np.array([[0.0, 1000.0]]))
    array([[-1000.,     0.]])
    """
    if type(axis) is not int:
        axis = as_int("log_softmax", "axis", axis)
    y: Array = kernels_for(x, "log_softmax", "x").log_softmax(x, axis, out)
    return y


def log_softmax_backward(grad_output: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """The gradient of `log_softmax` from its output y: grad_output - exp(y) sum(grad_output).

    Parameters
    ----------
    grad_output, y : arrays of one shape
    axis : int
        The axis that `log_softmax` was given.
    out : array of that shape, optional
        Takes the result.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        As `softmax`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.log_softmax_backward(np.array([[1.0, 0.0]]), np.array([[-np.inf, 0.0]]))
    array([[ 1., -1.]])
    """
    if type(axis) is not int:
        axis = as_int("log_softmax_backward", "axis", axis)
    kernels = kernels_for(grad_output, "log_softmax_backward", "grad_output")
    grad_x: Array = kernels.log_softmax_backward(grad_output, y, axis, out)
    return grad_x
