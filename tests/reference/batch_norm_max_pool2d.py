"""The maxima of windows of what batch norm gives, and the gradients by what batch norm is given."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.reference import batch_norm, pool2d

Array = NDArray[Any]


def forward(rows: list[list[int]], columns: list[list[int]], **given: Any) -> tuple[Array, ...]:
    """The maxima, and what batch norm gives beside its y."""
    y, *rest = batch_norm.forward(**given)
    return (pool2d.maximum(y, rows, columns)[0], *rest)


def taps(rows: list[list[int]], columns: list[list[int]], places: Array, width: int) -> Array:
    """Places in the plane as places in the window, row by row; a window without a cell has none."""
    numbers = np.empty(places.shape, np.uint8)
    for at in np.ndindex(places.shape):
        r, c = divmod(int(places[at]), width)
        i, j = rows[at[-2]], columns[at[-1]]
        numbers[at] = i.index(r) * len(j) + j.index(c)
    return numbers


def indices(rows: list[list[int]], columns: list[list[int]], numbers: Array, width: int) -> Array:
    """The way back."""
    places = np.empty(numbers.shape, np.int64)
    for at in np.ndindex(numbers.shape):
        i, j = rows[at[-2]], columns[at[-1]]
        r, c = divmod(int(numbers[at]), len(j))
        places[at] = i[r] * width + j[c]
    return places


def backward(grad_output: Array, places: Array, x: Array, *rest: Any, **given: Any) -> tuple[Array, ...]:
    grad_y = pool2d.maximum_backward(grad_output, places, x.shape[-2:])
    return batch_norm.backward(grad_y, x, *rest, **given)
