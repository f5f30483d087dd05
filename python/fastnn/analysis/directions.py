"""Directions in the space of all parameters in which a loss is worth looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_int
from fastnn.analysis.objective import joined

if TYPE_CHECKING:
    from fastnn.nn import Module
    from fastnn.train.batches import Array


def filter_normalised_direction(model: Module, seed: int = 0) -> Array:
    """A random direction in which each filter has the length of the model's own filter.

    Without that, a net with large weights looks flat and one with small weights sharp, though they compute
    the same. A filter is an entry along axis 0 of a parameter of two axes or more; biases and the
    parameters of batch norm get 0. Li et al., "Visualizing the Loss Landscape of Neural Nets", NeurIPS 2018.

    Parameters
    ----------
    model : Module
    seed : int

    Returns
    -------
    float64 array of shape (n,)

    Raises
    ------
    TypeError, ValueError
        For a seed that is no int >= 0, a model without parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Linear(2, 1)
    >>> analysis.set_flat_parameters(model, [3.0, 4.0, 7.0])
    >>> direction = analysis.filter_normalised_direction(model)
    >>> round(float(np.linalg.norm(direction[:2])), 6), float(direction[2])
    (5.0, 0.0)
    """
    rng = np.random.default_rng(as_int("filter_normalised_direction", "seed", seed, minimum=0))
    return joined([_normalised(parameter.data, rng) for parameter in model.parameters()])


def _normalised(weight: Array, rng: np.random.Generator) -> Array:
    if weight.ndim < 2:
        return np.zeros(weight.size)
    filters = weight.reshape(len(weight), -1).astype(np.float64)
    noise = rng.standard_normal(filters.shape)
    lengths = np.linalg.norm(filters, axis=1, keepdims=True) / np.linalg.norm(noise, axis=1, keepdims=True)
    direction: Array = noise * lengths
    return direction


def path_directions(points: Any) -> tuple[Array, Array, Array]:
    """The plane in which a path of training lies best, and the path in that plane.

    The two leading principal components of the differences from the last point: a random plane would miss
    nearly all of the path (Li et al. 2018, section 7).

    Parameters
    ----------
    points : array of shape (T, n), T >= 3
        Such as `ParameterPath.points`.

    Returns
    -------
    first, second : float64 arrays of shape (n,)
        Of length 1, at right angles.
    coordinates : float64 array of shape (T, 2)
        Of the points in that plane; the last is (0, 0).

    Raises
    ------
    ValueError
        For fewer than three points, or points on one straight line.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis
    >>> first, second, coordinates = analysis.path_directions([[4.0, 0, 0], [4.0, 1, 0], [0, 0, 0]])
    >>> float(abs(first @ second)) < 1e-12, coordinates.shape
    (True, (3, 2))
    """
    path = np.asarray(points, dtype=np.float64)
    if path.ndim != 2 or len(path) < 3:
        raise ValueError(f"[path_directions] expected points of shape (T, n) with T >= 3, got {path.shape}")
    differences = path - path[-1]
    _, sizes, axes = np.linalg.svd(differences, full_matrices=False)
    if len(sizes) < 2 or sizes[1] <= 1e-12 * sizes[0]:
        raise ValueError("[path_directions] expected points that span a plane, got points on one line")
    return axes[0], axes[1], differences @ axes[:2].T
