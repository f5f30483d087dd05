"""Dropout at p = 0.5: 8 bytes an element.

The two libraries draw other masks, so the check is of what the mask leaves: x / (1 - p), and a
share of zeros that fits p.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case

P = 0.5
SHAPES = [(128, 512), (4096, 1000)]


def build_fastnn(x: Array) -> Call:
    import fastnn.functional as F

    return lambda: F.dropout(x, P, True)


def build_torch(x: Any) -> Call:
    from torch.nn.functional import dropout

    return lambda: dropout(x, P, True)


def build_numpy(x: Array) -> Call:
    """Every element as it is when kept; not a dropout, only the reference for its values."""
    return lambda: x / (1 - P)


def kept_error(outputs: Sequence[Array], reference: Sequence[Array]) -> float:
    """Relative error of the kept elements; infinite where their share is six deviations off."""
    (y,), (scaled,) = outputs, reference
    kept = y != 0
    decisions = kept.size if kept.ndim < 4 else kept[..., 0, 0].size
    if abs(kept.mean() - (1 - P)) > 6 * np.sqrt(P * (1 - P) / decisions):
        return float("inf")
    return float(np.max(np.abs(y - scaled)[kept]) / np.max(np.abs(scaled)))


def case(shape: tuple[int, int]) -> Case:
    return Case(
        name="dropout {}x{}".format(*shape),
        op="dropout",
        inputs=lambda rng: [rng.standard_normal(shape)],
        builders={"fastnn": build_fastnn, "torch": build_torch, "numpy": build_numpy},
        least_bytes=8 * prod(shape),
        error=kept_error,
    )


def build_fastnn2d(x: Array) -> Call:
    import fastnn.functional as F

    return lambda: F.dropout2d(x, P, True)


def build_torch2d(x: Any) -> Call:
    from torch.nn.functional import dropout2d

    return lambda: dropout2d(x, P, True)


def case2d(shape: tuple[int, ...]) -> Case:
    return Case(
        name="dropout2d {}x{}x{}x{}".format(*shape),
        op="dropout",
        inputs=lambda rng: [rng.standard_normal(shape)],
        builders={"fastnn": build_fastnn2d, "torch": build_torch2d, "numpy": build_numpy},
        least_bytes=8 * prod(shape),
        error=kept_error,
    )


CASES = [*(case(shape) for shape in SHAPES), case2d((32, 64, 28, 28))]
