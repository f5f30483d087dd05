"""Neural networks on plain NumPy arrays: C++ kernels under a thin Python layer.

`fastnn.functional` holds the operations, `fastnn.nn` layers, `fastnn.optim` optimizers, `fastnn.data`
mini-batches, `fastnn.train` the training loop, `fastnn.io` weights and checkpoints as files,
`fastnn.analysis` curvature, loss surfaces and diagnosis, `fastnn.sklearn` estimators for scikit-learn,
`fastnn.cuda` what concerns a GPU, `fastnn.distributed` training on several processes, `fastnn.testing`
checks for layers of your own. All but the first three are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from fastnn import _core as _core
except ImportError as error:
    if "FASTNN_" in str(error):  # an environment variable with a wrong value: nothing is wrong with the build
        raise
    from fastnn._import_help import explain

    raise ImportError(explain(error), name="fastnn._core") from error

from fastnn import functional, nn, optim, random
from fastnn.random import manual_seed
from fastnn.runtime import (
    empty_cache,
    get_num_threads,
    isa,
    set_num_threads,
    show_config,
    supported_isas,
    threads,
)

if TYPE_CHECKING:
    from fastnn import analysis, cuda, data, distributed, io, sklearn, testing, train

    __version__: str

__all__ = [
    "analysis",
    "cuda",
    "data",
    "distributed",
    "empty_cache",
    "functional",
    "get_num_threads",
    "io",
    "isa",
    "manual_seed",
    "nn",
    "optim",
    "random",
    "set_num_threads",
    "show_config",
    "sklearn",
    "supported_isas",
    "testing",
    "threads",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in ("analysis", "cuda", "data", "distributed", "io", "sklearn", "testing", "train"):
        from importlib import import_module

        return import_module(f"fastnn.{name}")
    if name == "__version__":
        return _read_version()
    raise AttributeError(f"module 'fastnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


def _read_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("fastnn-kernels")
    except PackageNotFoundError:  # the package lies on the path without having been installed
        found = "0+unknown"
    globals()["__version__"] = found
    return found
