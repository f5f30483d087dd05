"""Places, taps and weights of sampled planes.

y = sum over the cells k of the plane of input[k] w(px - kx) w(py - ky), w(d) = max(0, 1 - |d|), at the place
p that the grid names; a cell outside counts as 0. The cells that count are the four around the place.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Tap(NamedTuple):
    """A cell for each place of a grid, whether it lies in the plane, its weight and the weight's gradient."""

    row: NDArray
    column: NDArray
    inside: NDArray
    weight: NDArray
    by_x: NDArray
    by_y: NDArray


def base(n: int, align_corners: bool) -> NDArray:
    """The coordinates of n cells, whose ends (or the centres of the last ones) are -1 and 1."""
    if n == 1:
        return np.zeros(1)
    return 2 * np.arange(n) / (n - 1) - 1 if align_corners else (np.arange(n) + 0.5) * 2 / n - 1


def affine(theta: NDArray, size: tuple[int, ...], align_corners: bool = False) -> NDArray:
    N, _, H, W = size
    x, y = np.meshgrid(base(W, align_corners), base(H, align_corners))
    t = np.asarray(theta, dtype=np.float64).reshape(N, 1, 1, 2, 3)
    with np.errstate(invalid="ignore"):
        grid: NDArray = t[..., 0] * x[:, :, None] + t[..., 1] * y[:, :, None] + t[..., 2]
    return grid


def affine_backward(grad_grid: NDArray, size: tuple[int, ...], align_corners: bool = False) -> NDArray:
    N, _, H, W = size
    grad = np.asarray(grad_grid, dtype=np.float64)
    x, y = np.meshgrid(base(W, align_corners), base(H, align_corners))
    out = np.zeros((N, 2, 3))
    with np.errstate(invalid="ignore"):
        for k, factor in enumerate((x, y, np.ones((H, W)))):
            out[:, :, k] = (grad * factor.reshape(1, H, W, 1)).sum(axis=(1, 2))
    return out


def place(coordinate: NDArray, n: int, padding_mode: str, align_corners: bool) -> tuple[NDArray, NDArray]:
    """The places in cells, and their derivatives by the coordinates."""
    slope = (n - 1) / 2 if align_corners else n / 2
    p = (coordinate + 1) * slope - (0 if align_corners else 0.5)
    if padding_mode == "zeros":
        return p, np.full(p.shape, slope)
    moves = (p > 0) & (p < n - 1)
    return np.clip(np.where(np.isnan(p), 0, p), 0, n - 1), np.where(moves, slope, 0.0)


def cells(p: NDArray, mode: str) -> list[tuple[NDArray, NDArray, float]]:
    """(cell, weight, derivative of the weight by p) of the taps along an axis."""
    if mode == "nearest":
        return [(np.rint(p), np.ones(p.shape), 0.0)]
    low = np.floor(p)
    return [(low, low + 1 - p, -1.0), (low + 1, p - low, 1.0)]


def within(cell: NDArray, n: int) -> NDArray:
    return (cell >= 0) & (cell < n)


def taps(
    input: NDArray, places: NDArray, mode: str, padding_mode: str, align_corners: bool
) -> tuple[list[Tap], list[NDArray]]:
    """The taps of the grid of one image, and the derivatives of x and y by their coordinates."""
    H, W = input.shape[1:]
    p = np.asarray(places, dtype=np.float64)
    px, slope_x = place(p[..., 0], W, padding_mode, align_corners)
    py, slope_y = place(p[..., 1], H, padding_mode, align_corners)
    found = []
    for row, wy, dy in cells(py, mode):
        for column, wx, dx in cells(px, mode):
            inside = within(row, H) & within(column, W)
            r, c = (np.where(inside, cell, 0).astype(int) for cell in (row, column))
            found.append(Tap(r, c, inside, wy * wx if mode == "bilinear" else wx, wy * dx, wx * dy))
    return found, [slope_x, slope_y]


def images(input: NDArray, grid: NDArray, *options: object) -> Iterator[tuple[int, list[Tap], list[NDArray]]]:
    with np.errstate(invalid="ignore", over="ignore"):
        for n in range(len(input)):
            yield n, *taps(input[n], grid[n], *options)  # type: ignore[arg-type]


def forward(
    input: NDArray,
    grid: NDArray,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> NDArray:
    x = np.asarray(input, dtype=np.float64)
    y = np.zeros((*x.shape[:2], *grid.shape[1:3]))
    for n, found, _ in images(x, grid, mode, padding_mode, align_corners):
        for tap in found:
            y[n] += np.where(tap.inside, x[n][:, tap.row, tap.column], 0) * tap.weight
    return y


def backward(
    grad_output: NDArray,
    input: NDArray,
    grid: NDArray,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> tuple[NDArray, NDArray]:
    g, x = np.asarray(grad_output, dtype=np.float64), np.asarray(input, dtype=np.float64)
    grad_input, grad_grid = np.zeros(x.shape), np.zeros(grid.shape)
    for n, found, slopes in images(x, grid, mode, padding_mode, align_corners):
        by_x, by_y = np.zeros(g[n].shape), np.zeros(g[n].shape)
        for tap in found:
            for c in range(x.shape[1]):
                where = tap.row[tap.inside], tap.column[tap.inside]
                np.add.at(grad_input[n, c], where, (tap.weight * g[n, c])[tap.inside])
            value = np.where(tap.inside, x[n][:, tap.row, tap.column], 0)
            by_x += value * tap.by_x
            by_y += value * tap.by_y
        if mode == "bilinear":
            for k, (by, slope) in enumerate(zip((by_x, by_y), slopes, strict=True)):
                grad_grid[n, ..., k] = (by * g[n]).sum(axis=0) * slope
    return grad_input, grad_grid
