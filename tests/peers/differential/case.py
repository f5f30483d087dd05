"""One random configuration, run by fastnn and by PyTorch; what both give is compared by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

# Results by name: outputs, gradients, running statistics, parameters after some steps.
Results = Mapping[str, Any]
# Of the largest absolute value of a result.
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}


@dataclass(frozen=True)
class Case:
    label: str  # enough to build the same configuration by hand
    dtype: str
    fastnn: Callable[[], Results]
    torch: Callable[[], Results]


# A family of configurations: draw(rng, dtype) makes the next one.
Draw = Callable[[Generator, str], Case]


def compare(case: Case) -> None:
    ours, theirs = case.fastnn(), case.torch()
    assert ours.keys() == theirs.keys(), f"{case.label}: {sorted(ours)} against {sorted(theirs)}"
    for name, wanted in theirs.items():
        _compare_one(f"{name} of {case.label} ({case.dtype})", ours[name], _as_array(wanted), case.dtype)


def _as_array(value: Any) -> np.ndarray:
    return np.asarray(value.detach().numpy() if isinstance(value, torch.Tensor) else value)


def _compare_one(label: str, actual: Any, wanted: np.ndarray, dtype: str) -> None:
    actual = np.asarray(actual)
    assert actual.shape == wanted.shape, f"{label}: shape {actual.shape}, PyTorch {wanted.shape}"
    finite = np.abs(wanted[np.isfinite(wanted)])
    allowed = TOLERANCE[dtype] * max(float(finite.max(initial=0.0)), 1e-3)
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=allowed, equal_nan=True, err_msg=label)
