"""Training loop, evaluation, learning curves and callbacks."""

from fastnn.train.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    FitState,
    JSONLLogger,
    LambdaCallback,
    ModelCheckpoint,
    TerminateOnNaN,
)
from fastnn.train.evaluation import evaluate, predict
from fastnn.train.history import History
from fastnn.train.loop import fit

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "FitState",
    "History",
    "JSONLLogger",
    "LambdaCallback",
    "ModelCheckpoint",
    "TerminateOnNaN",
    "evaluate",
    "fit",
    "predict",
]
