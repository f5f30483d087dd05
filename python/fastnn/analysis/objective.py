"""The training loss as a function of all parameters as one vector.

What is studied is a smooth function, so that derivatives of it can be taken: in float64 whatever the dtype of
the model, in training mode (batch norm with the statistics of the batch), without dropout, on fixed batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from fastnn.nn import Dropout, Dropout2d, Module, Parameter
from fastnn.train.batches import Array, as_batches
from fastnn.train.evaluation import EVALUATION_BATCH, is_sum
from fastnn.train.modes import in_mode


class Objective:
    """Value and gradient of a loss; `study` makes one."""

    def __init__(self, model: Module, loss: Any, data: Any) -> None:
        self._model, self._loss, self._summed = model, loss, is_sum(loss)
        self._parameters = list(model.parameters())
        batches = as_batches(data, np.dtype(np.float64), batch_size=EVALUATION_BATCH)
        self._batches: list[tuple[Any, Any]] = []
        for batch in batches:
            if len(batch) != 2:
                raise ValueError("[analysis] expected data as a pair (x, y), got sample weights with it")
            self._batches.append(batch)
        self._samples = sum(len(y) for _, y in self._batches)
        if not self._samples:
            raise ValueError("[analysis] expected data with at least one sample, got none")
        self.start = joined([p.data for p in self._parameters])

    def value(self, point: Array) -> float:
        """The loss where the parameters are `point`."""
        spread(point, self._parameters)
        return sum(self._weight(y) * float(self._loss(self._model(x), y)) for x, y in self._batches)

    def gradient(self, point: Array) -> Array:
        """The gradient there, a new vector."""
        spread(point, self._parameters)
        self._model.zero_grad()
        for x, y in self._batches:
            self._loss(self._model(x), y)
            self._model.backward_parameters(self._loss.backward() * self._weight(y))
        return joined([np.zeros_like(p.data) if p.grad is None else p.grad for p in self._parameters])

    def _weight(self, y: Any) -> float:
        return 1.0 if self._summed else len(y) / self._samples


@contextmanager
def study(model: Module, loss: Any, data: Any) -> Iterator[Objective]:
    """The objective of a model; at the end of the block model and loss are as they were."""
    with ExitStack() as stack:
        stack.enter_context(in_mode(True, model, loss))
        for module in (model, loss):
            if isinstance(module, Module):
                stack.enter_context(_in_double(module))
        yield Objective(model, loss, data)


@contextmanager
def _in_double(root: Module) -> Iterator[None]:
    """Parameters and buffers are float64 copies for a while, and dropout drops nothing."""
    # The next backward would write into the memory of a gradient that is there.
    parameters = [(p, p.data, None if p.grad is None else p.grad.copy()) for p in root.parameters()]
    buffers = [(m, name, array) for m in root.modules() for name, array in m._own_buffers()]
    dropouts = [(m, m.p) for m in root.modules() if isinstance(m, (Dropout, Dropout2d))]
    try:
        for parameter, data, _ in parameters:
            parameter.data, parameter.grad = data.astype(np.float64), None
        for module, name, array in buffers:
            setattr(module, name, array.astype(np.float64) if array.dtype.kind == "f" else array.copy())
        for dropout, _ in dropouts:
            dropout.p = 0.0
        yield
    finally:
        for parameter, data, grad in parameters:
            parameter.data, parameter.grad = data, grad
        for module, name, array in buffers:
            setattr(module, name, array)
        for dropout, p in dropouts:
            dropout.p = p


def joined(arrays: list[Array]) -> Array:
    """All elements as one vector of float64."""
    if not arrays:
        raise ValueError("[analysis] expected a model with parameters, got none")
    return np.concatenate([array.ravel() for array in arrays]).astype(np.float64, copy=False)


def spread(vector: Array, parameters: list[Parameter]) -> None:
    """Write a vector into parameters, in their dtypes."""
    begin = 0
    for parameter in parameters:
        end = begin + parameter.data.size
        parameter.data[...] = vector[begin:end].reshape(parameter.shape)
        begin = end


def as_vector(op: str, name: str, value: Any, length: int) -> Array:
    """`value` as a float64 vector of one element a parameter element."""
    vector = np.asarray(value, dtype=np.float64)
    if vector.shape != (length,):
        raise ValueError(f"[{op}] expected {name} of shape ({length},), got {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"[{op}] expected {name} of finite numbers, got infinite or NaN ones")
    return vector
