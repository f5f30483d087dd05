"""One step of Adagrad (Duchi, Hazan and Singer 2011).

With `average` it divides by the root of the mean of all squared gradients, not of their sum.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def step(
    param: NDArray,
    grad: NDArray,
    total: NDArray,
    *,
    lr: float,
    step: int,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    eps: float = 1e-10,
    average: bool = False,
    maximize: bool = False,
) -> tuple[Array, Array]:
    """(param, sum of squares) after the step."""
    p, g, s = (np.asarray(x, dtype=np.float64) for x in (param, grad, total))
    with np.errstate(all="ignore"):
        g = -g if maximize else g
        g = g + weight_decay * p if weight_decay else g
        s = s + g * g
        sigma = np.sqrt(s / step) if average else np.sqrt(s)
        return p - lr / (1 + (step - 1) * lr_decay) * g / (sigma + eps), s
