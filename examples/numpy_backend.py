"""Train a net with `fastnn.functional` alone: NumPy arrays in, NumPy arrays out.

No layer, no optimizer, no tensor type: this is how the kernels go into a framework of your own. Each
operation has its backward, and the chain rule is the order in which they are called.

    python examples/numpy_backend.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnn import functional as F

Array: TypeAlias = NDArray[Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Fit a spiral of three arms by plain gradient descent; print how the loss goes down."""
    parser = argparse.ArgumentParser(description="Train a net on a spiral with fastnn.functional alone.")
    parser.add_argument("--steps", type=int, default=1000, help="steps of gradient descent")
    steps = parser.parse_args(argv).steps
    rng = np.random.default_rng(0)
    x, labels = spiral(rng, per_arm=100)
    weights = [uniform(rng, 64, 2), np.zeros(64), uniform(rng, 3, 64), np.zeros(3)]
    for step in range(steps + 1):
        loss, gradients = loss_and_gradients(x, labels, *weights)
        if step % max(steps // 5, 1) == 0:
            print(f"step {step:>5}  loss {loss:.4f}  accuracy {accuracy(x, labels, *weights):.1%}")
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= 0.5 * gradient
    return 0


def spiral(rng: np.random.Generator, per_arm: int) -> tuple[Array, Array]:
    """Points on three interleaved arms, and the arm of each."""
    labels = np.repeat(np.arange(3), per_arm)
    radius = np.tile(np.linspace(0.05, 1.0, per_arm), 3)
    angle = 4.0 * radius + labels * (2.0 * np.pi / 3.0) + rng.normal(0.0, 0.1, 3 * per_arm)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def uniform(rng: np.random.Generator, outputs: int, inputs: int) -> Array:
    """Initial weights of a dense layer."""
    bound = np.sqrt(6.0 / inputs)
    return rng.uniform(-bound, bound, (outputs, inputs))


def loss_and_gradients(
    x: Array, labels: Array, w1: Array, b1: Array, w2: Array, b2: Array
) -> tuple[Any, list[Any]]:
    """Forward, then backward in the opposite order."""
    hidden = F.relu(F.linear(x, w1, b1))
    logits = F.linear(hidden, w2, b2)
    loss, grad_logits = F.cross_entropy_with_grad(logits, labels)
    grad_hidden, grad_w2, grad_b2 = F.linear_backward(grad_logits, hidden, w2)
    assert grad_hidden is not None  # for type checkers: only what `needs` leaves out is None
    grad_hidden = F.relu_backward(grad_hidden, hidden)
    _, grad_w1, grad_b1 = F.linear_backward(grad_hidden, x, w1, needs=(False, True, True))
    return loss, [grad_w1, grad_b1, grad_w2, grad_b2]


def accuracy(x: Array, labels: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> float:
    """Share of points given to their own arm."""
    logits = F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)
    return float((logits.argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    raise SystemExit(main())
