"""Layer normalisation of the rows of (N, C): 8 bytes an element forward, 12 backward.

PyTorch's calls are the ones its autograd makes.
"""

from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case

SHAPES = [(32, 128), (128, 768), (8192, 768)]
EPS = 1e-5


def _normal(x: Array) -> tuple[Array, Array]:
    rstd = 1 / np.sqrt(x.var(1, keepdims=True) + EPS)
    return (x - x.mean(1, keepdims=True)) * rstd, rstd


def fastnn_forward(x: Array, weight: Array, bias: Array) -> Call:
    import fastnn.functional as F

    shape = weight.shape
    return lambda: F.layer_norm(x, shape, weight, bias)


def torch_forward(x: Any, weight: Any, bias: Any) -> Call:
    from torch import native_layer_norm

    shape = tuple(weight.shape)
    return lambda: native_layer_norm(x, shape, weight, bias, EPS)[0]


def numpy_forward(x: Array, weight: Array, bias: Array) -> Call:
    return lambda: _normal(x)[0] * weight + bias


def fastnn_backward(grad_output: Array, x: Array, weight: Array, bias: Array) -> Call:
    import fastnn.functional as F

    shape = weight.shape
    _, mean, rstd = F.layer_norm_with_stats(x, shape, weight, bias)
    return lambda: F.layer_norm_backward(grad_output, x, shape, mean, rstd, weight)


def torch_backward(grad_output: Any, x: Any, weight: Any, bias: Any) -> Call:
    import torch

    shape = tuple(weight.shape)
    _, mean, rstd = torch.native_layer_norm(x, shape, weight, bias, EPS)
    backward = torch.ops.aten.native_layer_norm_backward.default
    return lambda: backward(grad_output, x, shape, mean, rstd, weight, bias, [True, True, True])


def numpy_backward(grad_output: Array, x: Array, weight: Array, bias: Array) -> Call:
    def call() -> tuple[Array, Array, Array]:
        xhat, rstd = _normal(x)
        u = grad_output * weight
        centred = u - u.mean(1, keepdims=True) - xhat * (u * xhat).mean(1, keepdims=True)
        return rstd * centred, (grad_output * xhat).sum(0), grad_output.sum(0)

    return call


def forward(shape: tuple[int, int]) -> Case:
    return Case(
        name="layer_norm forward {}x{}".format(*shape),
        op="layer_norm",
        inputs=lambda rng: [rng.standard_normal(s) for s in (shape, shape[1:], shape[1:])],
        builders={"fastnn": fastnn_forward, "torch": torch_forward, "numpy": numpy_forward},
        least_bytes=8 * prod(shape),
    )


def backward(shape: tuple[int, int]) -> Case:
    return Case(
        name="layer_norm backward {}x{}".format(*shape),
        op="layer_norm",
        inputs=lambda rng: [rng.standard_normal(s) for s in (shape, shape, shape[1:], shape[1:])],
        builders={"fastnn": fastnn_backward, "torch": torch_backward, "numpy": numpy_backward},
        least_bytes=12 * prod(shape),
    )


CASES = [direction(shape) for direction in (forward, backward) for shape in SHAPES]
