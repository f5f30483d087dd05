"""Layers, containers and losses, with the names of `torch.nn` and an explicit `backward`."""

from fastnn.nn import init
from fastnn.nn.activation import ReLU
from fastnn.nn.batch_norm import BatchNorm1d, BatchNorm2d
from fastnn.nn.container import Sequential
from fastnn.nn.dropout import Dropout
from fastnn.nn.flatten import Flatten
from fastnn.nn.layer_norm import LayerNorm
from fastnn.nn.linear import Linear
from fastnn.nn.loss import CrossEntropyLoss
from fastnn.nn.module import Module
from fastnn.nn.parameter import Parameter

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "LayerNorm",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "init",
]
