"""One step of Adam (Kingma and Ba 2015).

With `decoupled` it is AdamW (Loshchilov and Hutter 2019), with a running maximum AMSGrad (Reddi, Kale and
Kumar 2018).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def step(
    param: NDArray,
    grad: NDArray,
    exp_avg: NDArray,
    exp_avg_sq: NDArray,
    max_exp_avg_sq: NDArray | None,
    *,
    lr: float,
    step: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
) -> tuple[Array, Array, Array, Array | None]:
    """(param, exp_avg, exp_avg_sq, max_exp_avg_sq) after the step; the last is None without AMSGrad."""
    p, g, m, v = (np.asarray(a, dtype=np.float64) for a in (param, grad, exp_avg, exp_avg_sq))
    with np.errstate(all="ignore"):
        g = -g if maximize else g
        if decoupled:
            p = p * (1 - lr * weight_decay)
        elif weight_decay:
            g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        largest = None if max_exp_avg_sq is None else np.maximum(np.asarray(max_exp_avg_sq, np.float64), v)
        second = (v if largest is None else largest) / (1 - beta2**step)
        return p - lr * (m / (1 - beta1**step)) / (np.sqrt(second) + eps), m, v, largest
