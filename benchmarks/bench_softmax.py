"""Softmax and log-softmax along the rows: 8 bytes an element forward, 12 backward."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Builder, Call, Case

SHAPES = [(128, 10), (128, 1000), (4096, 1000)]


def numpy_softmax(x: Array) -> Array:
    e = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def numpy_log_softmax(x: Array) -> Array:
    shifted = x - x.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def numpy_softmax_backward(grad_output: Array, y: Array) -> Array:
    return np.asarray(y * (grad_output - (grad_output * y).sum(1, keepdims=True)))


def numpy_log_softmax_backward(grad_output: Array, y: Array) -> Array:
    return np.asarray(grad_output - np.exp(y) * grad_output.sum(1, keepdims=True))


REFERENCE: dict[str, Callable[..., Array]] = {
    "softmax": numpy_softmax,
    "log_softmax": numpy_log_softmax,
    "softmax_backward": numpy_softmax_backward,
    "log_softmax_backward": numpy_log_softmax_backward,
}


def fastnn_builder(function: str) -> Builder:
    def build(*arrays: Array) -> Call:
        import fastnn.functional as F

        call = getattr(F, function)
        return lambda: call(*arrays, 1)

    return build


def torch_builder(function: str) -> Builder:
    """Forward by the public function, backward by the one that autograd would call."""

    def build(*tensors: Any) -> Call:
        import torch

        if not function.endswith("_backward"):
            forward = getattr(torch, function)
            return lambda: forward(*tensors, 1)
        backward = getattr(torch, f"_{function}_data")
        return lambda: backward(*tensors, 1, tensors[0].dtype)

    return build


def numpy_builder(function: str) -> Builder:
    return lambda *arrays: lambda: REFERENCE[function](*arrays)


def _inputs(rng: np.random.Generator, function: str, shape: tuple[int, int]) -> Sequence[Array]:
    x = rng.standard_normal(shape)
    if not function.endswith("_backward"):
        return [x]
    return [rng.standard_normal(shape), REFERENCE[function.removesuffix("_backward")](x)]


def case(function: str, shape: tuple[int, int]) -> Case:
    arrays = 3 if function.endswith("_backward") else 2
    return Case(
        name="{} {}x{}".format(function.replace("_backward", " backward"), *shape),
        op="softmax",
        inputs=lambda rng: _inputs(rng, function, shape),
        builders={
            "fastnn": fastnn_builder(function),
            "torch": torch_builder(function),
            "numpy": numpy_builder(function),
        },
        least_bytes=4 * arrays * prod(shape),
    )


CASES = [case(function, shape) for function in REFERENCE for shape in SHAPES]
