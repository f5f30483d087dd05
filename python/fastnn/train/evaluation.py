"""A model's outputs and its figures on given data, in evaluation mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn._checks import as_int
from fastnn.backend import concatenate, is_gpu_array, to_host
from fastnn.distributed.group import Group
from fastnn.train.batches import Batches, as_batches, cast_inputs, model_device, model_dtype
from fastnn.train.metrics import Metric, Metrics, resolve
from fastnn.train.modes import in_mode

if TYPE_CHECKING:
    from fastnn.nn import Module

EVALUATION_BATCH = 512


def predict(model: Module, x: Any, batch_size: int = EVALUATION_BATCH) -> NDArray[Any]:
    """Outputs of the model for all of `x`, in evaluation mode.

    Parameters
    ----------
    model : Module
        Every part of it is back in its own mode afterwards.
    x : array of shape (N, ...)
        Any real or integer dtype; cast to the dtype of the model's parameters.
    batch_size : int
        Samples per forward call, 512 by default; the values do not depend on it.

    Returns
    -------
    array of shape (N, ...)

    Raises
    ------
    TypeError
        For complex numbers, strings, objects.
    ValueError
        For `batch_size` < 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, train
    >>> train.predict(nn.Sequential(nn.ReLU()), np.array([[-1, 2], [3, -4]]))
    array([[0., 2.],
           [3., 0.]], dtype=float32)
    """
    batch_size = as_int("predict", "batch_size", batch_size, minimum=1)
    on_host = not is_gpu_array(x)
    x = cast_inputs(x, model_dtype(model), model_device(model))
    with in_mode(False, model):
        parts = [model(x[i : i + batch_size]) for i in range(0, max(len(x), 1), batch_size)]
    outputs: NDArray[Any] = _joined(parts, Group())
    if is_gpu_array(outputs):
        return to_host(outputs) if on_host else outputs
    return outputs.copy() if np.may_share_memory(outputs, x) else outputs  # Flatten returns a view


def evaluate(
    model: Module, loss: Any, data: Any, *, metrics: Metrics = (), batch_size: int = EVALUATION_BATCH
) -> dict[str, float]:
    """Loss and metrics of the model on `data`, in evaluation mode.

    Parameters
    ----------
    model, loss : Module
        Every part of them is back in its own mode afterwards.
    data : arrays (x, y) or (x, y, sample_weight), or loader of such batches
        Cast as in `fit`. Weights count in the loss, not in metrics.
    metrics : names or callables
        `"accuracy"`, or `metric(y_true, outputs) -> float` named by its `__name__`.
    batch_size : int
        Samples per forward call for arrays, 512 by default.

    Returns
    -------
    dict
        `"loss"` (per sample, also for a loss with reduction "sum") and each metric. Both are computed
        once, over all outputs.

    Raises
    ------
    TypeError, ValueError
        As `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, train
    >>> logits, labels = np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
    >>> model, loss = nn.Sequential(nn.ReLU()), nn.CrossEntropyLoss()
    >>> train.evaluate(model, loss, (logits, labels), metrics="accuracy")["accuracy"]
    0.5
    """
    batches = as_batches(data, model_dtype(model), model_device(model), batch_size=batch_size)
    return evaluate_batches(model, loss, batches, resolve(metrics), Group())


def evaluate_batches(
    model: Module, loss: Any, batches: Batches, metrics: dict[str, Metric], group: Group
) -> dict[str, float]:
    """`evaluate`, once data and metrics are prepared; each rank of a group has its part of the batches."""
    with in_mode(False, model, loss):
        pairs: list[tuple[Any, Any]] = []
        weights: list[Any] = []
        for x, y, *weight in batches:
            pairs.append((y, model(x)))
            weights += weight
        if not pairs:
            raise ValueError("[evaluate] expected at least one batch, got none")
        y_true, outputs = joined_pairs(pairs, group)
        total, value = float(len(outputs)), 0.0
        if weights:
            weight = _joined(weights, group)
            total, value = (
                float(to_host(weight).sum(dtype=float)),
                float(to_host(loss(outputs, y_true, sample_weight=weight))),
            )
        else:
            value = float(to_host(loss(outputs, y_true)))
    if is_sum(loss):
        value /= total
    return {"loss": value} | measure(metrics, y_true, outputs)


def measure(metrics: dict[str, Metric], y_true: Any, outputs: Any) -> dict[str, float]:
    """Each metric's value."""
    y_true, outputs = to_host(y_true), to_host(outputs)
    return {name: float(metric(y_true, outputs)) for name, metric in metrics.items()}


def joined_pairs(pairs: list[tuple[Any, Any]], group: Group) -> tuple[Any, Any]:
    """All targets and all outputs of a list of (targets, outputs), of all ranks of the group."""
    return _joined([y for y, _ in pairs], group), _joined([outputs for _, outputs in pairs], group)


def _joined(parts: list[Any], group: Group) -> Any:
    joined = parts[0] if len(parts) == 1 else concatenate(parts)
    return joined if group.size == 1 else group.all_gather_rows(joined)


def is_sum(loss: Any) -> bool:
    """Whether the loss sums over a batch; ValueError where it gives no single number."""
    reduction = getattr(loss, "reduction", "mean")
    if reduction == "none":
        raise ValueError("[fit] expected a loss with reduction 'mean' or 'sum', got 'none'")
    return bool(reduction == "sum")
