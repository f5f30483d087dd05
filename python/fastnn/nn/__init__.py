"""Layers, containers and losses, with the names of `torch.nn` and an explicit `backward`."""

from fastnn.nn import init, utils
from fastnn.nn.activation import Hardsigmoid, Hardtanh, LeakyReLU, ReLU, ReLU6
from fastnn.nn.activation_smooth import ELU, GELU, LogSigmoid, Sigmoid, SiLU, Softplus, Tanh
from fastnn.nn.batch_norm import BatchNorm1d, BatchNorm2d
from fastnn.nn.container import Sequential
from fastnn.nn.conv import Conv1d, Conv2d
from fastnn.nn.dropout import Dropout, Dropout2d
from fastnn.nn.flatten import Flatten
from fastnn.nn.layer_norm import LayerNorm
from fastnn.nn.linear import Linear
from fastnn.nn.loss import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HingeLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    MultiMarginLoss,
    NLLLoss,
    SmoothL1Loss,
)
from fastnn.nn.module import Module
from fastnn.nn.parameter import Parameter
from fastnn.nn.pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from fastnn.nn.residual import Residual
from fastnn.nn.softmax import LogSoftmax, Softmax
from fastnn.nn.spatial_transformer import SpatialTransformer

__all__ = [
    "ELU",
    "GELU",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "Hardsigmoid",
    "Hardtanh",
    "HingeLoss",
    "HuberLoss",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "MultiMarginLoss",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "SpatialTransformer",
    "Tanh",
    "init",
    "utils",
]
