"""The affine map of a dense layer, y = x Wᵀ + b, and its three gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array


def linear(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    activation: Literal["relu"] | None = None,
    out: Array | None = None,
) -> Array:
    """Apply y = x Wᵀ + b, and ReLU on top where `activation` says so.

    With `activation="relu"` the result has the bits of `relu(linear(...))`, in one pass over memory.

    Parameters
    ----------
    x : array of shape (..., in_features)
    weight : array of shape (out_features, in_features)
    bias : array of shape (out_features,), optional
    activation : None or "relu"
    out : array of shape (..., out_features), optional
        Takes the result.

    Returns
    -------
    array of shape (..., out_features)

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that do not fit, or another activation.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.array([[1.0, 2.0]])
    >>> weight = np.array([[1.0, 1.0], [0.0, -3.0]])
    >>> F.linear(x, weight, np.array([0.5, 1.0]))
    array([[ 3.5, -5. ]])
    >>> F.linear(x, weight, np.array([0.5, 1.0]), activation="relu")
    array([[3.5, 0. ]])
    """
    if activation is not None and activation != "relu":
        raise ValueError(f'[linear] expected activation to be None or "relu", got {activation!r}')
    y: Array = kernels_for(x, "linear", "x").linear(x, weight, bias, activation is not None, out)
    return y


def linear_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    *,
    needs: tuple[bool, bool, bool] = (True, True, True),
    accumulate: bool = False,
    out: tuple[Array | None, Array | None, Array | None] | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `linear`: dy W, dyᵀ x, and the sum of dy over the rows.

    Parameters
    ----------
    grad_output : array of shape (..., out_features)
        Gradient by the result of `linear`.
    x : array of shape (..., in_features)
    weight : array of shape (out_features, in_features)
    needs : three bools
        Which of grad_x, grad_weight, grad_bias are wanted. A first layer needs no grad_x.
    accumulate : bool
        Add to the grad_weight and grad_bias given in `out`, rather than overwrite them.
    out : three arrays or None, optional
        Take the gradients.

    Returns
    -------
    grad_x, grad_weight, grad_bias
        Arrays of the shapes of x, weight and (out_features,); None for those not wanted.

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x, weight = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [0.0, -3.0]])
    >>> grad_x, grad_weight, grad_bias = F.linear_backward(np.array([[1.0, 10.0]]), x, weight)
    >>> grad_x
    array([[  1., -29.]])
    >>> grad_weight
    array([[ 1.,  2.],
           [10., 20.]])
    >>> grad_bias
    array([ 1., 10.])
    """
    kernels = kernels_for(grad_output, "linear_backward", "grad_output")
    needs_bools = tuple(map(bool, needs))
    grads: tuple[Array | None, Array | None, Array | None] = kernels.linear_backward(
        grad_output, x, weight, needs_bools, accumulate, out
    )
    return grads
