"""Importing fastnn, and using it, changes nothing outside of it."""

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from tests.processes import output_of

STATE = """
import locale, os, signal, sys, threading, warnings
import numpy as np
from numpy._core.multiarray import get_handler_name

try:
    import threadpoolctl
except ImportError:
    threadpoolctl = None

def state():
    found = {
        "environment": dict(os.environ),
        "affinity": sorted(os.sched_getaffinity(0)),
        "threads": len(os.listdir("/proc/self/task")),
        "allocator": get_handler_name(),
        "errors": np.geterr(),
        "print options": np.get_printoptions(),
        "subnormal": float(np.float32(1e-40) * np.float32(0.5)),
        "rounding": float(np.float32(1) + np.float32(2**-24)),
        "warnings": list(warnings.filters),
        "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGFPE)],
        "recursion": sys.getrecursionlimit(),
        "hooks": [sys.excepthook, sys.displayhook, threading.excepthook, list(sys.meta_path), list(sys.path)],
        "locale": locale.setlocale(locale.LC_ALL),
        "directory": os.getcwd(),
    }
    pools = threadpoolctl.threadpool_info() if threadpoolctl else []
    return {**found, "pools": [(p["internal_api"], p["num_threads"]) for p in pools]}

np.dot(np.ones((4, 4)), np.ones((4, 4)))
before = state()
"""
COMPARE = """
after = state()
print([key for key in before if before[key] != after[key]])
"""
USE = """
import fastnn.functional as F
x = np.ones((300, 300), np.float32)
F.linear_backward(F.softmax(F.linear(x, x, activation="relu")), x, x)
before["threads"] = len(os.listdir("/proc/self/task"))
"""


def test_import_changes_nothing() -> None:
    assert (
        output_of("-c", STATE + "import fastnn, fastnn.train, fastnn.data, fastnn.testing" + COMPARE) == "[]"
    )


def test_use_changes_nothing_but_its_own_threads() -> None:
    assert output_of("-c", STATE + "import fastnn\n" + USE + COMPARE) == "[]"


def test_import_loads_no_heavy_module() -> None:
    """And nothing of the extras, installed or not."""
    heavy = (
        "torch",
        "sklearn",
        "matplotlib",
        "tqdm",
        "pandas",
        "scipy",
        "cupy",
        "multiprocessing",
        "asyncio",
    )
    code = f"import sys, fastnn; print([name for name in {heavy} if name in sys.modules])"
    assert output_of("-c", code) == "[]"


def test_import_prints_nothing() -> None:
    assert output_of("-c", "import fastnn") == ""


@pytest.mark.parametrize("threads", [1, 3, 8])
def test_workers_keep_subnormals(threads: int) -> None:
    fastnn.set_num_threads(threads)
    x = np.full(500_000, 1e-40, np.float32)
    y = F.dropout(x, 0.5, key=(0, 0))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1e-40) * np.float32(2)}
    assert np.float32(1e-40) * np.float32(0.5) != 0
