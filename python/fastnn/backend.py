"""Which kernels serve an array: the only file that knows kinds of arrays.

Every operation asks once, for its first array; the kernels themselves check the others.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from numpy import ndarray

from fastnn import _core


def kernels_for(x: Any, op: str, arg: str) -> ModuleType:
    """The module with the kernels for arrays like `x`; TypeError where there is none."""
    if type(x) is ndarray or isinstance(x, ndarray):
        return _core
    raise TypeError(f"[{op}] expected {arg} to be a numpy.ndarray, got {_kind(x)}; call numpy.asarray first")


def _kind(x: Any) -> str:
    cls = type(x)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
