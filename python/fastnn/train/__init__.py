"""Training loop, evaluation, learning curves and callbacks."""

from fastnn.train.callbacks import (
    Callback,
    Converged,
    CSVLogger,
    EarlyStopping,
    FitState,
    JSONLLogger,
    LambdaCallback,
    ModelCheckpoint,
    TerminateOnNaN,
    UpdateLimit,
)
from fastnn.train.evaluation import evaluate, predict
from fastnn.train.history import History
from fastnn.train.loop import fit

__all__ = [
    "CSVLogger",
    "Callback",
    "Converged",
    "EarlyStopping",
    "FitState",
    "History",
    "JSONLLogger",
    "LambdaCallback",
    "ModelCheckpoint",
    "TerminateOnNaN",
    "UpdateLimit",
    "evaluate",
    "fit",
    "predict",
]
