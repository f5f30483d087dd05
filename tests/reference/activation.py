"""relu(x) = x where x is not below 0 (so NaN stays NaN), else 0."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def relu(x: NDArray) -> Array:
    x = np.asarray(x, dtype=np.float64)
    return np.where(x < 0, 0.0, x)


def relu_backward(grad_output: NDArray, y: NDArray) -> Array:
    """The gradient passes where the output is above 0; torch's rule, which also passes it at NaN."""
    grad_output = np.asarray(grad_output, dtype=np.float64)
    return np.where(np.asarray(y) <= 0, 0.0, grad_output)
