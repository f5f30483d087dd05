"""Sampling at an affine grid, as augmentation and spatial transformers do: gray digits, and colour images."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Builder, Call, Case

SHAPES = [(64, 1, 28, 28), (64, 3, 32, 32), (16, 32, 28, 28)]


def inputs(shape: tuple[int, ...]) -> Any:
    """Images, and grids that turn each by up to 40 degrees."""

    def make(rng: np.random.Generator) -> list[Array]:
        angle = rng.uniform(-0.7, 0.7, (shape[0], 1, 1))
        y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape[2:]), indexing="ij")
        cos, sin = np.cos(angle), np.sin(angle)
        return [rng.standard_normal(shape), np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)]

    return make


def with_gradient(shape: tuple[int, ...]) -> Any:
    return lambda rng: [rng.standard_normal(shape), *inputs(shape)(rng)]


def fastnn_forward() -> Builder:
    def build(x: Array, grid: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.grid_sample(x, grid)

    return build


def torch_forward() -> Builder:
    def build(x: Any, grid: Any) -> Call:
        from torch.nn.functional import grid_sample

        return lambda: grid_sample(x, grid, align_corners=False)

    return build


def numpy_taps(x: Array, grid: Array) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Of the four cells around a place: where it lies, its weight, the weight's derivatives by x and y."""
    H, W = x.shape[2:]
    p = (grid.reshape(len(x), 1, -1, 2) + 1) * np.array([W, H], x.dtype) / 2 - np.array(0.5, x.dtype)
    low = np.floor(p)
    fraction = p - low
    for dx in (0, 1):
        for dy in (0, 1):
            column, row = (np.moveaxis(low, -1, 0) + np.array([dx, dy]).reshape(2, 1, 1, 1)).astype(np.int64)
            inside = (column >= 0) & (column < W) & (row >= 0) & (row < H)
            wx, wy = (np.abs(1 - step - fraction[..., k]) * inside for k, step in enumerate((dx, dy)))
            yield np.where(inside, row * W + column, 0), wx * wy, (2 * dx - 1) * wy, (2 * dy - 1) * wx


def numpy_forward() -> Builder:
    def build(x: Array, grid: Array) -> Call:
        flat = x.reshape(*x.shape[:2], -1)

        def call() -> Array:
            y = sum(np.take_along_axis(flat, at, axis=2) * weight for at, weight, _, _ in numpy_taps(x, grid))
            return np.asarray(y).reshape(*x.shape[:2], *grid.shape[1:3])

        return call

    return build


def numpy_backward() -> Builder:
    def build(grad_output: Array, x: Array, grid: Array) -> Call:
        flat, g = x.reshape(*x.shape[:2], -1), grad_output.reshape(*x.shape[:2], -1)
        images, channels = np.arange(len(x)).reshape(-1, 1, 1), np.arange(x.shape[1]).reshape(1, -1, 1)

        def call() -> list[Array]:
            grad_x, grad_places = np.zeros_like(flat), np.zeros((len(x), g.shape[2], 2), x.dtype)
            for at, weight, *slopes in numpy_taps(x, grid):
                np.add.at(grad_x, (images, channels, at), weight * g)
                product = g * np.take_along_axis(flat, at, axis=2)
                for k, slope in enumerate(slopes):
                    grad_places[..., k] += (product * slope).sum(axis=1) * x.shape[3 - k] / 2
            return [grad_x.reshape(x.shape), grad_places.reshape(grid.shape)]

        return call

    return build


def fastnn_backward() -> Builder:
    def build(grad_output: Array, x: Array, grid: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.grid_sample_backward(grad_output, x, grid)

    return build


def torch_backward() -> Builder:
    """The function that autograd would call."""

    def build(grad_output: Any, x: Any, grid: Any) -> Call:
        import torch

        backward = torch.ops.aten.grid_sampler_2d_backward
        return lambda: backward(grad_output, x, grid, 0, 0, False, [True, True])

    return build


def forward(shape: tuple[int, ...]) -> Case:
    return Case(
        name="grid_sample {}x{}x{}x{}".format(*shape),
        op="grid_sample",
        inputs=inputs(shape),
        builders={"fastnn": fastnn_forward(), "torch": torch_forward(), "numpy": numpy_forward()},
        least_bytes=8 * prod(shape) + 8 * prod(shape) // shape[1],
        compare_numpy=True,
    )


def backward(shape: tuple[int, ...]) -> Case:
    return Case(
        name="grid_sample backward {}x{}x{}x{}".format(*shape),
        op="grid_sample",
        inputs=with_gradient(shape),
        builders={"fastnn": fastnn_backward(), "torch": torch_backward(), "numpy": numpy_backward()},
        least_bytes=12 * prod(shape) + 16 * prod(shape) // shape[1],
    )


CASES = [forward(shape) for shape in SHAPES] + [backward(shape) for shape in SHAPES]
