"""Pooling: the least is to read x and to write y, and a byte for the place of a maximum.

The maximum is timed as the layers use it, with its places; PyTorch's side keeps indices of eight bytes. Its
backwards are the functions that autograd would call.
"""

from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case

# Shape, kernel, stride, padding.
WINDOWS = (
    ((32, 32, 28, 28), 2, 2, 0),
    ((32, 64, 56, 56), 2, 2, 0),
    ((16, 64, 56, 56), 3, 2, 1),
    ((8, 64, 28, 28), 3, 1, 1),
)
TARGETS = {"max forward": 0.2, "max backward": 0.5, "avg forward": 0.25, "avg backward": 0.5}


def pooled(shape: tuple[int, ...], k: int, s: int, p: int) -> tuple[int, ...]:
    return (*shape[:2], *((n + 2 * p - k) // s + 1 for n in shape[2:]))


def taps(x: Array, k: int, s: int, p: int, fill: float) -> Array:
    """Windows of x as rows: (N, C, OH, OW, k * k)."""
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(2, 3))[:, :, ::s, ::s]
    return view.reshape(*view.shape[:4], k * k)


def scatter(sent: Array, shape: tuple[int, ...], k: int, s: int, p: int) -> Array:
    """The adjoint of `taps`."""
    padded = np.zeros((*shape[:2], shape[2] + 2 * p, shape[3] + 2 * p), sent.dtype)
    OH, OW = sent.shape[2:4]
    for t in range(k * k):
        r, c = divmod(t, k)
        padded[:, :, r : r + s * (OH - 1) + 1 : s, c : c + s * (OW - 1) + 1 : s] += sent[..., t]
    return padded[:, :, p : p + shape[2], p : p + shape[3]]


def max_forward(shape: tuple[int, ...], k: int, s: int, p: int) -> dict[str, Any]:
    def fastnn(x: Array) -> Call:
        from fastnn import _core
        from fastnn.functional.pool2d import pool_options

        options = pool_options("max_pool2d", k, s, p)
        return lambda: _core.max_pool2d_with_taps(x, options, None)[0]

    def torch(x: Any) -> Call:
        from torch.nn.functional import max_pool2d

        return lambda: max_pool2d(x, k, s, p, return_indices=True)[0]

    return {
        "inputs": lambda rng: [rng.standard_normal(shape)],
        "builders": {
            "fastnn": fastnn,
            "torch": torch,
            "numpy": lambda x: lambda: taps(x, k, s, p, -np.inf).max(-1),
        },
        "least_bytes": 4 * prod(shape) + 5 * prod(pooled(shape, k, s, p)),
    }


def max_backward(shape: tuple[int, ...], k: int, s: int, p: int) -> dict[str, Any]:
    def fastnn(grad_output: Array, x: Array) -> Call:
        from fastnn import _core
        from fastnn.functional.pool2d import pool_options

        options = pool_options("max_pool2d", k, s, p)
        places = _core.max_pool2d_with_taps(x, options, None)[1]
        return lambda: _core.max_pool2d_backward_of_taps(grad_output, places, shape, options, None)

    def torch(grad_output: Any, x: Any) -> Call:
        import torch
        from torch.nn.functional import max_pool2d

        indices = max_pool2d(x, k, s, p, return_indices=True)[1]
        backward = torch.ops.aten.max_pool2d_with_indices_backward.default
        return lambda: backward(grad_output, x, [k, k], [s, s], [p, p], [1, 1], False, indices)

    def numpy(grad_output: Array, x: Array) -> Call:
        first = taps(x, k, s, p, -np.inf).argmax(-1)
        sent = np.where(first[..., None] == np.arange(k * k), grad_output[..., None], 0)
        return lambda: scatter(sent, shape, k, s, p)

    output = pooled(shape, k, s, p)
    return {
        "inputs": lambda rng: [rng.standard_normal(output), rng.standard_normal(shape)],
        "builders": {"fastnn": fastnn, "torch": torch, "numpy": numpy},
        "least_bytes": 4 * prod(shape) + 5 * prod(output),
    }


def avg_forward(shape: tuple[int, ...], k: int, s: int, p: int) -> dict[str, Any]:
    def fastnn(x: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.avg_pool2d(x, k, s, p)

    def torch(x: Any) -> Call:
        from torch.nn.functional import avg_pool2d

        return lambda: avg_pool2d(x, k, s, p)

    return {
        "inputs": lambda rng: [rng.standard_normal(shape)],
        "builders": {
            "fastnn": fastnn,
            "torch": torch,
            "numpy": lambda x: lambda: taps(x, k, s, p, 0.0).mean(-1),
        },
        "least_bytes": 4 * prod(shape) + 4 * prod(pooled(shape, k, s, p)),
    }


def avg_backward(shape: tuple[int, ...], k: int, s: int, p: int) -> dict[str, Any]:
    def fastnn(grad_output: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.avg_pool2d_backward(grad_output, shape, k, s, p)

    def torch(grad_output: Any) -> Call:
        import torch

        x = torch.empty(shape)
        backward = torch.ops.aten.avg_pool2d_backward.default
        return lambda: backward(grad_output, x, [k, k], [s, s], [p, p], False, True, None)

    def numpy(grad_output: Array) -> Call:
        sent = np.broadcast_to(grad_output[..., None] / (k * k), (*grad_output.shape, k * k))
        return lambda: scatter(sent, shape, k, s, p)

    output = pooled(shape, k, s, p)
    return {
        "inputs": lambda rng: [rng.standard_normal(output)],
        "builders": {"fastnn": fastnn, "torch": torch, "numpy": numpy},
        "least_bytes": 4 * prod(shape) + 4 * prod(output),
    }


def global_average(shape: tuple[int, ...]) -> Case:
    def fastnn(x: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.global_avg_pool2d(x)

    def torch(x: Any) -> Call:
        from torch.nn.functional import adaptive_avg_pool2d

        return lambda: adaptive_avg_pool2d(x, 1)

    return Case(
        name="avg_pool2d global forward {}x{}x{}x{}".format(*shape),
        op="pool2d",
        inputs=lambda rng: [rng.standard_normal(shape)],
        builders={"fastnn": fastnn, "torch": torch, "numpy": lambda x: lambda: x.mean((2, 3), keepdims=True)},
        least_bytes=4 * prod(shape),
        compare_numpy=True,
    )


KINDS = {
    "max forward": max_forward,
    "max backward": max_backward,
    "avg forward": avg_forward,
    "avg backward": avg_backward,
}


def case(kind: str, shape: tuple[int, ...], k: int, s: int, p: int) -> Case:
    pool, direction = kind.split()
    return Case(
        name=f"{pool}_pool2d {k}x{k}/{s} {direction} {'x'.join(map(str, shape))}",
        op="pool2d",
        target=TARGETS[kind],
        **KINDS[kind](shape, k, s, p),
    )


CASES = [*(case(kind, *window) for kind in KINDS for window in WINDOWS), global_average((32, 512, 7, 7))]
