"""Kernels as programs in NumPy usually have them: as_strided for windows, a loop where no function fits.

Names and arguments are those of `fastnn.functional`, as far as `mlp.py` and `cnn.py` need them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Needs: TypeAlias = tuple[bool, bool, bool]
ALL = (True, True, True)


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """The product of x (M, K) and the transposed weight (N, K), plus bias (N,)."""
    return x @ weight.T + bias


def linear_backward(grad: Array, x: Array, weight: Array, needs: Needs = ALL) -> list[Any]:
    """The gradients by x, weight and bias."""
    return [grad @ weight if needs[0] else None, grad.T @ x, grad.sum(axis=0)]


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def relu_backward(grad: Array, y: Array) -> Array:
    """The gradient by relu's input, given its output."""
    return grad * (y > 0)


def cross_entropy_with_grad(logits: Array, labels: Array) -> tuple[Any, Array]:
    """The mean loss of the softmax, and its gradient."""
    rows = np.arange(len(labels))
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax = exponentials / exponentials.sum(axis=1, keepdims=True)
    loss = -np.log(softmax[rows, labels]).mean()
    softmax[rows, labels] -= 1
    return loss, softmax / len(labels)


def windows(x: Array, kernel: int, stride: int = 1) -> Array:
    """A view (N, C, OH, OW, kernel, kernel) of all windows of x (N, C, H, W)."""
    n, c, h, w = x.shape
    shape = (n, c, (h - kernel) // stride + 1, (w - kernel) // stride + 1, kernel, kernel)
    of_n, of_c, of_h, of_w = x.strides
    return as_strided(x, shape, (of_n, of_c, stride * of_h, stride * of_w, of_h, of_w))


def im2col(x: Array, kernel: int, padding: int) -> Array:
    """The windows as rows (N * OH * OW, C * kernel * kernel) of a matrix."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return windows(padded, kernel).transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kernel * kernel)


def conv2d(x: Array, weight: Array, bias: Array, padding: int) -> Array:
    """Planes x (N, C, H, W) with square filters (O, C, k, k), as a product of matrices."""
    n, _, h, w = x.shape
    filters, _, kernel, _ = weight.shape
    out_h, out_w = h + 2 * padding - kernel + 1, w + 2 * padding - kernel + 1
    y = im2col(x, kernel, padding) @ weight.reshape(filters, -1).T + bias
    return y.reshape(n, out_h, out_w, filters).transpose(0, 3, 1, 2)


def conv2d_backward(grad: Array, x: Array, weight: Array, padding: int, needs: Needs = ALL) -> list[Any]:
    """The gradients by x, weight and bias; that by x goes back window by window."""
    filters, _, kernel, _ = weight.shape
    rows = grad.transpose(0, 2, 3, 1).reshape(-1, filters)
    grad_weight = (rows.T @ im2col(x, kernel, padding)).reshape(weight.shape)
    grad_x = None
    if needs[0]:
        grad_x = col2im(rows @ weight.reshape(filters, -1), x.shape, kernel, padding)
    return [grad_x, grad_weight, rows.sum(axis=0)]


def col2im(columns: Array, shape: tuple[int, ...], kernel: int, padding: int) -> Array:
    """The sum of all windows in their places, the adjoint of `im2col`."""
    n, c, h, w = shape
    out_h, out_w = h + 2 * padding - kernel + 1, w + 2 * padding - kernel + 1
    cells = columns.reshape(n, out_h, out_w, c, kernel, kernel).transpose(0, 3, 4, 5, 1, 2)
    padded = np.zeros((n, c, h + 2 * padding, w + 2 * padding), columns.dtype)
    for i in range(kernel):
        for j in range(kernel):
            padded[:, :, i : i + out_h, j : j + out_w] += cells[:, :, i, j]
    return padded[:, :, padding : padding + h, padding : padding + w]


def max_pool2d(x: Array, kernel: int, *, return_indices: bool) -> tuple[Array, Array]:
    """The greatest value of each window, and its place in the plane."""
    n, c, h, w = x.shape
    out_h, out_w = h // kernel, w // kernel
    cells = windows(x, kernel, kernel).reshape(n, c, out_h, out_w, -1)
    places = cells.argmax(axis=4)
    top, left = kernel * np.arange(out_h)[:, None], kernel * np.arange(out_w)
    return cells.max(axis=4), (top + places // kernel) * w + left + places % kernel


def max_pool2d_backward(grad: Array, indices: Array, shape: tuple[int, ...], kernel: int) -> Array:
    """Each gradient goes where its value came from."""
    grad_x = np.zeros(shape, grad.dtype)
    for n in range(shape[0]):
        for c in range(shape[1]):
            grad_x[n, c].reshape(-1)[indices[n, c].ravel()] = grad[n, c].ravel()
    return grad_x


class Adam:
    """Adam (Kingma and Ba, 2015), array by array."""

    def __init__(self, weights: list[Array], lr: float) -> None:
        self.weights, self.lr, self.steps = weights, lr, 0
        self.means = [np.zeros_like(w) for w in weights]
        self.squares = [np.zeros_like(w) for w in weights]

    def step(self, gradients: list[Array]) -> None:
        """Update the weights in place."""
        self.steps += 1
        for w, g, m, v in zip(self.weights, gradients, self.means, self.squares, strict=True):
            m[...] = 0.9 * m + 0.1 * g
            v[...] = 0.999 * v + 0.001 * g**2
            mean, square = m / (1 - 0.9**self.steps), v / (1 - 0.999**self.steps)
            w -= self.lr * mean / (np.sqrt(square) + 1e-8)
