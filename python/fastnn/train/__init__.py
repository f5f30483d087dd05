"""Training loop, evaluation, learning curves and callbacks."""

from fastnn.train.callbacks import Callback, EarlyStopping, FitState, LambdaCallback
from fastnn.train.evaluation import evaluate, predict
from fastnn.train.history import History
from fastnn.train.loop import fit

__all__ = [
    "Callback",
    "EarlyStopping",
    "FitState",
    "History",
    "LambdaCallback",
    "evaluate",
    "fit",
    "predict",
]
