"""y = x weight^T + bias, and its gradients, as plain sums of products."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def wide(a: NDArray) -> Array:
    return np.asarray(a, dtype=np.float64)


def forward(x: NDArray, weight: NDArray, bias: NDArray | None = None, activation: str | None = None) -> Array:
    """For x (..., K), weight (N, K), bias (N,) -> (..., N)."""
    with np.errstate(all="ignore"):
        y = np.einsum("...k,nk->...n", wide(x), wide(weight))
        if bias is not None:
            y = y + wide(bias)
    return np.where(y < 0, 0.0, y) if activation == "relu" else y


def backward(grad_output: NDArray, x: NDArray, weight: NDArray) -> tuple[Array, Array, Array]:
    """grad_x (..., K), grad_weight (N, K), grad_bias (N,)."""
    M = int(np.prod(x.shape[:-1]))
    rows, inputs = wide(grad_output).reshape(M, weight.shape[0]), wide(x).reshape(M, weight.shape[1])
    with np.errstate(all="ignore"):
        grad_x = np.einsum("...n,nk->...k", wide(grad_output), wide(weight))
        return grad_x, np.einsum("mn,mk->nk", rows, inputs), rows.sum(axis=0)
