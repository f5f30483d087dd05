"""Learning rate schedules, with the names, arguments and step numbers of `torch.optim.lr_scheduler`.

`step()` follows `optimizer.step()`, once an epoch or once a batch, whichever the numbers were meant for.
"""

from fastnn.optim.lr_scheduler.constant import ConstantLR
from fastnn.optim.lr_scheduler.cosine import CosineAnnealingLR
from fastnn.optim.lr_scheduler.exponential import ExponentialLR
from fastnn.optim.lr_scheduler.lambda_lr import LambdaLR
from fastnn.optim.lr_scheduler.linear import LinearLR
from fastnn.optim.lr_scheduler.one_cycle import OneCycleLR
from fastnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from fastnn.optim.lr_scheduler.polynomial import PolynomialLR
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.lr_scheduler.sequential import SequentialLR
from fastnn.optim.lr_scheduler.step import MultiStepLR, StepLR
from fastnn.optim.lr_scheduler.warm_restarts import CosineAnnealingWarmRestarts

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
