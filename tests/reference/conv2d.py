"""y[n, o, i, j] = b[o] + sum of weight[o, c, a, b] * padded x[n, c, i s + a d, j s + b d], tap by tap.

Padding other than zeros is an index map: cell p of a padded axis is a copy of cell source[p], or, for the
mean, holds the mean over the plane.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def wide(a: NDArray) -> Array:
    return np.asarray(a, dtype=np.float64)


def two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def four(padding: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """Top, bottom, left, right."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        h, w = ((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
        return h // 2, h - h // 2, w // 2, w - w // 2
    if isinstance(padding, int) or isinstance(padding[0], int):
        h, w = two(padding)
        return h, h, w, w
    return (*padding[0], *padding[1])


def sources(size: int, before: int, after: int, mode: str) -> NDArray:
    """The cell that each cell of the padded axis shows; -1 for none."""
    cells = np.arange(-before, size + after)
    inside = (cells >= 0) & (cells < size)
    if mode == "reflect":
        return np.where(cells < 0, -cells, np.where(cells >= size, 2 * (size - 1) - cells, cells))
    if mode == "replicate":
        return np.clip(cells, 0, size - 1)
    if mode == "circular":
        return cells % size
    return np.where(inside, cells, -1)


class Geometry:
    """Where the taps of one call fall on its padded plane."""

    def __init__(
        self,
        x: NDArray,
        weight: NDArray,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
        algorithm: str = "direct",
    ) -> None:
        assert algorithm in ("direct", "winograd")  # ways to the same sums
        self.kernel = weight.shape[2:]
        self.stride, self.dilation = two(stride), two(dilation)
        self.groups, self.mode = groups, padding_mode
        top, bottom, left, right = four(padding, self.kernel, self.dilation)
        self.rows = sources(x.shape[-2], top, bottom, padding_mode)
        self.columns = sources(x.shape[-1], left, right, padding_mode)
        padded = (len(self.rows), len(self.columns))
        self.output = tuple(
            (p - d * (k - 1) - 1) // s + 1
            for p, d, k, s in zip(padded, self.dilation, self.kernel, self.stride, strict=True)
        )

    def pad(self, x: Array) -> Array:
        fill = x.mean(axis=(-2, -1)) if self.mode == "mean" else np.zeros(x.shape[:2])
        padded = np.repeat(fill, len(self.rows) * len(self.columns))
        padded = padded.reshape(*x.shape[:2], len(self.rows), len(self.columns))
        r, c = np.flatnonzero(self.rows >= 0), np.flatnonzero(self.columns >= 0)
        padded[:, :, r[:, None], c] = x[:, :, self.rows[r][:, None], self.columns[c]]
        return padded

    def pad_backward(self, grad: Array, shape: tuple[int, ...]) -> Array:
        grad_x = np.zeros(shape)
        for p, row in enumerate(self.rows):
            for q, column in enumerate(self.columns):
                if row >= 0 and column >= 0:
                    grad_x[:, :, row, column] += grad[:, :, p, q]
                elif self.mode == "mean":
                    grad_x += (grad[:, :, p, q] / (shape[2] * shape[3]))[:, :, None, None]
        return grad_x

    def taps(self) -> list[tuple[int, int, tuple[slice, slice]]]:
        """Each tap (a, b) with the cells that it sees, one an output."""
        (h, w), (dh, dw), (oh, ow) = self.stride, self.dilation, self.output
        return [
            (
                a,
                b,
                (
                    slice(a * dh, a * dh + (oh - 1) * h + 1, h),
                    slice(b * dw, b * dw + (ow - 1) * w + 1, w),
                ),
            )
            for a in range(self.kernel[0])
            for b in range(self.kernel[1])
        ]


def split(a: Array, groups: int, axis: int) -> Array:
    """The axis as (groups, share)."""
    shape = a.shape
    return a.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def forward(
    x: NDArray, weight: NDArray, bias: NDArray | None = None, activation: str | None = None, **options: Any
) -> Array:
    if x.ndim == 3:
        return forward(x[None], weight, bias, activation, **options)[0]
    at = Geometry(x, weight, **options)
    with np.errstate(all="ignore"):
        padded, filters = split(at.pad(wide(x)), at.groups, 1), split(wide(weight), at.groups, 0)
        y = np.zeros((x.shape[0], at.groups, weight.shape[0] // at.groups, *at.output))
        for a, b, cells in at.taps():
            y += np.einsum("ngcij,goc->ngoij", padded[(..., *cells)], filters[..., a, b])
        y = y.reshape(x.shape[0], weight.shape[0], *at.output)
        if bias is not None:
            y = y + wide(bias)[:, None, None]
    return np.where(y < 0, 0.0, y) if activation == "relu" else y


def backward(grad_output: NDArray, x: NDArray, weight: NDArray, **options: Any) -> tuple[Array, Array, Array]:
    if x.ndim == 3:
        grad_x, *others = backward(grad_output[None], x[None], weight, **options)
        return grad_x[0], *others
    at = Geometry(x, weight, **options)
    with np.errstate(all="ignore"):
        padded, filters = split(at.pad(wide(x)), at.groups, 1), split(wide(weight), at.groups, 0)
        g = split(wide(grad_output), at.groups, 1)
        grad_padded, grad_filters = np.zeros(padded.shape), np.zeros(filters.shape)
        for a, b, cells in at.taps():
            grad_padded[(..., *cells)] += np.einsum("ngoij,goc->ngcij", g, filters[..., a, b])
            grad_filters[..., a, b] = np.einsum("ngoij,ngcij->goc", g, padded[(..., *cells)])
        grad_x = at.pad_backward(grad_padded.reshape(*x.shape[:2], *padded.shape[3:]), x.shape)
        return grad_x, grad_filters.reshape(weight.shape), wide(grad_output).sum(axis=(0, 2, 3))
