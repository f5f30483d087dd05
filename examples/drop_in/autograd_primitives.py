"""Operations of fastnn as primitives of HIPS autograd, which differentiates programs in NumPy.

    pip install autograd && python examples/drop_in/autograd_primitives.py

A primitive is a function that autograd does not look into; `defvjp` says how its gradient is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from autograd.extend import defvjp, defvjp_argnums, primitive

import fastnn.functional as F


def like(y: Any, grad_y: Any) -> Any:
    """A gradient in the dtype of what it belongs to: autograd makes float64 of a float32 at places."""
    return grad_y.astype(y.dtype, copy=False)


relu = primitive(F.relu)
defvjp(relu, lambda y, x: lambda grad_y: F.relu_backward(like(y, grad_y), y))


def pull_back(backward: Callable[..., Any]) -> Any:
    """The gradients by x, weight and bias, all that are wanted from one call of `backward`."""

    def make(argnums: Any, y: Any, args: Any, options: Any) -> Any:
        x, weight = args[:2]
        needs = tuple(i in argnums for i in range(3))

        def vjp(grad_y: Any) -> Any:
            grads = backward(like(y, grad_y), x, weight, needs=needs, **options)
            return tuple(grads[i] for i in argnums)

        return vjp

    return make


linear, conv2d = primitive(F.linear), primitive(F.conv2d)
defvjp_argnums(linear, pull_back(F.linear_backward))
defvjp_argnums(conv2d, pull_back(F.conv2d_backward))

cross_entropy = primitive(F.cross_entropy)
defvjp(
    cross_entropy,
    lambda loss, logits, target: lambda scale: float(scale) * F.cross_entropy_with_grad(logits, target)[1],
    argnums=[0],
)


def loss_of(weights: list[Any], x: Any, labels: Any) -> Any:
    """A convolution and a dense layer; autograd's own functions stand beside the primitives."""
    filters, shifts, weight, bias = weights
    planes = relu(conv2d(x, filters, shifts, padding=1))
    logits = linear(np.mean(planes, axis=(2, 3)), weight, bias)
    return cross_entropy(logits, labels) + 1e-4 * np.sum(weight**2)


def make_weights(rng: Any, dtype: str) -> list[Any]:
    """Filters, their bias, and the dense layer's."""
    shapes = ((8, 1, 3, 3), (8,), (3, 8), (3,))
    return [rng.normal(0, 0.5, shape).astype(dtype) for shape in shapes]


def main() -> int:
    """Fit random planes of three classes by gradient descent."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=60)
    x = rng.normal(labels[:, None, None, None], 0.5, (60, 1, 8, 8))
    weights = make_weights(rng, "float64")
    for step in range(101):
        loss, gradients = value_and_grad(loss_of)(weights, x, labels)
        weights = [w - 0.1 * g for w, g in zip(weights, gradients, strict=True)]
        if step % 20 == 0:
            print(f"step {step:>3}  loss {loss:.4f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
