"""Cross-entropy of logits, softmax included, alone or together with its gradient."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastnn import _core
from fastnn._checks import as_int, as_probability
from fastnn.backend import kernels_for
from fastnn.functional._reduction import check_reduction, value

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


# typed: 1 and True are equal keys, but one is an int and the other an error.
@lru_cache(maxsize=64, typed=True)
def options(op: str, ignore_index: int, reduction: Reduction, label_smoothing: float) -> Any:
    """The checked options of a call, built once for all calls alike."""
    index = as_int(op, "ignore_index", ignore_index)
    smoothing = as_probability(op, "label_smoothing", label_smoothing)
    check_reduction(op, reduction)
    return _core.CrossEntropyOptions(ignore_index=index, reduction=reduction, label_smoothing=smoothing)


def cross_entropy(
    logits: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    out: Array | None = None,
) -> Any:
    """The cross-entropy -sum_c q_c log softmax(logits)_c between targets q and logits.

    Parameters
    ----------
    logits : array of shape (N, C), (C,) or (N, C, d1, ...)
    target : array
        Class indices of int32 or int64, in the shape of logits without C; or probabilities, in the
        shape and dtype of logits.
    weight : array of shape (C,), optional
        A weight for each class. "mean" then divides by the sum of the weights used.
    ignore_index : int
        Positions with this class index count for nothing; with nothing left, "mean" is NaN. Has to be
        negative where the target holds probabilities, of which none can be ignored.
    reduction : "mean", "sum" or "none"
    label_smoothing : float in [0, 1]
        The share of a target that is spread evenly over all classes.
    out : array of the shape of the class indices, optional
        Takes the losses; for reduction "none" only.

    Returns
    -------
    scalar of the dtype of logits, or for "none" an array of the shape of the class indices

    Raises
    ------
    TypeError
        For anything but arrays of the dtypes above.
    ValueError
        For shapes that do not fit, or an option out of range.
    IndexError
        For a class index outside [0, C) that is not ignore_index.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> logits = np.array([[0.0, 0.0], [1000.0, 0.0]])
    >>> print(round(float(F.cross_entropy(logits, np.array([0, 0]))), 6))  # log(2) / 2
    0.346574
    >>> F.cross_entropy(logits, np.array([1, 1]), reduction="none").round(6)
    array([6.93147e-01, 1.00000e+03])
    """
    kernels = kernels_for(logits, "cross_entropy", "logits")
    chosen = options("cross_entropy", ignore_index, reduction, label_smoothing)
    return value(kernels.cross_entropy(logits, target, weight, chosen, out), logits, reduction)


def cross_entropy_with_grad(
    logits: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """`cross_entropy` and its gradient by the logits, in one pass.

    Parameters
    ----------
    logits, target, weight, ignore_index, reduction, label_smoothing
        As for `cross_entropy`.
    out : array of the shape of logits, optional
        Takes the gradient.

    Returns
    -------
    loss
        As of `cross_entropy`.
    grad_logits : array of the shape of logits
        For reduction "none", the gradient of the sum of the losses.

    Raises
    ------
    TypeError, ValueError, IndexError
        As `cross_entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> loss, grad = F.cross_entropy_with_grad(np.zeros((1, 2)), np.array([1]))
    >>> print(round(float(loss), 6))
    0.693147
    >>> grad
    array([[ 0.5, -0.5]])
    """
    kernels = kernels_for(logits, "cross_entropy_with_grad", "logits")
    chosen = options("cross_entropy_with_grad", ignore_index, reduction, label_smoothing)
    loss, grad = kernels.cross_entropy_with_grad(logits, target, weight, chosen, out)
    return value(loss, logits, reduction), grad
