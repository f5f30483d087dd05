"""Losses as modules: a call gives the value, `backward()` the gradient by the prediction."""

from fastnn.nn.loss.binary import BCEWithLogitsLoss, HingeLoss
from fastnn.nn.loss.classes import CrossEntropyLoss, MultiMarginLoss, NLLLoss
from fastnn.nn.loss.regression import HuberLoss, L1Loss, MSELoss, SmoothL1Loss

__all__ = [
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HingeLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "MultiMarginLoss",
    "NLLLoss",
    "SmoothL1Loss",
]
