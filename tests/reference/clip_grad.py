"""Clipping of gradients: by their common p-norm (Pascanu, Mikolov and Bengio 2013), and each by value."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def norm(grads: Sequence[NDArray], p: float) -> float:
    """The p-norm of all gradients as one vector."""
    sizes = np.concatenate([np.zeros(1), *(np.abs(np.asarray(g, dtype=np.float64)).ravel() for g in grads)])
    with np.errstate(all="ignore"):
        return float(sizes.max() if p == np.inf else (sizes**p).sum() ** (1 / p))


def clip_norm(grads: Sequence[NDArray], max_norm: float, p: float) -> tuple[float, list[Array]]:
    """The norm, and the gradients scaled."""
    total = norm(grads, p)
    with np.errstate(all="ignore"):
        factor = np.minimum(max_norm / (np.float64(total) + 1e-6), 1.0)
        return total, [np.asarray(g, dtype=np.float64) * factor for g in grads]


def clip_value(grads: Sequence[NDArray], limit: float) -> list[Array]:
    """The gradients clamped to [-limit, limit]."""
    return [np.clip(np.asarray(g, dtype=np.float64), -limit, limit) for g in grads]
