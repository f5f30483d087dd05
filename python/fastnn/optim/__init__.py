"""Optimizers, with the names and defaults of `torch.optim`; a step is one native call, in place."""

from fastnn.optim.adam import Adam, AdamW
from fastnn.optim.optimizer import Optimizer
from fastnn.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
