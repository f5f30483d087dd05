"""affine_grid, grid_sample and the spatial transformer made of them, over random shapes and options."""

from typing import Any

import torch
from numpy.random import Generator

import fastnn.functional as F
from tests.peers.differential.case import Case, Results
from tests.peers.differential.conv_layers import leaf, one_of, sizes

TF = torch.nn.functional


def options_of(rng: Generator) -> dict[str, Any]:
    return {
        "mode": one_of(rng, "bilinear", "nearest"),
        "padding_mode": one_of(rng, "zeros", "border"),
        "align_corners": bool(rng.integers(2)),
    }


def draw_grid_sample(rng: Generator, dtype: str) -> Case:
    N, C, H, W, OH, OW = sizes(rng, 6, 1, 12)
    options = options_of(rng)
    x = rng.standard_normal((N, C, H, W)).astype(dtype)
    grid = rng.uniform(-1.5, 1.5, (N, OH, OW, 2)).astype(dtype)
    grad = rng.standard_normal((N, C, OH, OW)).astype(dtype)

    def ours() -> Results:
        grad_input, grad_grid = F.grid_sample_backward(grad, x, grid, **options)
        return {"y": F.grid_sample(x, grid, **options), "grad_input": grad_input, "grad_grid": grad_grid}

    def theirs() -> Results:
        source, places = leaf(x), leaf(grid)
        y = TF.grid_sample(source, places, **options)
        y.backward(torch.tensor(grad))
        return {"y": y, "grad_input": source.grad, "grad_grid": places.grad}

    return Case(f"grid_sample of {x.shape} at {grid.shape} {options}", dtype, ours, theirs)


def draw_affine_grid(rng: Generator, dtype: str) -> Case:
    size, align = sizes(rng, 4, 1, 12), bool(rng.integers(2))
    theta = rng.standard_normal((size[0], 2, 3)).astype(dtype)
    grad = rng.standard_normal((size[0], *size[2:], 2)).astype(dtype)

    def ours() -> Results:
        return {
            "grid": F.affine_grid(theta, size, align),
            "grad_theta": F.affine_grid_backward(grad, size, align),
        }

    def theirs() -> Results:
        source = leaf(theta)
        grid = TF.affine_grid(source, list(size), align)
        grid.backward(torch.tensor(grad))
        return {"grid": grid, "grad_theta": source.grad}

    return Case(f"affine_grid of {size} align_corners={align}", dtype, ours, theirs)


DRAWS = (draw_grid_sample, draw_affine_grid)
