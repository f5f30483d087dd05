"""Losses of regression: of the difference between prediction and target.

Sums and means add up blocks of 16 vectors in the dtype and the blocks in double, in an order that follows
from the shape alone: a float32 result is off by at most 10 eps of the sum of sizes, besides the rounding of
each loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.backend import kernels_for
from fastnn.functional._reduction import loss_options, value

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


def mse_loss(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Any:
    """The squared error (input - target)², by default its mean.

    Parameters
    ----------
    input, target : arrays of one shape
    reduction : "mean", "sum" or "none"
        The mean over no elements is NaN.
    out : array of the shape of input, optional
        Takes the losses; for reduction "none" only.

    Returns
    -------
    scalar of the dtype of input, or for "none" an array of the shape of input

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
    >>> float(F.mse_loss(np.array([1.0, 5.0]), np.array([1.0, 3.0])))
    2.0
    """
    kernels = kernels_for(input, "mse_loss", "input")
    chosen = loss_options("mse_loss", reduction)
    return value(kernels.mse_loss(input, target, chosen, out), input, reduction)


def mse_loss_with_grad(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`mse_loss` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, reduction
        As for `mse_loss`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `mse_loss`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.mse_loss_with_grad(np.array([1.0, 5.0]), np.array([1.0, 3.0]))
    >>> grad
    array([0., 2.])
    """
    kernels = kernels_for(input, "mse_loss_with_grad", "input")
    chosen = loss_options("mse_loss_with_grad", reduction)
    loss, grad = kernels.mse_loss_with_grad(input, target, chosen, out)
    return value(loss, input, reduction), grad


def l1_loss(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Any:
    """The absolute error `|input - target|`, by default its mean.

    The gradient where input and target are equal is 0.

    Parameters
    ----------
    input, target : arrays of one shape
    reduction : "mean", "sum" or "none"
        The mean over no elements is NaN.
    out : array of the shape of input, optional
        Takes the losses; for reduction "none" only.

    Returns
    -------
    scalar of the dtype of input, or for "none" an array of the shape of input

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
    >>> float(F.l1_loss(np.array([1.0, 5.0]), np.array([1.0, 3.0])))
    1.0
    """
    kernels = kernels_for(input, "l1_loss", "input")
    chosen = loss_options("l1_loss", reduction)
    return value(kernels.l1_loss(input, target, chosen, out), input, reduction)


def l1_loss_with_grad(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`l1_loss` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, reduction
        As for `l1_loss`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `l1_loss`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError
        As `l1_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.l1_loss_with_grad(np.array([1.0, 5.0]), np.array([1.0, 3.0]))
    >>> grad
    array([0. , 0.5])
    """
    kernels = kernels_for(input, "l1_loss_with_grad", "input")
    chosen = loss_options("l1_loss_with_grad", reduction)
    loss, grad = kernels.l1_loss_with_grad(input, target, chosen, out)
    return value(loss, input, reduction), grad


def huber_loss(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    delta: float = 1.0,
    out: Array | None = None,
) -> Any:
    """Half the squared error where it is small, linear beyond delta.

    With d = input - target: d² / 2 where `|d| < delta`, `delta (|d| - delta / 2)` elsewhere (Huber, "Robust
    estimation of a location parameter", Annals of Mathematical Statistics 1964).

    Parameters
    ----------
    input, target : arrays of one shape
    reduction : "mean", "sum" or "none"
        The mean over no elements is NaN.
    delta : float > 0
        Where the two parts meet.
    out : array of the shape of input, optional
        Takes the losses; for reduction "none" only.

    Returns
    -------
    scalar of the dtype of input, or for "none" an array of the shape of input

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ, or a delta that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.huber_loss(np.array([1.0, 5.0]), np.array([0.0, 0.0]), delta=2.0, reduction="none")
    array([0.5, 8. ])
    """
    kernels = kernels_for(input, "huber_loss", "input")
    chosen = loss_options("huber_loss", reduction, "delta", delta, zero=False)
    return value(kernels.huber_loss(input, target, chosen, out), input, reduction)


def huber_loss_with_grad(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    delta: float = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`huber_loss` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, reduction, delta
        As for `huber_loss`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `huber_loss`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError
        As `huber_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.huber_loss_with_grad(np.array([1.0, 5.0]), np.zeros(2), delta=2.0, reduction="sum")
    >>> grad
    array([1., 2.])
    """
    kernels = kernels_for(input, "huber_loss_with_grad", "input")
    chosen = loss_options("huber_loss_with_grad", reduction, "delta", delta, zero=False)
    loss, grad = kernels.huber_loss_with_grad(input, target, chosen, out)
    return value(loss, input, reduction), grad


def smooth_l1_loss(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    beta: float = 1.0,
    out: Array | None = None,
) -> Any:
    """The absolute error, rounded off where it is below beta.

    With d = input - target: d² / (2 beta) where `|d| < beta`, `|d| - beta / 2` elsewhere (Girshick, "Fast
    R-CNN", ICCV 2015): `huber_loss` with delta = beta, divided by beta.

    Parameters
    ----------
    input, target : arrays of one shape
    reduction : "mean", "sum" or "none"
        The mean over no elements is NaN.
    beta : float >= 0
        Where the two parts meet; 0 gives `l1_loss`.
    out : array of the shape of input, optional
        Takes the losses; for reduction "none" only.

    Returns
    -------
    scalar of the dtype of input, or for "none" an array of the shape of input

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ, or a negative beta.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.smooth_l1_loss(np.array([1.0, 5.0]), np.array([0.0, 0.0]), beta=2.0, reduction="none")
    array([0.25, 4.  ])
    """
    kernels = kernels_for(input, "smooth_l1_loss", "input")
    chosen = loss_options("smooth_l1_loss", reduction, "beta", beta)
    return value(kernels.smooth_l1_loss(input, target, chosen, out), input, reduction)


def smooth_l1_loss_with_grad(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    beta: float = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`smooth_l1_loss` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, reduction, beta
        As for `smooth_l1_loss`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `smooth_l1_loss`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError
        As `smooth_l1_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.smooth_l1_loss_with_grad(np.array([1.0, 5.0]), np.zeros(2), beta=2.0, reduction="sum")
    >>> grad
    array([0.5, 1. ])
    """
    kernels = kernels_for(input, "smooth_l1_loss_with_grad", "input")
    chosen = loss_options("smooth_l1_loss_with_grad", reduction, "beta", beta)
    loss, grad = kernels.smooth_l1_loss_with_grad(input, target, chosen, out)
    return value(loss, input, reduction), grad
