"""How large the terms are that Winograd's F(2x2, 3x3) adds up.

Its errors are a few roundings of |A|^T ((|G| |w| |G|^T) * (|B|^T |x| |B|)) |A|, the algorithm with every sign
made a plus, as those of the definition are of the sum of |w| |x|.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tests.reference.conv2d import Geometry, split

Array = NDArray[np.float64]
INPUT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], dtype=float)  # B^T
FILTER = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])  # G
OUTPUT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], dtype=float)  # A^T


def both_sides(matrix: Array, squares: Array) -> Array:
    """|matrix| square |matrix|^T for each square of the last two axes."""
    return np.abs(matrix) @ squares @ np.abs(matrix).T


def even(planes: Array) -> Array:
    """With a row and a column of zeros where one is missing."""
    return np.pad(planes, ((0, 0), (0, 0), (0, planes.shape[2] % 2), (0, planes.shape[3] % 2)))


def tiles(planes: Array, size: int, groups: int) -> Array:
    """Those of even planes, 2 cells apart, by groups: (N, G, C, rows, columns, size, size)."""
    return split(sliding_window_view(planes, (size, size), axis=(2, 3))[:, :, ::2, ::2], groups, 1)


def terms(x: Array, weight: Array, groups: int) -> Array:
    """Of the outputs of a padded x; both arguments are magnitudes."""
    H, W = x.shape[2] - 2, x.shape[3] - 2
    places = both_sides(INPUT, tiles(even(x), 4, groups)), split(both_sides(FILTER, weight), groups, 0)
    sums = np.einsum("ngctuab,gocab->ngotuab", *places, optimize=True)
    y = both_sides(OUTPUT, sums)
    y = y.transpose(0, 1, 2, 3, 5, 4, 6).reshape(len(x), len(weight), 2 * y.shape[3], 2 * y.shape[4])
    return y[:, :, :H, :W]


def forward_terms(x: Array, weight: Array, groups: int = 1, **options: Any) -> Array:
    return terms(Geometry(x, weight, **options).pad(x), weight, groups)


def grad_x_terms(grad_output: Array, x: Array, weight: Array, groups: int = 1, padding: int = 0) -> Array:
    """Of a padding by zeros alike on all sides, up to 2."""
    turned = split(weight, groups, 0).swapaxes(1, 2)[..., ::-1, ::-1]
    turned = turned.reshape(x.shape[1], len(weight) // groups, 3, 3)
    around = (2 - padding,) * 2
    return terms(np.pad(grad_output, ((0, 0), (0, 0), around, around)), turned, groups)


def grad_weight_terms(grad_output: Array, x: Array, weight: Array, groups: int = 1, **options: Any) -> Array:
    """|G|^T (sum over tiles of (|A| |g| |A|^T) * (|B|^T |x| |B|)) |G|."""
    padded = Geometry(x, weight, **options).pad(x)
    places = (
        both_sides(OUTPUT.T, tiles(even(grad_output), 2, groups)),
        both_sides(INPUT, tiles(even(padded), 4, groups)),
    )
    sums = np.einsum("ngotuab,ngctuab->gocab", *places, optimize=True)
    return both_sides(FILTER.T, sums).reshape(weight.shape)
