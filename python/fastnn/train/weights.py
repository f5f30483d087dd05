"""How much each sample counts: weights given one by one, and weights of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnn._checks import as_non_negative

Array: TypeAlias = NDArray[Any]
ClassWeight: TypeAlias = Literal["balanced"] | Mapping[Any, float] | None


def checked_weights(sample_weight: Any, x: Any, dtype: np.dtype[Any]) -> Array:
    """Weights of shape (N,), finite and not negative, some of them positive."""
    weights = np.asarray(sample_weight)
    samples = len(x[0] if isinstance(x, tuple) else x)
    if weights.shape != (samples,):
        raise ValueError(f"[fit] expected sample_weight of shape ({samples},), got {weights.shape}")
    if weights.dtype.kind not in "fiub":
        raise TypeError(f"[fit] expected sample_weight of real numbers, got {weights.dtype}")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        raise ValueError(
            f"[fit] expected sample_weight finite and >= 0, got {weights[wrong[0]]} at {wrong[0]}"
        )
    if samples and not weights.any():
        raise ValueError("[fit] expected some sample_weight > 0, got only zeros")
    return np.ascontiguousarray(weights, dtype)


def with_sample_weight(data: Any, sample_weight: Any) -> Any:
    """(x, y, sample_weight) of arrays (x, y)."""
    if sample_weight is None:
        return data
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        given = f"{len(data)} arrays" if isinstance(data, (tuple, list)) else type(data).__name__
        raise TypeError(
            f"[fit] expected data as a pair (x, y) with sample_weight, got {given}; "
            "a loader gives batches (x, y, sample_weight)"
        )
    return (*data, sample_weight)


def with_class_weight(data: Any, class_weight: ClassWeight) -> Any:
    """(x, y, sample_weight) of arrays, in which each sample has the weight of its class."""
    if class_weight is None:
        return data
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise TypeError(
            f"[fit] expected data as arrays (x, y) with class_weight, got {type(data).__name__}; "
            "a loader gives batches (x, y, sample_weight)"
        )
    weights = class_weights(data[1], class_weight)
    return data[0], data[1], weights if len(data) == 2 else weights * np.asarray(data[2])


def class_weights(y: Any, class_weight: ClassWeight) -> Array:
    """The weight of the class of each of the labels y."""
    labels = np.asarray(y)
    if labels.dtype.kind not in "fiub" or labels.size != len(labels) or (labels != np.round(labels)).any():
        raise ValueError(
            "[fit] expected y with one class label a sample for class_weight, "
            f"got shape {labels.shape} of {labels.dtype}"
        )
    classes, which = np.unique(labels.ravel(), return_inverse=True)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return (len(labels) / (len(classes) * np.bincount(which)))[which]
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f'[fit] expected class_weight to be None, "balanced" or a dict, got {class_weight!r}'
        )
    unknown = [label for label in class_weight if label not in classes]
    if unknown:
        raise ValueError(f"[fit] expected class_weight for classes among {classes.tolist()}, got {unknown}")
    weights = [class_weight.get(label, 1.0) for label in classes.tolist()]
    return np.array([as_non_negative("fit", "class_weight", weight) for weight in weights])[which]
