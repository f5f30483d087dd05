"""What stands on top of the last layer: the loss in training, the activation in use.

scikit-learn's losses are sums over the outputs of a sample, fastnn's are means: factors bring them together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastnn.functional as F
from fastnn import nn

Array = NDArray[Any]


class Scaled:
    """A loss times a factor, its gradient times another (scikit-learn's squared error has two)."""

    reduction = "mean"

    def __init__(self, loss: nn.MSELoss | nn.BCEWithLogitsLoss, value: float, grad: float) -> None:
        self._loss, self._value, self._grad = loss, value, grad

    def __call__(self, outputs: Array, y: Array, sample_weight: Array | None = None) -> float:
        return self._value * float(self._loss(outputs, y, sample_weight=sample_weight))

    def backward(self) -> Array:
        return self._loss.backward(None if self._grad == 1.0 else self._grad)


class PoissonLoss:
    """y log(y / exp(z)) - y + exp(z), half the Poisson deviance, of the logarithms z of predictions."""

    reduction = "mean"

    def __call__(self, outputs: Array, y: Array, sample_weight: Array | None = None) -> float:
        predicted = np.exp(outputs)
        safe = np.where(y > 0, y, 1.0)
        losses = np.where(y > 0, y * (np.log(safe) - outputs), 0.0) - y + predicted
        weight = np.ones(len(y), y.dtype) if sample_weight is None else sample_weight
        share = (weight / weight.sum())[:, np.newaxis]
        self._gradient: Array = ((predicted - y) * share).astype(outputs.dtype, copy=False)
        return float((losses * share).sum(dtype=np.float64) / y.shape[1])

    def backward(self) -> Array:
        return self._gradient


_ACTIVATIONS: dict[str, Callable[[Array], Array] | None] = {
    "identity": None,
    "softmax": F.softmax,
    "logistic": F.sigmoid,
    "exp": np.exp,
}


def make_loss(activation: str, outputs: int) -> Any:
    """The loss that goes with an output activation."""
    if activation == "softmax":
        return nn.CrossEntropyLoss()
    if activation == "logistic":
        return Scaled(nn.BCEWithLogitsLoss(), float(outputs), float(outputs))
    if activation == "identity":
        return Scaled(nn.MSELoss(), 0.5, 0.5 * outputs)
    return PoissonLoss()


def activate(activation: str, z: Array) -> Array:
    """Predictions of what the last layer gives."""
    function: Callable[[Array], Array] | None = _ACTIVATIONS[activation]
    return z if function is None else function(z)
