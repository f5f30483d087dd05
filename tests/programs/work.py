"""Forward and backward of a small net, large enough that several threads take part."""

import hashlib

import numpy as np

import fastnn.functional as F
from fastnn import _core


def gradients(threads: int) -> str:
    """A digest of the bits of every gradient; the same for any number of threads."""
    _core.set_num_threads(threads)
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((192, 150)).astype(np.float32), rng.integers(0, 10, 192)
    first, second = (rng.standard_normal(s).astype(np.float32) for s in ((130, 150), (10, 130)))
    hidden = F.dropout(F.linear(x, first, activation="relu"), 0.5, key=(1, 2))
    _, grad = F.cross_entropy_with_grad(F.linear(hidden, second), target)
    grad_hidden, grad_second, _ = F.linear_backward(grad, hidden, second)
    grads = F.linear_backward(F.relu_backward(grad_hidden, hidden), x, first)
    return hashlib.sha256(b"".join(g.tobytes() for g in (*grads, grad_second))).hexdigest()
