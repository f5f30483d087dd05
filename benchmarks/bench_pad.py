"""Padding of planes by one mode and another: what is read and written is all there is to do."""

from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Builder, Call, Case

PAD = (1, 1, 1, 1)
MODES = ["constant", "reflect", "replicate", "circular"]
NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
TORCH_BACKWARDS = {"reflect": "reflection_pad2d_backward", "replicate": "replication_pad2d_backward"}
SHAPES = [(32, 16, 28, 28), (8, 64, 56, 56)]
AROUND = ((0, 0), (0, 0), (1, 1), (1, 1))


def fastnn_forward(mode: Any) -> Builder:
    def build(x: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.pad(x, PAD, mode)

    return build


def torch_forward(mode: str) -> Builder:
    def build(x: Any) -> Call:
        from torch.nn.functional import pad

        return lambda: pad(x, PAD, mode)

    return build


def numpy_forward(mode: str) -> Builder:
    numpy_mode: Any = NUMPY_MODES[mode]
    return lambda x: lambda: np.pad(x, AROUND, mode=numpy_mode)


def fastnn_backward(mode: Any) -> Builder:
    def build(grad_output: Array, x: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.pad_backward(grad_output, PAD, mode)

    return build


def torch_backward(mode: str) -> Builder:
    """The function that autograd would call."""

    def build(grad_output: Any, x: Any) -> Call:
        import torch

        backward = getattr(torch.ops.aten, TORCH_BACKWARDS[mode])
        return lambda: backward(grad_output, x, list(PAD))

    return build


def numpy_backward(mode: str) -> Builder:
    """Through the cell that each padded cell is a copy of."""

    def build(grad_output: Array, x: Array) -> Call:
        numpy_mode: Any = NUMPY_MODES[mode]
        cells = np.arange(prod(x.shape[2:])).reshape(x.shape[2:])
        source = np.pad(cells, 1, mode=numpy_mode).reshape(-1)

        def call() -> Array:
            grad = np.zeros((prod(x.shape[:2]), cells.size), x.dtype)
            np.add.at(grad.T, source, grad_output.reshape(len(grad), -1).T)
            return grad.reshape(x.shape)

        return call

    return build


def padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:2], shape[2] + 2, shape[3] + 2)


def forward(mode: str, shape: tuple[int, ...]) -> Case:
    return Case(
        name="pad {} {}x{}x{}x{}".format(mode, *shape),
        op="pad",
        inputs=lambda rng: [rng.standard_normal(shape)],
        builders={"fastnn": fastnn_forward(mode), "torch": torch_forward(mode), "numpy": numpy_forward(mode)},
        least_bytes=4 * (prod(shape) + prod(padded(shape))),
        compare_numpy=True,
    )


def backward(mode: str, shape: tuple[int, ...]) -> Case:
    return Case(
        name="pad backward {} {}x{}x{}x{}".format(mode, *shape),
        op="pad",
        inputs=lambda rng: [rng.standard_normal(padded(shape)), rng.standard_normal(shape)],
        builders={
            "fastnn": fastnn_backward(mode),
            "torch": torch_backward(mode),
            "numpy": numpy_backward(mode),
        },
        least_bytes=4 * (prod(shape) + prod(padded(shape))),
    )


CASES = [forward(mode, shape) for mode in MODES for shape in SHAPES]
CASES += [backward(mode, shape) for mode in TORCH_BACKWARDS for shape in SHAPES]
