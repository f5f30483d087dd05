"""softmax(x)_c = exp(x_c) / sum_j exp(x_j), shifted by the maximum; log_softmax is its logarithm."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def shifted(x: NDArray, axis: int) -> Array:
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        return x - x.max(axis=axis, keepdims=True, initial=-np.inf)


def softmax(x: NDArray, axis: int = -1) -> Array:
    with np.errstate(all="ignore"):
        powers = np.exp(shifted(x, axis))
        return powers / powers.sum(axis=axis, keepdims=True)


def log_softmax(x: NDArray, axis: int = -1) -> Array:
    z = shifted(x, axis)
    with np.errstate(all="ignore"):
        return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def softmax_backward(grad_output: NDArray, y: NDArray, axis: int = -1) -> Array:
    """J^T g with J = diag(y) - y y^T."""
    g, y = np.asarray(grad_output, dtype=np.float64), np.asarray(y, dtype=np.float64)
    with np.errstate(all="ignore"):
        return y * (g - (g * y).sum(axis=axis, keepdims=True))


def log_softmax_backward(grad_output: NDArray, y: NDArray, axis: int = -1) -> Array:
    """J^T g with J = I - 1 softmax^T, y the logarithms."""
    g, y = np.asarray(grad_output, dtype=np.float64), np.asarray(y, dtype=np.float64)
    with np.errstate(all="ignore"):
        return g - np.exp(y) * g.sum(axis=axis, keepdims=True)
