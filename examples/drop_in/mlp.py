"""A net of three dense layers, trained by NumPy and a module F of kernels: `naive` or `fastnn.functional`.

No layer, no tensor type: each operation has its backward, and the chain rule is the order of the calls.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
HIDDEN = 256


def make_weights(rng: np.random.Generator, dtype: Any) -> list[Array]:
    """Weight and bias of each layer."""
    sizes = (64, HIDDEN, HIDDEN, 10)
    weights = []
    for inputs, outputs in pairwise(sizes):
        weights += [rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs)), np.zeros(outputs)]
    return [w.astype(dtype) for w in weights]


def loss_and_gradients(F: Any, weights: list[Array], scans: Array, labels: Array) -> tuple[Any, list[Any]]:
    """The loss of a batch of scans (N, 64), and the gradient of each weight."""
    w1, b1, w2, b2, w3, b3 = weights
    first = F.relu(F.linear(scans, w1, b1))
    second = F.relu(F.linear(first, w2, b2))
    loss, grad = F.cross_entropy_with_grad(F.linear(second, w3, b3), labels)
    grad, grad_w3, grad_b3 = F.linear_backward(grad, second, w3)
    grad, grad_w2, grad_b2 = F.linear_backward(F.relu_backward(grad, second), first, w2)
    grad = F.relu_backward(grad, first)
    _, grad_w1, grad_b1 = F.linear_backward(grad, scans, w1, needs=(False, True, True))
    return loss, [grad_w1, grad_b1, grad_w2, grad_b2, grad_w3, grad_b3]
