"""Metrics by name.

A metric is any `metric(y_true, outputs) -> float`. It gets a whole pass over the data at once, so it need
not be a mean over samples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnn._checks import as_int

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
    y_true, outputs = _classes("accuracy", y_true, outputs)
    return _share(outputs.argmax(axis=1) == y_true, y_true)


def top_k_accuracy(y_true: Array, outputs: Array, k: int = 5) -> float:
    """Share of positions whose true class is among the `k` largest outputs.

    By name it is `"top_5_accuracy"`, with any number. Among equal outputs the lower class comes first.

    Parameters
    ----------
    y_true, outputs
        As for `accuracy`.
    k : int
        At least 1; from the number of classes on, every position counts.

    Raises
    ------
    ValueError
        As `accuracy`, and for `k` < 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.train.metrics import top_k_accuracy
    >>> top_k_accuracy(np.array([0, 1]), np.array([[0.1, 0.3, 0.6], [0.2, 0.3, 0.5]]), k=2)
    0.5
    """
    k = as_int("top_k_accuracy", "k", k, minimum=1)
    y_true, outputs = _classes("top_k_accuracy", y_true, outputs)
    best = np.argsort(-outputs, axis=1, kind="stable")[:, :k]
    return _share((best == y_true[:, None]).any(axis=1), y_true)


def _classes(op: str, y_true: Any, outputs: Any) -> tuple[Array, Array]:
    """Labels and scores that fit together."""
    y_true, outputs = np.asarray(y_true), np.asarray(outputs)
    if outputs.ndim < 2:
        raise ValueError(f"[{op}] expected outputs of shape (N, C, ...), got {outputs.shape}")
    if outputs.shape[1] < 2:
        raise ValueError(f"[{op}] expected outputs of two classes or more, got shape {outputs.shape}")
    if y_true.shape == outputs.shape:
        y_true = y_true.argmax(axis=1)
    expected = outputs.shape[:1] + outputs.shape[2:]
    if y_true.shape != expected:
        raise ValueError(f"[{op}] expected y_true of shape {expected}, got {y_true.shape}")
    return y_true, outputs


def _share(right: Array, y_true: Array) -> float:
    counted = y_true >= 0
    return float(right[counted].mean()) if counted.any() else float("nan")


def mae(y_true: Array, outputs: Array) -> float:
    """Mean absolute error.

    Parameters
    ----------
    y_true, outputs : arrays of one shape

    Raises
    ------
    ValueError
        For shapes that differ: nothing is broadcast, as (N,) against (N, 1) would be to (N, N).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.train.metrics import mae
    >>> mae(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    1.5
    """
    return float(np.abs(_residuals("mae", y_true, outputs)).mean())


def mse(y_true: Array, outputs: Array) -> float:
    """Mean squared error; arguments and errors as for `mae`.

    >>> import numpy as np
    >>> from fastnn.train.metrics import mse
    >>> mse(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    2.5
    """
    return float(np.square(_residuals("mse", y_true, outputs)).mean())


def r2(y_true: Array, outputs: Array) -> float:
    """Coefficient of determination: 1 - sum (y - output)^2 / sum (y - mean y)^2, the mean over the columns.

    1 is perfect, 0 as good as the mean; NaN where a column of `y_true` is constant. Arguments and errors as
    for `mae`.

    >>> import numpy as np
    >>> from fastnn.train.metrics import r2
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    residual = np.square(_residuals("r2", y_true, outputs)).sum(axis=0)
    spread = np.square(y_true - np.mean(y_true, axis=0, dtype=np.float64)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(np.where(spread > 0, 1 - residual / spread, np.nan)))


def _residuals(op: str, y_true: Any, outputs: Any) -> Array:
    y_true, outputs = np.asarray(y_true, np.float64), np.asarray(outputs, np.float64)
    if y_true.shape != outputs.shape:
        raise ValueError(f"[{op}] expected y_true of shape {outputs.shape}, as outputs, got {y_true.shape}")
    residuals: Array = outputs - y_true
    return residuals


_BY_NAME: dict[str, Metric] = {"accuracy": accuracy, "mae": mae, "mse": mse, "r2": r2}


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
        top_k = re.fullmatch(r"top_([1-9]\d*)_accuracy", metric)
        if top_k:
            return metric, partial(top_k_accuracy, k=int(top_k[1]))
        if metric not in _BY_NAME:
            known = [*sorted(_BY_NAME), "top_<k>_accuracy"]
            raise ValueError(f"[metrics] expected one of {known} or a callable, got {metric!r}")
        return metric, _BY_NAME[metric]
    if not callable(metric):
        raise TypeError(f"[metrics] expected names or callables, got {type(metric).__name__}")
    return getattr(metric, "__name__", type(metric).__name__), metric
