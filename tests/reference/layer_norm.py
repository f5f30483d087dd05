"""y = weight (x - mean) / sqrt(var + eps) + bias over the last axes, and its gradients."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def forward(
    x: NDArray,
    normalized_shape: tuple[int, ...],
    weight: NDArray | None = None,
    bias: NDArray | None = None,
    eps: float = 1e-5,
) -> tuple[Array, Array, Array]:
    """y, and mean and 1 / sqrt(var + eps) with axes of length 1 where it was normalised."""
    x = np.asarray(x, dtype=np.float64)
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    n = math.prod(normalized_shape)
    with np.errstate(all="ignore"):
        mean = x.sum(axis=axes, keepdims=True) / max(n, 1)
        var = ((x - mean) ** 2).sum(axis=axes, keepdims=True) / np.float64(n)
        rstd = 1 / np.sqrt(var + eps)
        y = (x - mean) * rstd
        if weight is not None:
            y = y * np.asarray(weight, dtype=np.float64)
        if bias is not None:
            y = y + np.asarray(bias, dtype=np.float64)
    return y, mean, rstd


def backward(
    grad_output: NDArray,
    x: NDArray,
    mean: NDArray,
    rstd: NDArray,
    normalized_shape: tuple[int, ...],
    weight: NDArray | None = None,
) -> tuple[Array, Array, Array]:
    """grad_x, grad_weight, grad_bias."""
    x, g, mean, rstd = (np.asarray(a, dtype=np.float64) for a in (x, grad_output, mean, rstd))
    lead = tuple(range(x.ndim - len(normalized_shape)))
    axes = tuple(range(len(lead), x.ndim))
    n = max(math.prod(normalized_shape), 1)
    with np.errstate(all="ignore"):
        d = x - mean
        u = g if weight is None else g * np.asarray(weight, dtype=np.float64)
        total, product = (a.sum(axis=axes, keepdims=True) for a in (u, u * d))
        grad_x = rstd * (u - total / n - d * (rstd**2 * product / n))
        return grad_x, (g * (d * rstd)).sum(axis=lead), g.sum(axis=lead)
