"""The nets behind the estimators, and their parameters as two flat arrays.

Weights and biases each lie in one array, of which the parameters are views: penalty and optimizer see two
arrays, whatever the number of layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import nn
from fastnn.nn import Module
from fastnn.nn.parameter import joined

Array = NDArray[Any]

ACTIVATIONS: dict[str, type[Module] | None] = {
    "identity": None,
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
}


def make_mlp(sizes: Sequence[int], activation: str, dropout: float, dtype: Any) -> nn.Sequential:
    """Dense layers of these sizes, the input's first, with activation and dropout between them."""
    layers: list[Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers.append(nn.Linear(inputs, outputs, dtype=dtype))
        if i < len(sizes) - 2:
            layers += after_layer(activation, dropout)
    return nn.Sequential(*layers)


def after_layer(activation: str, dropout: float) -> list[Module]:
    """What follows a hidden layer."""
    kind = ACTIVATIONS[activation]
    return [*([] if kind is None else [kind()]), *([nn.Dropout(dropout)] if dropout else [])]


def draw_glorot(model: nn.Sequential, activation: str, rng: np.random.RandomState) -> None:
    """Initial weights and biases as scikit-learn draws them, number by number.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010.
    """
    for layer in dense_layers(model):
        factor = 2.0 if activation == "logistic" else 6.0
        bound = math.sqrt(factor / (layer.in_features + layer.out_features))
        layer.weight.data[...] = rng.uniform(-bound, bound, (layer.in_features, layer.out_features)).T
        layer.bias.data[...] = rng.uniform(-bound, bound, layer.out_features)


def dense_layers(model: nn.Sequential) -> list[Any]:
    """The layers with the coefficients."""
    return [layer for layer in model if isinstance(layer, nn.Linear)]


def conv_blocks(
    image_shape: Sequence[int], channels: Sequence[int], kernel_size: int, batch_norm: bool, dtype: Any
) -> tuple[list[Module], int]:
    """For each number of channels: convolution of the same size, batch norm, ReLU, pooling by 2 x 2.

    An axis of length 1 is not pooled. Also returns how many numbers are left at the end.
    """
    layers: list[Module] = []
    inputs, *plane = image_shape
    for outputs in channels:
        layers.append(
            nn.Conv2d(inputs, outputs, kernel_size, padding="same", bias=not batch_norm, dtype=dtype)
        )
        layers += [nn.BatchNorm2d(outputs, dtype=dtype)] if batch_norm else []
        layers.append(nn.ReLU())
        window = tuple(min(2, side) for side in plane)
        if max(window) > 1:
            layers.append(nn.MaxPool2d(window))
        inputs, plane = outputs, [side // step for side, step in zip(plane, window, strict=True)]
    return layers, inputs * math.prod(plane)


class Flat:
    """The parameters of a model as two: those with a penalty (weights), and the others."""

    def __init__(self, model: Module) -> None:
        parameters = list(model.parameters())
        self.weights = joined([p for p in parameters if p.data.ndim > 1])
        self.rest = joined([p for p in parameters if p.data.ndim <= 1])
