"""Cross-entropy: loss of a position = -sum_c w_c t_c log p_c, p the softmax over the class axis.

For class indices t is one-hot; smoothing mixes it with the uniform distribution. The mean divides by the sum
of the weights of the targets that count (class indices) or by the number of positions (soft targets).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Loss = float | Array


def class_last(a: NDArray) -> Array:
    """(C,) or (N, C, d1, ...) -> (positions, C)."""
    a = np.asarray(a, dtype=np.float64)
    return a[np.newaxis] if a.ndim == 1 else np.moveaxis(a, 1, -1).reshape(-1, a.shape[1])


def class_second(rows: Array, shape: tuple[int, ...]) -> Array:
    if len(shape) == 1:
        return rows[0]
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def is_soft(logits: NDArray, target: NDArray) -> bool:
    return target.dtype.kind == "f" and target.shape == logits.shape


def distribution(
    logits: NDArray, target: NDArray, w: Array, ignore_index: int, label_smoothing: float
) -> tuple[Array, Array, float]:
    """Rows of w_c t_c, the mask of counted positions, and the divisor of the mean."""
    C = w.size
    if is_soft(logits, target):
        t = class_last(target)
        rows = ((1 - label_smoothing) * t + label_smoothing / C) * w
        return rows, np.ones(len(t), dtype=bool), float(len(t))
    labels = np.asarray(target).reshape(-1)
    counted = labels != ignore_index
    safe = np.where(counted, labels, 0)
    one_hot = np.zeros((labels.size, C))
    one_hot[np.nonzero(counted)[0], safe[counted]] = 1.0
    rows = ((1 - label_smoothing) * one_hot + label_smoothing / C) * w
    return np.where(counted[:, None], rows, 0.0), counted, float(w[safe[counted]].sum())


def forward_backward(
    logits: NDArray,
    target: NDArray,
    weight: NDArray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Loss, Array]:
    """The loss, and the gradient of it (of its sum for "none") by the logits."""
    z = class_last(logits)
    C = z.shape[1]
    w = np.ones(C) if weight is None else np.asarray(weight, dtype=np.float64)
    rows, counted, divisor = distribution(logits, target, w, ignore_index, label_smoothing)
    with np.errstate(all="ignore"):
        z = z - z.max(axis=1, keepdims=True, initial=-np.inf)
        total = np.exp(z).sum(axis=1, keepdims=True)
        # A term without weight adds nothing where log p is -inf; NaN stays.
        unweighted = np.where(np.isnan(z), np.nan, 0.0)
        losses = -np.where(rows == 0, unweighted, rows * (z - np.log(total))).sum(axis=1)
        losses = np.where(counted, losses, 0.0)
        grad = np.exp(z) / total * rows.sum(axis=1, keepdims=True) - rows
        if reduction == "mean":
            grad = grad / divisor
        grad = np.where(counted[:, None], grad, 0.0)
        if reduction == "mean":
            return float(np.divide(losses.sum(), divisor)), class_second(grad, logits.shape)
    if reduction == "sum":
        return float(losses.sum()), class_second(grad, logits.shape)
    shape = logits.shape[:1] + logits.shape[2:] if logits.ndim > 1 else ()
    return losses.reshape(shape), class_second(grad, logits.shape)
