"""Pooling: y is the maximum, or the sum over the divisor, of the cells that each window sees.

A window is given by the cells of its rows and columns, padding included; those outside the plane count as
-inf for the maximum and as 0 for the sum. Everything is told window by window.
"""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Cells = list[int]


def outputs(size: int, kernel: int, stride: int, sides: tuple[int, int], dilation: int, ceil: bool) -> int:
    """As PyTorch documents it: the last window has to start before the padding at the end."""
    room = Fraction(size + sum(sides) - dilation * (kernel - 1) - 1, stride)
    if not ceil:
        return math.floor(room) + 1
    count = math.ceil(room) + 1
    return count - 1 if (count - 1) * stride - sides[0] >= size else count


def windows(
    size: int, kernel: int, stride: int, sides: tuple[int, int], dilation: int = 1, ceil: bool = False
) -> list[Cells]:
    """For each output cell of an axis the input cells under its taps, outside the plane included."""
    count = outputs(size, kernel, stride, sides, dilation, ceil)
    return [[o * stride - sides[0] + t * dilation for t in range(kernel)] for o in range(count)]


def adaptive_windows(size: int, output: int | None) -> list[Cells]:
    count = size if output is None else output
    return [list(range(o * size // count, -(-(o + 1) * size // count))) for o in range(count)]


def inside(cells: Cells, size: int) -> Cells:
    return [c for c in cells if 0 <= c < size]


def each(rows: list[Cells], columns: list[Cells], H: int, W: int) -> Iterator[tuple[int, int, Cells, Cells]]:
    columns_inside = [inside(c, W) for c in columns]
    for i, r in enumerate(rows):
        rows_inside = inside(r, H)
        for j, c in enumerate(columns_inside):
            yield i, j, rows_inside, c


def maximum(x: NDArray, rows: list[Cells], columns: list[Cells]) -> tuple[Array, NDArray[np.int64]]:
    """The values and their places in the plane: the first of equal ones, the last NaN, -1 for nothing."""
    x = np.asarray(x, dtype=np.float64)
    H, W = x.shape[-2:]
    shape = (*x.shape[:-2], len(rows), len(columns))
    y, places = np.full(shape, -np.inf), np.full(shape, -1, dtype=np.int64)
    for i, j, r, c in each(rows, columns, H, W):
        if not r or not c or not x.size:
            continue
        cells = x[..., r[0] : r[-1] + 1 : step(r), c[0] : c[-1] + 1 : step(c)].reshape(*x.shape[:-2], -1)
        nan = np.isnan(cells)
        last_nan = cells.shape[-1] - 1 - np.argmax(nan[..., ::-1], axis=-1)
        first = np.argmax(np.where(nan, -np.inf, cells), axis=-1)
        at = np.where(nan.any(axis=-1), last_nan, first)
        y[..., i, j] = np.take_along_axis(cells, at[..., None], axis=-1)[..., 0]
        places[..., i, j] = np.add.outer(np.array(r) * W, np.array(c)).reshape(-1)[at]
    return y, places


def step(cells: Cells) -> int:
    return cells[1] - cells[0] if len(cells) > 1 else 1


def maximum_backward(grad_output: NDArray, places: NDArray, plane: tuple[int, int]) -> Array:
    """The sum of what arrives at each place."""
    g = np.asarray(grad_output, dtype=np.float64)
    planes = math.prod(g.shape[:-2])
    grad_x = np.zeros((planes, plane[0] * plane[1]))
    of_plane = np.arange(planes).repeat(g.shape[-2] * g.shape[-1])
    at, sent = places.reshape(-1), g.reshape(-1)
    with np.errstate(invalid="ignore"):
        np.add.at(grad_x, (of_plane[at >= 0], at[at >= 0]), sent[at >= 0])
    return grad_x.reshape(*g.shape[:-2], *plane)


def divisors(rows: list[Cells], columns: list[Cells], ends: tuple[int, int], first: int) -> Array:
    """The number of cells of each window from `first` on and before the ends."""
    counts = [
        np.array([sum(first <= c < end for c in cells) for cells in axis], dtype=np.float64)
        for axis, end in zip((rows, columns), ends, strict=True)
    ]
    return np.multiply.outer(*counts)


def average(x: NDArray, rows: list[Cells], columns: list[Cells], divisor: Array) -> Array:
    x = np.asarray(x, dtype=np.float64)
    y = np.zeros((*x.shape[:-2], len(rows), len(columns)))
    with np.errstate(invalid="ignore"):
        for i, j, r, c in each(rows, columns, *x.shape[-2:]):
            y[..., i, j] = x[..., r[0] : r[-1] + 1, c[0] : c[-1] + 1].sum(axis=(-2, -1)) / divisor[i, j]
    return y


def average_backward(
    grad_output: NDArray, plane: tuple[int, int], rows: list[Cells], columns: list[Cells], divisor: Array
) -> Array:
    g = np.asarray(grad_output, dtype=np.float64)
    grad_x = np.zeros((*g.shape[:-2], *plane))
    with np.errstate(invalid="ignore"):
        for i, j, r, c in each(rows, columns, *plane):
            grad_x[..., r[0] : r[-1] + 1, c[0] : c[-1] + 1] += (g[..., i, j] / divisor[i, j])[..., None, None]
    return grad_x
