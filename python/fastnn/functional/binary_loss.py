"""Losses of two classes: one score a decision, of which the sign decides.

Sums are those of `fastnn.functional.loss`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.backend import kernels_for
from fastnn.functional._reduction import loss_options, value

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    reduction: Reduction = "mean",
    pos_weight: Array | None = None,
    out: Array | None = None,
) -> Any:
    """The cross-entropy of independent yes-no questions, from logits.

    -weight (pos_weight t log s(x) + (1 - t) log s(-x)), with s(x) = 1 / (1 + exp(-x)), in a form that neither
    overflows nor loses digits where the loss is small.

    Parameters
    ----------
    input : array of any shape
        Logits.
    target : array of that shape
        Probabilities, or 0 and 1.
    weight : array that broadcasts to the shape of input, optional
        Factors of the losses. "mean" divides by the number of elements all the same.
    reduction : "mean", "sum" or "none"
        The mean over no elements is NaN.
    pos_weight : array that broadcasts to the shape of input, optional
        Factors of the losses of positive targets, often one for each class along the last axis.
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
        For a target of another shape, or weights that do not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> logits, target = np.array([0.0, 1000.0, -1000.0]), np.array([0.5, 1.0, 1.0])
    >>> F.binary_cross_entropy_with_logits(logits, target, reduction="none").round(3).tolist()
    [0.693, 0.0, 1000.0]
    """
    kernels = kernels_for(input, "binary_cross_entropy_with_logits", "input")
    chosen = loss_options("binary_cross_entropy_with_logits", reduction)
    loss = kernels.binary_cross_entropy_with_logits(input, target, weight, pos_weight, chosen, out)
    return value(loss, input, reduction)


def binary_cross_entropy_with_logits_with_grad(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    reduction: Reduction = "mean",
    pos_weight: Array | None = None,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`binary_cross_entropy_with_logits` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, weight, reduction, pos_weight
        As for `binary_cross_entropy_with_logits`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `binary_cross_entropy_with_logits`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError
        As `binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.binary_cross_entropy_with_logits_with_grad(np.zeros(2), np.array([0.0, 1.0]))
    >>> grad
    array([ 0.25, -0.25])
    """
    op = "binary_cross_entropy_with_logits_with_grad"
    kernels = kernels_for(input, op, "input")
    chosen = loss_options(op, reduction)
    loss, grad = kernels.binary_cross_entropy_with_logits_with_grad(
        input, target, weight, pos_weight, chosen, out
    )
    return value(loss, input, reduction), grad


def hinge_loss(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Any:
    """The hinge max(0, 1 - t·input) of a binary support vector machine.

    Cortes and Vapnik, "Support-vector networks", Machine Learning 1995. The gradient at the corner is 0.

    Parameters
    ----------
    input : array of any shape
        Scores, of which the sign decides.
    target : array of that shape
        All in {-1, 1} or all in {0, 1}, where 0 stands for -1; of int32, int64 or the dtype of input.
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
        For anything but an input of float32 or float64 and a target of the dtypes above.
    ValueError
        For shapes that differ, or a target with other values than those above, naming position and value;
        nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.hinge_loss(np.array([0.5, 2.0, 0.5]), np.array([1, 1, -1]), reduction="none")
    array([0.5, 0. , 1.5])
    """
    kernels = kernels_for(input, "hinge_loss", "input")
    chosen = loss_options("hinge_loss", reduction)
    return value(kernels.hinge_loss(input, target, chosen, out), input, reduction)


def hinge_loss_with_grad(
    input: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`hinge_loss` and its gradient by the input, in one pass.

    Parameters
    ----------
    input, target, reduction
        As for `hinge_loss`.
    out : array of the shape of input, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `hinge_loss`.
    grad_input : array of the shape of input
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError
        As `hinge_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.hinge_loss_with_grad(np.array([0.5, 2.0]), np.array([0, 1]), reduction="sum")
    >>> grad
    array([1., 0.])
    """
    kernels = kernels_for(input, "hinge_loss_with_grad", "input")
    chosen = loss_options("hinge_loss_with_grad", reduction)
    loss, grad = kernels.hinge_loss_with_grad(input, target, chosen, out)
    return value(loss, input, reduction), grad
