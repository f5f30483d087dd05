"""Metrics by name.

A metric is any `metric(y_true, outputs) -> float`. It gets a whole pass over the data at once, so it need
not be a mean over samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Metric: TypeAlias = Callable[[Any, Any], float]
Metrics: TypeAlias = str | Metric | Iterable[str | Metric]


def accuracy(y_true: Array, outputs: Array) -> float:
    """Share of positions whose largest output belongs to the true class.

    Parameters
    ----------
    y_true : integer array of shape (N, d1, ...), or class probabilities of the shape of `outputs`
        Negative classes mark positions to leave out, as cross_entropy's default `ignore_index` does.
    outputs : array of shape (N, C, d1, ...)
        Scores by class: logits, log-probabilities or probabilities.

    Raises
    ------
    ValueError
        For shapes that do not fit together, or scores of a single class, which says nothing of the others.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.train.metrics import accuracy
    >>> accuracy(np.array([0, 1, 1]), np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]))
    0.6666666666666666
    """
    y_true, outputs = np.asarray(y_true), np.asarray(outputs)
    if outputs.ndim < 2:
        raise ValueError(f"[accuracy] expected outputs of shape (N, C, ...), got {outputs.shape}")
    if outputs.shape[1] < 2:
        raise ValueError(f"[accuracy] expected outputs of two classes or more, got shape {outputs.shape}")
    if y_true.shape == outputs.shape:
        y_true = y_true.argmax(axis=1)
    predicted = outputs.argmax(axis=1)
    if y_true.shape != predicted.shape:
        raise ValueError(f"[accuracy] expected y_true of shape {predicted.shape}, got {y_true.shape}")
    counted = y_true >= 0
    return float((predicted == y_true)[counted].mean()) if counted.any() else float("nan")


_BY_NAME: dict[str, Metric] = {"accuracy": accuracy}


def resolve(metrics: Metrics) -> dict[str, Metric]:
    """Names and functions of what the user gave: names, callables, or several of them."""
    several = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
    found: dict[str, Metric] = {}
    for metric in several:
        name, function = _named(metric)
        if name in found or name == "loss":
            raise ValueError(f"[metrics] expected a name of its own for each metric, got {name!r} twice")
        found[name] = function
    return found


def _named(metric: str | Metric) -> tuple[str, Metric]:
    if isinstance(metric, str):
        if metric not in _BY_NAME:
            raise ValueError(f"[metrics] expected one of {sorted(_BY_NAME)} or a callable, got {metric!r}")
        return metric, _BY_NAME[metric]
    if not callable(metric):
        raise TypeError(f"[metrics] expected names or callables, got {type(metric).__name__}")
    return getattr(metric, "__name__", type(metric).__name__), metric
