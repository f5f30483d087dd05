"""Linear layers: y = x W^T + b and its gradients; 2 MNK FLOP for each matrix product.

M rows in, K features in, N features out. PyTorch's backward is its three products called directly.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from benchmarks.case import Array, Call, Case

Dtype = Literal["float32", "float64"]
SMALL_TARGET = 0.5


def fastnn_forward(x: Array, weight: Array, bias: Array | None = None) -> Call:
    import fastnn.functional as F

    return lambda: F.linear(x, weight, bias)


def torch_forward(x: Any, weight: Any, bias: Any = None) -> Call:
    from torch.nn.functional import linear

    return lambda: linear(x, weight, bias)


def onednn_forward(x: Any, weight: Any) -> Call:
    """The product by oneDNN, which torch.compile uses; eager PyTorch calls MKL."""
    import torch

    linear = torch.ops.mkldnn._linear_pointwise.default
    return lambda: linear(x, weight, None, "none", [], "")


def numpy_forward(x: Array, weight: Array, bias: Array | None = None) -> Call:
    if bias is None:
        return lambda: x @ weight.T
    return lambda: x @ weight.T + bias


def fastnn_backward(grad_output: Array, x: Array, weight: Array, bias: Array | None = None) -> Call:
    import fastnn.functional as F

    needs = (True, True, bias is not None)
    return lambda: F.linear_backward(grad_output, x, weight, needs=needs)


def torch_backward(grad_output: Any, x: Any, weight: Any, bias: Any = None) -> Call:
    from torch import mm

    if bias is None:
        return lambda: (mm(grad_output, weight), mm(grad_output.t(), x))
    return lambda: (mm(grad_output, weight), mm(grad_output.t(), x), grad_output.sum(0))


def numpy_backward(grad_output: Array, x: Array, weight: Array, bias: Array | None = None) -> Call:
    if bias is None:
        return lambda: (grad_output @ weight, grad_output.T @ x)
    return lambda: (grad_output @ weight, grad_output.T @ x, grad_output.sum(0))


def _normal(rng: np.random.Generator, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    return [rng.standard_normal(shape) for shape in shapes]


def forward(
    M: int,
    K: int,
    N: int,
    dtype: Dtype = "float32",
    bias: bool = True,
    target: float = 1.0,
    large: bool = False,
) -> Case:
    shapes = [(M, K), (N, K), (N,)][: 2 + bias]
    return Case(
        name=f"linear forward {M}x{K}x{N} {dtype}",
        op="linear",
        inputs=lambda rng: _normal(rng, shapes),
        builders={"fastnn": fastnn_forward, "torch": torch_forward, "numpy": numpy_forward},
        dtype=dtype,
        flops=2 * M * N * K,
        target=target,
        compare_numpy=True,
        large=large,
    )


def backward(
    M: int, K: int, N: int, dtype: Dtype = "float32", bias: bool = True, target: float = 1.0
) -> Case:
    shapes = [(M, N), (M, K), (N, K), (N,)][: 3 + bias]
    return Case(
        name=f"linear backward {M}x{K}x{N} {dtype}",
        op="linear",
        inputs=lambda rng: _normal(rng, shapes),
        builders={"fastnn": fastnn_backward, "torch": torch_backward, "numpy": numpy_backward},
        dtype=dtype,
        flops=4 * M * N * K,
        target=target,
        compare_numpy=True,
    )


def forward_onednn(M: int, K: int, N: int) -> Case:
    return Case(
        name=f"linear forward {M}x{K}x{N} oneDNN",
        op="linear",
        inputs=lambda rng: _normal(rng, [(M, K), (N, K)]),
        builders={"fastnn": fastnn_forward, "torch": onednn_forward, "numpy": numpy_forward},
        flops=2 * M * N * K,
    )


def _cases() -> list[Case]:
    cases = []
    for direction in (forward, backward):
        cases += [direction(64, 784, 128), direction(128, 784, 512)]
        cases += [direction(M, K, N, target=SMALL_TARGET) for M, K, N in [(32, 128, 10), (1, 784, 256)]]
        cases += [direction(n, n, n, bias=False) for n in (64, 256, 512, 1024)]
        cases += [direction(128, 784, 512, "float64"), direction(512, 512, 512, "float64", bias=False)]
    cases += [forward(1, 4096, 4096)]
    cases += [forward(n, n, n, bias=False, large=True) for n in (2048, 4096)]
    return [*cases, forward_onednn(128, 784, 512), forward_onednn(1024, 1024, 1024)]


CASES = _cases()
