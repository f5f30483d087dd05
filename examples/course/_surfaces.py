"""Surfaces over two parameters (a, b), with their gradients: places where optimizers differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _common import Array


@dataclass(frozen=True)
class Surface:
    """A loss of points of shape (..., 2), its gradient at one point, and where descent begins."""

    loss: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    start: tuple[float, float]


STRETCHED = Surface(  # (0.01 a^2 + b^2) / 2: a hundred times steeper along b; the minimum is (0, 0)
    lambda p: (0.01 * p[..., 0] ** 2 + p[..., 1] ** 2) / 2,
    lambda p: np.array([0.01 * p[0], p[1]]),
    (-8.0, 2.0),
)

CRESCENT = Surface(  # Rosenbrock's valley, less steep: (1 - a)^2 + 10 (b - a^2)^2; the minimum is (1, 1)
    lambda p: (1 - p[..., 0]) ** 2 + 10 * (p[..., 1] - p[..., 0] ** 2) ** 2,
    lambda p: np.array([-2 * (1 - p[0]) - 40 * p[0] * (p[1] - p[0] ** 2), 20 * (p[1] - p[0] ** 2)]),
    (-1.4, 2.0),
)


def from_floor(points: Array) -> Array:
    """How far points lie from the floor of the gully."""
    return abs(points[..., 1] - 0.1 * points[..., 0])


GULLY = Surface(  # a long way down along a = 10 b, ever flatter, between walls that are steep at once
    lambda p: from_floor(p) ** 2 / 2 + 0.01 * np.logaddexp(0, -p[..., 0]),
    lambda p: np.array([-0.1, 1.0]) * (p[1] - 0.1 * p[0]) - np.array([0.01 / (1 + np.exp(p[0])), 0.0]),
    (-4.0, 0.1),
)
