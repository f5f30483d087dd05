"""Layers, containers and losses, with the names of `torch.nn` and an explicit `backward`."""

from fastnn.nn import init, utils
from fastnn.nn.activation import ReLU
from fastnn.nn.container import Sequential
from fastnn.nn.dropout import Dropout
from fastnn.nn.flatten import Flatten
from fastnn.nn.linear import Linear
from fastnn.nn.loss import CrossEntropyLoss
from fastnn.nn.module import Module
from fastnn.nn.parameter import Parameter

__all__ = [
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "init",
    "utils",
]
