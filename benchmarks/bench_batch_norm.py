"""Batch normalisation of (N, C, H, W) and (N, C), float32.

Training reads x and writes y, 8 bytes an element, where a channel stays in the cache between the statistics
and the normalisation, and reads x twice where not; backward, 12 or 20. PyTorch's calls are those of autograd.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Builder, Call, Case

FORWARD_TARGET, BACKWARD_TARGET = 0.4, 0.8
CACHED_CHANNEL = 1 << 17  # elements; 512 KiB
EPS, MOMENTUM = 1e-5, 0.1


def _stats(x: Array) -> tuple[Array, Array]:
    """Mean and 1 / sqrt(var + eps) by channel, shaped to be broadcast over x."""
    axes = (0, *range(2, x.ndim))
    return x.mean(axes, keepdims=True), 1 / np.sqrt(x.var(axes, keepdims=True) + EPS)


def _along(x: Array, values: Array) -> Array:
    return values.reshape(1, -1, *(1,) * (x.ndim - 2))


# --- forward ---
def fastnn_forward(training: bool, relu: bool) -> Builder:
    def build(x: Array, weight: Array, bias: Array, mean: Array, var: Array) -> Call:
        import fastnn.functional as F

        activation: Any = "relu" if relu else None
        return lambda: F.batch_norm(x, mean, var, weight, bias, training, activation=activation)

    return build


def torch_forward(training: bool, relu: bool, channels_last: bool = False) -> Builder:
    def build(x: Any, weight: Any, bias: Any, mean: Any, var: Any) -> Call:
        import torch

        forward = torch.native_batch_norm
        if channels_last:
            x = x.to(memory_format=torch.channels_last)
        if relu:
            return lambda: forward(x, weight, bias, mean, var, training, MOMENTUM, EPS)[0].relu_()
        return lambda: forward(x, weight, bias, mean, var, training, MOMENTUM, EPS)[0]

    return build


def numpy_forward(training: bool, relu: bool) -> Builder:
    def build(x: Array, weight: Array, bias: Array, mean: Array, var: Array) -> Call:
        def call() -> Array:
            m, invstd = _stats(x) if training else (_along(x, mean), 1 / np.sqrt(_along(x, var) + EPS))
            y = (x - m) * invstd * _along(x, weight) + _along(x, bias)
            return np.maximum(y, 0) if relu else np.asarray(y)

        return call

    return build


# --- backward, in training ---
def fastnn_backward(relu: bool) -> Builder:
    def build(grad_output: Array, x: Array, weight: Array, bias: Array) -> Call:
        import fastnn.functional as F

        activation: Any = "relu" if relu else None
        _, mean, invstd = F.batch_norm_with_stats(x, None, None, weight, bias, training=True)
        return lambda: F.batch_norm_backward(
            grad_output, x, weight, mean, invstd, True, activation=activation, bias=bias
        )

    return build


def torch_backward(relu: bool, channels_last: bool = False) -> Builder:
    def build(grad_output: Any, x: Any, weight: Any, bias: Any) -> Call:
        import torch

        backward = torch.ops.aten.native_batch_norm_backward.default
        threshold = torch.ops.aten.threshold_backward.default
        if channels_last:
            grad_output, x = (a.to(memory_format=torch.channels_last) for a in (grad_output, x))
        y, mean, invstd = torch.native_batch_norm(x, weight, bias, None, None, True, MOMENTUM, EPS)
        y = y.relu_()

        def call() -> Any:
            g = threshold(grad_output, y, 0) if relu else grad_output
            return backward(g, x, weight, None, None, mean, invstd, True, EPS, [True, True, True])

        return call

    return build


def numpy_backward(relu: bool) -> Builder:
    def build(grad_output: Array, x: Array, weight: Array, bias: Array) -> Call:
        def call() -> tuple[Array, Array, Array]:
            axes = (0, *range(2, x.ndim))
            mean, invstd = _stats(x)
            xhat = (x - mean) * invstd
            g = grad_output * (xhat * _along(x, weight) + _along(x, bias) > 0) if relu else grad_output
            grad_weight, grad_bias = (g * xhat).sum(axes), g.sum(axes)
            n = x.size // x.shape[1]
            centred = g - _along(x, grad_bias) / n - xhat * _along(x, grad_weight) / n
            return _along(x, weight) * invstd * centred, grad_weight, grad_bias

        return call

    return build


# --- the cases ---
def forward_inputs(rng: np.random.Generator, shape: Sequence[int]) -> list[Array]:
    C = shape[1]
    draws = rng.standard_normal(shape) + 0.5, *(rng.standard_normal(C) for _ in range(3))
    return [*draws, rng.random(C) + 0.5]


def backward_inputs(rng: np.random.Generator, shape: Sequence[int]) -> list[Array]:
    return [rng.standard_normal(s) for s in (shape, shape, shape[1:2], shape[1:2])]


def sized(kind: str, shape: Sequence[int], channels_last: bool) -> str:
    """The name of a case."""
    return f"{kind} {'x'.join(map(str, shape))}{' channels_last' if channels_last else ''}"


def reads(shape: Sequence[int]) -> int:
    """How often x has to be read."""
    return 2 if prod(shape) // shape[1] > CACHED_CHANNEL else 1


def forward(
    shape: Sequence[int], training: bool = True, relu: bool = False, channels_last: bool = False
) -> Case:
    kind = f"batch_norm {'train' if training else 'eval'}{'+relu' if relu else ''} forward"
    return Case(
        name=sized(kind, shape, channels_last),
        op="batch_norm",
        inputs=lambda rng: forward_inputs(rng, shape),
        builders={
            "fastnn": fastnn_forward(training, relu),
            "torch": torch_forward(training, relu, channels_last),
            "numpy": numpy_forward(training, relu),
        },
        least_bytes=4 * ((reads(shape) if training else 1) + 1) * prod(shape),
        target=FORWARD_TARGET if training else 1.0,
    )


def backward(shape: Sequence[int], relu: bool = False, channels_last: bool = False) -> Case:
    return Case(
        name=sized(f"batch_norm train{'+relu' if relu else ''} backward", shape, channels_last),
        op="batch_norm",
        inputs=lambda rng: backward_inputs(rng, shape),
        builders={
            "fastnn": fastnn_backward(relu),
            "torch": torch_backward(relu, channels_last),
            "numpy": numpy_backward(relu),
        },
        least_bytes=4 * (2 * reads(shape) + 1) * prod(shape),
        target=BACKWARD_TARGET,
    )


SHAPES = [
    (32, 128),
    (32, 32, 28, 28),
    (128, 32, 28, 28),
    (64, 256, 14, 14),
    (64, 64, 56, 56),
    (32, 3, 224, 224),
]
CASES = [
    *(forward(shape) for shape in SHAPES),
    forward((128, 32, 28, 28), relu=True),
    forward((128, 32, 28, 28), channels_last=True),
    forward((128, 32, 28, 28), training=False),
    *(backward(shape) for shape in SHAPES),
    backward((128, 32, 28, 28), relu=True),
    backward((128, 32, 28, 28), channels_last=True),
]
