"""y = weight (x - mean) / sqrt(var + eps) + bias by channel (axis 1), and its gradients."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def wide(a: NDArray | None, channels: int, otherwise: float) -> Array:
    return np.full(channels, otherwise) if a is None else np.asarray(a, dtype=np.float64)


def along(x: NDArray, values: NDArray) -> NDArray:
    """One value a channel, to be broadcast over x."""
    return values.reshape(1, -1, *(1,) * (x.ndim - 2))


def sums(x: Array) -> Array:
    """By channel, along contiguous rows, which NumPy adds in pairs: the reference has errors of its own."""
    return (
        np.ascontiguousarray(x.swapaxes(0, 1)).reshape(x.shape[1], x.size // max(x.shape[1], 1)).sum(axis=1)
    )


def forward(
    x: NDArray,
    running_mean: NDArray | None = None,
    running_var: NDArray | None = None,
    weight: NDArray | None = None,
    bias: NDArray | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    activation: str | None = None,
) -> tuple[Array, ...]:
    """y, mean, 1 / sqrt(var + eps), and in training the new running statistics; as torch without elements."""
    x = np.asarray(x, dtype=np.float64)
    C, n = x.shape[1], x.size // max(x.shape[1], 1)
    old = [wide(a, C, 0.0) for a in (running_mean, running_var)]
    with np.errstate(all="ignore"):
        if not training:
            mean, var = old
        elif n == 0:
            mean, var = np.zeros(C), np.zeros(C)
        else:
            mean = sums(x) / n
            var = sums((x - along(x, mean)) ** 2) / n
        invstd = 1 / np.sqrt(var + eps)
        xhat = (x - along(x, mean)) * along(x, invstd)
        y = along(x, wide(weight, C, 1.0)) * xhat + along(x, wide(bias, C, 0.0))
        if activation == "relu":
            y = np.where(y < 0, 0.0, y)
        running = old
        if training and n > 0:
            batch = (mean, n / (n - 1) * var)
            running = [(1 - momentum) * a + momentum * b for a, b in zip(old, batch, strict=True)]
    return (y, mean, invstd, *running) if training and running_mean is not None else (y, mean, invstd)


def backward(
    grad_output: NDArray,
    x: NDArray,
    save_mean: NDArray,
    save_invstd: NDArray,
    weight: NDArray | None = None,
    bias: NDArray | None = None,
    training: bool = True,
    activation: str | None = None,
) -> tuple[Array, Array, Array]:
    """grad_x, grad_weight, grad_bias."""
    x, g, mean, invstd = (np.asarray(a, dtype=np.float64) for a in (x, grad_output, save_mean, save_invstd))
    C, n = x.shape[1], x.size // max(x.shape[1], 1)
    with np.errstate(all="ignore"):
        d = x - along(x, mean)
        scale = wide(weight, C, 1.0) * invstd
        if activation == "relu":
            g = np.where(along(x, scale) * d + along(x, wide(bias, C, 0.0)) <= 0, 0.0, g)
        total, product = sums(g), sums(g * d)
        centred = g - along(x, total) / n - d * along(x, invstd**2 * product / n) if training and n else g
        return along(x, scale) * centred, product * invstd, total
