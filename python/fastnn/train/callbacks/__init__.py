"""Hooks into `fit`, and the callbacks that come with it."""

from fastnn.train.callbacks.base import Callback, FitState, Hooks, LambdaCallback
from fastnn.train.callbacks.early_stopping import EarlyStopping
from fastnn.train.callbacks.log_file import CSVLogger, JSONLLogger
from fastnn.train.callbacks.model_checkpoint import ModelCheckpoint, load_run
from fastnn.train.callbacks.stopping import Converged, UpdateLimit
from fastnn.train.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "Converged",
    "EarlyStopping",
    "FitState",
    "Hooks",
    "JSONLLogger",
    "LambdaCallback",
    "ModelCheckpoint",
    "TerminateOnNaN",
    "UpdateLimit",
    "load_run",
]
