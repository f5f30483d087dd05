"""Parameter sets for the optimizer cases: those of a small MLP, and ten million numbers."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Call

MLP = [(256, 784), (256,), (128, 256), (128,), (10, 128), (10,)]
SETS: dict[str, list[tuple[int, ...]]] = {"784-256-128-10": MLP, "10M": [(1000, 1000)] * 10}


def draw(rng: np.random.Generator, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Parameters, then as many gradients."""
    return [rng.standard_normal(shape, np.float32) for shape in [*shapes, *shapes]]


def count(shapes: Sequence[tuple[int, ...]]) -> int:
    return sum(prod(shape) for shape in shapes)


def split(arrays: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """(parameters, gradients) of what `draw` gave."""
    half = len(arrays) // 2
    return arrays[:half], arrays[half:]


def as_fastnn(arrays: Sequence[Array]) -> list[Any]:
    from fastnn import nn

    parameters = []
    for data, grad in zip(*split(arrays), strict=True):
        parameter = nn.Parameter(data)
        parameter.grad = grad
        parameters.append(parameter)
    return parameters


def as_torch(tensors: Sequence[Any]) -> list[Any]:
    from torch.nn import Parameter

    parameters = []
    for data, grad in zip(*split(tensors), strict=True):
        parameter = Parameter(data)
        parameter.grad = grad
        parameters.append(parameter)
    return parameters


def stepper(step: Callable[[], object], parameters: Sequence[Any]) -> Call:
    """A call that steps and returns the parameters' values."""

    def call() -> list[Any]:
        step()
        return values

    values = [parameter.data for parameter in parameters]
    return call
