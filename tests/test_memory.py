"""Memory of results: reused, given back, kept while a view lives, and never leaked."""

import gc
import os
import sys
from collections.abc import Callable

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from fastnn import _core

MIB = 2**20


def test_block_of_a_dead_result_is_reused() -> None:
    """Where the build keeps blocks at all; the one for sanitizers gives each back at once."""
    keeps = _core.cache_stats()["bytes_limit"] > 0
    x = np.ones(100_000, np.float32)
    F.relu(x)
    before = _core.cache_stats()
    addresses = {F.relu(x).ctypes.data for _ in range(10)}
    after = _core.cache_stats()
    assert after["hits"] - before["hits"] == (10 if keeps else 0)
    assert after["misses"] - before["misses"] == (0 if keeps else 10)
    assert len(addresses) == 1 or not keeps


def test_stats_add_up() -> None:
    gc.collect()
    fastnn.empty_cache()
    before = _core.cache_stats()
    assert before["bytes_cached"] == 0
    y = F.relu(np.ones(MIB, np.float32))
    held = _core.cache_stats()
    assert 4 * MIB <= held["bytes_in_use"] - before["bytes_in_use"] <= 8 * MIB
    assert held["bytes_cached"] == 0
    del y
    released = _core.cache_stats()
    assert released["bytes_in_use"] == before["bytes_in_use"]
    assert released["bytes_cached"] == (held["bytes_in_use"] - before["bytes_in_use"]) * (
        held["bytes_limit"] > 0
    )
    fastnn.empty_cache()
    assert _core.cache_stats()["bytes_cached"] == 0


def test_cache_has_a_limit() -> None:
    x = np.ones(MIB, np.float32)
    for _ in range(3):
        results = [F.relu(x) for _ in range(20)]
        del results
        stats = _core.cache_stats()
        assert stats["bytes_cached"] <= stats["bytes_limit"]


def test_results_are_aligned() -> None:
    for n in (1, 3, 17, 1000, 100_000):
        for dtype in (np.float32, np.float64):
            assert F.relu(np.ones(n, dtype)).ctypes.data % 64 == 0


def test_view_keeps_its_block() -> None:
    x = np.arange(50_000, dtype=np.float32)
    views = [F.relu(x)[10_000 + i :][::2] for i in range(5)]
    gc.collect()
    fastnn.empty_cache()
    for _ in range(5):
        F.relu(np.full_like(x, 7))
    for i, view in enumerate(views):
        np.testing.assert_array_equal(view, x[10_000 + i :][::2])


def test_array_outlives_the_cache() -> None:
    y = F.relu(np.arange(1000.0))
    fastnn.empty_cache()
    gc.collect()
    np.testing.assert_array_equal(y, np.arange(1000.0))


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


X, WEIGHT, TARGET = np.ones((4, 5), np.float32), np.ones((3, 5), np.float32), np.array([0, 1, 2, 0])
LOGITS, STATE = np.ones((4, 3), np.float32), np.ones(7, np.float32)
OUT = np.empty((4, 3), np.float32)


def adam(grad: np.ndarray) -> None:
    _core.adam_step([STATE], [grad], [STATE.copy()], [STATE.copy()], [], _core.AdamOptions(lr=0.0, step=1))


GOOD: dict[str, Callable[[], object]] = {
    "linear": lambda: F.linear(X, WEIGHT),
    "linear into out": lambda: F.linear(X, WEIGHT, out=OUT),
    "linear of a view": lambda: F.linear(X[::-1], WEIGHT),
    "linear_backward": lambda: F.linear_backward(LOGITS, X, WEIGHT),
    "softmax": lambda: F.softmax(X),
    "cross_entropy": lambda: F.cross_entropy_with_grad(LOGITS, TARGET),
    "dropout": lambda: F.dropout(X, 0.5),
    "adam": lambda: adam(STATE),
    "gather": lambda: _core.gather(X, TARGET, None),
}
BAD: dict[str, Callable[[], object]] = {
    "linear shape": lambda: F.linear(X, LOGITS),
    "linear dtype": lambda: F.linear(X, WEIGHT.astype(np.float64)),
    "linear kind": lambda: F.linear(X, [1.0]),
    "linear out": lambda: F.linear(X, WEIGHT, out=X),
    "softmax axis": lambda: F.softmax(X, 5),
    "cross_entropy label": lambda: F.cross_entropy_with_grad(LOGITS, TARGET + 1),
    "dropout rate": lambda: F.dropout(X, 2.0),
    "adam shape": lambda: adam(X),
    "gather index": lambda: _core.gather(X, TARGET + 9, None),
}


def repeat(call: Callable[[], object], times: int) -> None:
    for _ in range(times):
        try:
            call()
        except (TypeError, ValueError, IndexError):
            continue


@pytest.mark.parametrize("calls", [GOOD, BAD], ids=["good", "bad"])
def test_ten_thousand_calls_leave_nothing(calls: dict[str, Callable[[], object]]) -> None:
    held = (X, WEIGHT, TARGET, LOGITS, STATE, OUT)
    for call in calls.values():
        repeat(call, 1000)
    gc.collect()
    counts, size, used = [sys.getrefcount(a) for a in held], resident(), _core.cache_stats()["bytes_in_use"]
    for call in calls.values():
        repeat(call, 10_000)
    gc.collect()
    assert [sys.getrefcount(a) for a in held] == counts
    assert _core.cache_stats()["bytes_in_use"] == used
    assert resident() - size < MIB


@pytest.mark.parametrize("name", BAD)
def test_bad_calls_are_bad(name: str) -> None:
    with pytest.raises((TypeError, ValueError, IndexError)):
        BAD[name]()
