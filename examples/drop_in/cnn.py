"""A net of two convolutions, trained by NumPy and a module F of kernels: `naive` or `fastnn.functional`."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
SHAPES = ((16, 1, 3, 3), (32, 16, 3, 3), (10, 512))


def make_weights(rng: np.random.Generator, dtype: Any) -> list[Array]:
    """Weight and bias of each layer."""
    weights = []
    for outputs, *others in SHAPES:
        scale = np.sqrt(2 / np.prod(others))
        weights += [rng.normal(0, scale, (outputs, *others)), np.zeros(outputs)]
    return [w.astype(dtype) for w in weights]


def loss_and_gradients(F: Any, weights: list[Array], scans: Array, labels: Array) -> tuple[Any, list[Any]]:
    """The loss of a batch of scans (N, 64), and the gradient of each weight."""
    w1, b1, w2, b2, w3, b3 = weights
    planes = scans.reshape(-1, 1, 8, 8)
    first = F.relu(F.conv2d(planes, w1, b1, padding=1))
    second = F.relu(F.conv2d(first, w2, b2, padding=1))
    pooled, indices = F.max_pool2d(second, 2, return_indices=True)
    features = pooled.reshape(len(scans), -1)
    loss, grad = F.cross_entropy_with_grad(F.linear(features, w3, b3), labels)

    grad, grad_w3, grad_b3 = F.linear_backward(grad, features, w3)
    grad = F.max_pool2d_backward(grad.reshape(pooled.shape), indices, second.shape, 2)
    grad, grad_w2, grad_b2 = F.conv2d_backward(F.relu_backward(grad, second), first, w2, padding=1)
    grad = F.relu_backward(grad, first)
    _, grad_w1, grad_b1 = F.conv2d_backward(grad, planes, w1, padding=1, needs=(False, True, True))
    return loss, [grad_w1, grad_b1, grad_w2, grad_b2, grad_w3, grad_b3]
