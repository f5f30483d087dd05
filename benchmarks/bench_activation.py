"""ReLU: reads 4 bytes an element and writes 4; its backward reads one array more."""

from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case

SHAPES = [(32, 128), (128, 512), (4096, 1000)]


def fastnn_forward(x: Array) -> Call:
    import fastnn.functional as F

    return lambda: F.relu(x)


def torch_forward(x: Any) -> Call:
    from torch import relu

    return lambda: relu(x)


def numpy_forward(x: Array) -> Call:
    return lambda: np.maximum(x, 0)


def fastnn_backward(grad_output: Array, y: Array) -> Call:
    import fastnn.functional as F

    return lambda: F.relu_backward(grad_output, y)


def torch_backward(grad_output: Any, y: Any) -> Call:
    import torch

    threshold_backward = torch.ops.aten.threshold_backward.default
    return lambda: threshold_backward(grad_output, y, 0)


def numpy_backward(grad_output: Array, y: Array) -> Call:
    return lambda: grad_output * (y > 0)


def forward(shape: tuple[int, int]) -> Case:
    return Case(
        name="relu forward {}x{}".format(*shape),
        op="activation",
        inputs=lambda rng: [rng.standard_normal(shape)],
        builders={"fastnn": fastnn_forward, "torch": torch_forward, "numpy": numpy_forward},
        least_bytes=8 * prod(shape),
        compare_numpy=True,
    )


def backward(shape: tuple[int, int]) -> Case:
    return Case(
        name="relu backward {}x{}".format(*shape),
        op="activation",
        inputs=lambda rng: [rng.standard_normal(shape), np.maximum(rng.standard_normal(shape), 0)],
        builders={"fastnn": fastnn_backward, "torch": torch_backward, "numpy": numpy_backward},
        least_bytes=12 * prod(shape),
    )


CASES = [direction(shape) for direction in (forward, backward) for shape in SHAPES]
