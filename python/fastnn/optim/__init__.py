"""Optimizers, with the names and defaults of `torch.optim`; a step is one native call, in place.

`lr_scheduler` is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.optim.adagrad import Adagrad
from fastnn.optim.adam import Adam, AdamW
from fastnn.optim.optimizer import Optimizer
from fastnn.optim.rmsprop import RMSprop
from fastnn.optim.sgd import SGD

if TYPE_CHECKING:
    from fastnn.optim import lr_scheduler

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]


def __getattr__(name: str) -> Any:
    if name == "lr_scheduler":
        from importlib import import_module

        return import_module("fastnn.optim.lr_scheduler")
    raise AttributeError(f"module 'fastnn.optim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
