"""One step of stochastic gradient descent with momentum (Sutskever, Martens, Dahl and Hinton 2013).

As torch writes it: the learning rate stays outside the momentum buffer.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def step(
    param: NDArray,
    grad: NDArray,
    buffer: NDArray | None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    first_step: bool = False,
) -> tuple[Array, Array | None]:
    """(param, buffer) after the step; buffer is None without momentum."""
    p, g = np.asarray(param, dtype=np.float64), np.asarray(grad, dtype=np.float64)
    with np.errstate(all="ignore"):
        g = -g if maximize else g
        # Without decay an infinite parameter stays out of the gradient.
        g = g + weight_decay * p if weight_decay else g
        if buffer is None:
            return p - lr * g, None
        b = g if first_step else momentum * np.asarray(buffer, dtype=np.float64) + (1 - dampening) * g
        return p - lr * (g + momentum * b if nesterov else b), b
