"""One step of RMSprop (Tieleman and Hinton 2012), centered as by Graves (2013).

As torch writes it: eps outside the root, the learning rate outside the momentum buffer.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def step(
    param: NDArray,
    grad: NDArray,
    square_avg: NDArray,
    grad_avg: NDArray | None,
    buffer: NDArray | None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> tuple[Array, Array, Array | None, Array | None]:
    """(param, square_avg, grad_avg, buffer) after the step; None for what the options do not need."""
    p, g, v = (np.asarray(x, dtype=np.float64) for x in (param, grad, square_avg))
    average = np.asarray(grad_avg, dtype=np.float64) if centered else None
    with np.errstate(all="ignore"):
        g = -g if maximize else g
        g = g + weight_decay * p if weight_decay else g
        v = alpha * v + (1 - alpha) * g * g
        variance = v
        if average is not None:
            average = alpha * average + (1 - alpha) * g
            variance = np.maximum(v - average * average, 0)
        update = g / (np.sqrt(variance) + eps)
        if not momentum:
            return p - lr * update, v, average, None
        b = momentum * np.asarray(buffer, dtype=np.float64) + update
        return p - lr * b, v, average, b
