"""Gathering a batch: 64 rows of 784 floats out of 10,000, as a loader does for every batch."""

from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case

ROWS, FEATURES, BATCH = 10_000, 784, 64


def build_fastnn(x: Array, indices: Array) -> Call:
    from fastnn import _core

    return lambda: _core.gather(x, indices, None)


def build_torch(x: Any, indices: Any) -> Call:
    from torch import index_select

    return lambda: index_select(x, 0, indices)


def build_numpy(x: Array, indices: Array) -> Call:
    return lambda: np.take(x, indices, axis=0)


CASES = [
    Case(
        name=f"gather {BATCH} rows of {FEATURES}",
        op="gather",
        inputs=lambda rng: [rng.standard_normal((ROWS, FEATURES)), rng.integers(0, ROWS, BATCH)],
        builders={"fastnn": build_fastnn, "torch": build_torch, "numpy": build_numpy},
        least_bytes=8 * BATCH * FEATURES,
        compare_numpy=True,
    )
]
