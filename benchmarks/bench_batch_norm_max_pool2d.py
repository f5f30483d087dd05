"""Batch norm in training, ReLU and 2x2 max pooling of (N, C, H, W), as layers call them, in one pass.

The least is to read x, and to write the maxima and a byte for the place of each; backward, to read these and
x and to write grad_x. A channel that stays in no cache is read twice. PyTorch makes three calls.
"""

from math import prod
from typing import Any

import numpy as np

from benchmarks import bench_batch_norm as batch_norm
from benchmarks import bench_pool2d as pool2d
from benchmarks.case import Array, Call, Case

NAME = "batch_norm+relu+max_pool2d 2x2"
WINDOW = (2, 2, 0)  # kernel, stride, padding


def _options(op: str) -> tuple[Any, ...]:
    from fastnn.functional.batch_norm import gradient_options, options
    from fastnn.functional.pool2d import pool_options

    norm = options(op, True, batch_norm.MOMENTUM, batch_norm.EPS, "relu")
    return norm, gradient_options(op, True, "relu", (True, True, True), False), pool_options(op, *WINDOW)


# --- forward ---
def fastnn_forward(x: Array, weight: Array, bias: Array, mean: Array, var: Array) -> Call:
    from fastnn import _core

    norm, _, windows = _options("batch_norm_max_pool2d")
    return lambda: _core.batch_norm_max_pool2d(x, (mean, var), (weight, bias), norm, windows, True)[0]


def torch_forward(channels_last: bool) -> Any:
    def build(x: Any, *rest: Any) -> Call:
        from torch.nn.functional import max_pool2d

        normalize = batch_norm.torch_forward(True, True, channels_last)(x, *rest)
        return lambda: max_pool2d(normalize(), *WINDOW, return_indices=True)[0]

    return build


def numpy_forward(x: Array, *rest: Array) -> Call:
    normalize: Any = batch_norm.numpy_forward(True, True)(x, *rest)
    return lambda: pool2d.taps(normalize(), *WINDOW, -np.inf).max(-1)


# --- backward ---
def fastnn_backward(grad_output: Array, x: Array, weight: Array, bias: Array) -> Call:
    from fastnn import _core

    norm, gradients, windows = _options("batch_norm_max_pool2d_backward")
    affine = weight, bias
    _, *rest = _core.batch_norm_max_pool2d(x, (None, None), affine, norm, windows, True)
    saved: Any = x, *rest
    return lambda: _core.batch_norm_max_pool2d_backward(grad_output, saved, affine, gradients, windows, None)


def torch_backward(channels_last: bool) -> Any:
    def build(grad_output: Any, x: Any, weight: Any, bias: Any) -> Call:
        import torch

        if channels_last:
            grad_output, x = (a.to(memory_format=torch.channels_last) for a in (grad_output, x))
        y, mean, invstd = torch.native_batch_norm(
            x, weight, bias, None, None, True, batch_norm.MOMENTUM, batch_norm.EPS
        )
        y = y.relu_()
        kernel, stride, padding = WINDOW
        places = torch.nn.functional.max_pool2d(y, *WINDOW, return_indices=True)[1]
        send = torch.ops.aten.max_pool2d_with_indices_backward.default
        threshold = torch.ops.aten.threshold_backward.default
        backward = torch.ops.aten.native_batch_norm_backward.default

        def call() -> Any:
            g = send(grad_output, y, [kernel] * 2, [stride] * 2, [padding] * 2, [1, 1], False, places)
            g = threshold(g, y, 0)
            return backward(g, x, weight, None, None, mean, invstd, True, batch_norm.EPS, [True, True, True])

        return call

    return build


def numpy_backward(grad_output: Array, x: Array, weight: Array, bias: Array) -> Call:
    zero, one = np.zeros_like(bias), np.ones_like(bias)
    y: Any = batch_norm.numpy_forward(True, True)(x, weight, bias, zero, one)()
    send: Any = pool2d.max_backward(y.shape, *WINDOW)["builders"]["numpy"]
    return lambda: batch_norm.numpy_backward(True)(send(grad_output, y)(), x, weight, bias)()


# --- the cases ---
def forward(shape: tuple[int, ...], channels_last: bool = False) -> Case:
    return Case(
        name=batch_norm.sized(f"{NAME} forward", shape, channels_last),
        op="batch_norm_max_pool2d",
        inputs=lambda rng: batch_norm.forward_inputs(rng, shape),
        builders={
            "fastnn": fastnn_forward,
            "torch": torch_forward(channels_last),
            "numpy": numpy_forward,
        },
        least_bytes=4 * batch_norm.reads(shape) * prod(shape) + 5 * prod(pool2d.pooled(shape, *WINDOW)),
        target=batch_norm.FORWARD_TARGET,
    )


def backward(shape: tuple[int, ...], channels_last: bool = False) -> Case:
    pooled = pool2d.pooled(shape, *WINDOW)
    reads = batch_norm.reads(shape)

    def inputs(rng: np.random.Generator) -> list[Array]:
        return [rng.standard_normal(pooled), *batch_norm.backward_inputs(rng, shape)[1:]]

    return Case(
        name=batch_norm.sized(f"{NAME} backward", shape, channels_last),
        op="batch_norm_max_pool2d",
        inputs=inputs,
        builders={
            "fastnn": fastnn_backward,
            "torch": torch_backward(channels_last),
            "numpy": numpy_backward,
        },
        least_bytes=4 * (reads + 1) * prod(shape) + 5 * reads * prod(pooled),
        target=batch_norm.BACKWARD_TARGET,
    )


SHAPES = [(32, 32, 28, 28), (32, 64, 14, 14), (32, 64, 56, 56)]
CASES = [case(shape, last) for case in (forward, backward) for shape in SHAPES for last in (False, True)]
