"""Losses of scores against class indices, without a softmax of their own."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastnn import _core
from fastnn._checks import as_float, as_int
from fastnn.backend import kernels_for
from fastnn.functional._reduction import check_reduction, nll_options, value

if TYPE_CHECKING:
    from fastnn._core import Array, MultiMarginOptions, Reduction


def nll_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Any:
    """The negative log-likelihood -weight[y] · input[y] of the true classes y, from log-probabilities.

    After `log_softmax` it is `cross_entropy`, which takes logits and needs one pass instead of three.

    Parameters
    ----------
    input : array of shape (N, C), (C,) or (N, C, d1, ...)
        Log-probabilities.
    target : array of int32 or int64 class indices, of the shape of input without C
    weight : array of shape (C,), optional
        A weight for each class. "mean" then divides by the sum of the weights used.
    ignore_index : int
        Positions with this class index count for nothing; with nothing left, "mean" is NaN.
    reduction : "mean", "sum" or "none"
    out : array of the shape of target, optional
        Takes the losses; for reduction "none" only.

    Returns
    -------
    scalar of the dtype of input, or for "none" an array of the shape of target

    Raises
    ------
    TypeError
        For anything but arrays of the dtypes above.
    ValueError
        For shapes that do not fit, or an unknown reduction.
    IndexError
        For a class index outside [0, C) that is not ignore_index; nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> log_p = np.log(np.array([[0.5, 0.5], [0.25, 0.75]]))
    >>> F.nll_loss(log_p, np.array([0, 0]), reduction="none").round(6)
    array([0.693147, 1.386294])
    """
    kernels = kernels_for(input, "nll_loss", "input")
    chosen = nll_options("nll_loss", ignore_index, reduction)
    return value(kernels.nll_loss(input, target, weight, chosen, out), input, reduction)


def nll_loss_with_grad(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`nll_loss` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, weight, ignore_index, reduction
        As for `nll_loss`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `nll_loss`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError, IndexError
        As `nll_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.nll_loss_with_grad(np.log(np.full((2, 2), 0.5)), np.array([0, 1]))
    >>> grad
    array([[-0.5,  0. ],
           [ 0. , -0.5]])
    """
    kernels = kernels_for(input, "nll_loss_with_grad", "input")
    chosen = nll_options("nll_loss_with_grad", ignore_index, reduction)
    loss, grad = kernels.nll_loss_with_grad(input, target, weight, chosen, out)
    return value(loss, input, reduction), grad


@lru_cache(maxsize=64, typed=True)
def multi_margin_options(op: str, p: int, margin: float, reduction: Reduction) -> MultiMarginOptions:
    """The checked options of the multi-class margin loss."""
    check_reduction(op, reduction)
    power, distance = as_int(op, "p", p), as_float(op, "margin", margin)
    if power not in (1, 2):
        raise ValueError(f"[{op}] expected p to be 1 or 2, got {p}")
    if not math.isfinite(distance):
        raise ValueError(f"[{op}] expected margin to be finite, got {margin}")
    return _core.MultiMarginOptions(reduction=reduction, p=power, margin=distance)


def multi_margin_loss(
    input: Array,
    target: Array,
    p: int = 1,
    margin: float = 1.0,
    weight: Array | None = None,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Any:
    """The hinge of many classes: how far the others come within `margin` of the score of the true one.

    weight[y] / C · sum over c != y of max(0, margin - input[y] + input[c])^p, after Weston and Watkins,
    "Support vector machines for multi-class pattern recognition", ESANN 1999. NaN stays NaN.

    Parameters
    ----------
    input : array of shape (N, C) or (C,)
        Scores.
    target : array of int32 or int64 class indices, of shape (N,) or ()
    p : 1 or 2
    margin : float
    weight : array of shape (C,), optional
        A weight for each class. "mean" divides by N all the same.
    reduction : "mean", "sum" or "none"
    out : array of the shape of target, optional
        Takes the losses; for reduction "none" only.

    Returns
    -------
    scalar of the dtype of input, or for "none" an array of the shape of target

    Raises
    ------
    TypeError
        For anything but arrays of the dtypes above.
    ValueError
        For shapes that do not fit, or an option out of range.
    IndexError
        For a class index outside [0, C); nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> scores = np.array([[2.0, 1.5, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0]])
    >>> F.multi_margin_loss(scores, np.array([0, 1]), reduction="none")
    array([0.125, 0.   ])
    """
    kernels = kernels_for(input, "multi_margin_loss", "input")
    chosen = multi_margin_options("multi_margin_loss", p, margin, reduction)
    return value(kernels.multi_margin_loss(input, target, weight, chosen, out), input, reduction)


def multi_margin_loss_with_grad(
    input: Array,
    target: Array,
    p: int = 1,
    margin: float = 1.0,
    weight: Array | None = None,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`multi_margin_loss` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, p, margin, weight, reduction
        As for `multi_margin_loss`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `multi_margin_loss`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError, IndexError
        As `multi_margin_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.multi_margin_loss_with_grad(np.array([[2.0, 1.5]]), np.array([0]))
    >>> grad
    array([[-0.5,  0.5]])
    """
    kernels = kernels_for(input, "multi_margin_loss_with_grad", "input")
    chosen = multi_margin_options("multi_margin_loss_with_grad", p, margin, reduction)
    loss, grad = kernels.multi_margin_loss_with_grad(input, target, weight, chosen, out)
    return value(loss, input, reduction), grad
