"""Settings and figures of the running library: threads, instruction set, memory kept for reuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, overload

from fastnn import _core
from fastnn._checks import as_int

__all__ = [
    "empty_cache",
    "get_num_threads",
    "isa",
    "set_num_threads",
    "show_config",
    "supported_isas",
    "threads",
]


def get_num_threads() -> int:
    """How many threads a kernel may use.

    At the start it is `FASTNN_NUM_THREADS`, or else the cores that this process may run on.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.get_num_threads() >= 1
    True
    """
    return _core.get_num_threads()


def set_num_threads(n: int) -> None:
    """Let kernels use up to `n` threads, from the next call on; results do not depend on it.

    Raises
    ------
    TypeError
        Where `n` is no int (a bool is none).
    ValueError
        Where `n` < 1.

    Examples
    --------
    >>> import fastnn
    >>> before = fastnn.get_num_threads()
    >>> fastnn.set_num_threads(2)
    >>> fastnn.get_num_threads()
    2
    >>> fastnn.set_num_threads(before)
    """
    _core.set_num_threads(as_int("set_num_threads", "n", n, minimum=1, maximum=_core.MAX_THREADS))


def threads(n: int) -> AbstractContextManager[None]:
    """Context manager: up to `n` threads inside, the count of before afterwards, also after an error.

    The count is one for the whole process, not one for each Python thread. Raises as `set_num_threads`.

    Examples
    --------
    >>> import fastnn
    >>> with fastnn.threads(1):
    ...     fastnn.get_num_threads()
    1
    """
    return _limited(as_int("threads", "n", n, minimum=1, maximum=_core.MAX_THREADS))


@contextmanager
def _limited(n: int) -> Iterator[None]:
    before = _core.get_num_threads()
    _core.set_num_threads(n)
    try:
        yield
    finally:
        _core.set_num_threads(before)


def isa() -> str:
    """The instruction set in use: "scalar", "avx2", "avx512" or "neon".

    It is chosen at import: the widest one the processor has, or the one named by `FASTNN_ISA`.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.isa() in fastnn.supported_isas()
    True
    """
    return _core.isa()


def supported_isas() -> list[str]:
    """The instruction sets that this build has kernels for and this processor can run.

    Examples
    --------
    >>> import fastnn
    >>> "scalar" in fastnn.supported_isas()
    True
    """
    return _core.supported_isas()


def empty_cache() -> None:
    """Give memory that is kept for later results back to the system; arrays in use are not touched.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.empty_cache()
    >>> fastnn.show_config(mode="dict")["memory"]["bytes_cached"]
    0
    """
    _core.empty_cache()


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> dict[str, Any]: ...
def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Print versions, system, compiler, instruction sets, threads, memory figures, and what CUDA there is.

    It is the block to paste into a report of a bug; `python -m fastnn info` prints it, too.

    Parameters
    ----------
    mode : "stdout" or "dict"
        "dict" returns the figures and prints nothing, as `numpy.show_config` does.

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> import fastnn
    >>> sorted(fastnn.show_config(mode="dict"))
    ['build', 'cuda', 'fastnn', 'isa', 'memory', 'numpy', 'python', 'supported_isas', 'system', 'threads']
    """
    if mode not in ("stdout", "dict"):
        raise ValueError(f'[show_config] expected mode to be "stdout" or "dict", got {mode!r}')
    config = _config()
    if mode == "dict":
        return config
    print("\n".join(_lines(config)))
    return None


def _config() -> dict[str, Any]:
    import platform

    import numpy as np

    import fastnn
    from fastnn import cuda

    return {
        "fastnn": fastnn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "build": _core.build_info(),
        "isa": _core.isa(),
        "supported_isas": _core.supported_isas(),
        "threads": _core.get_num_threads(),
        "memory": _core.cache_stats(),
        "cuda": cuda.reason_unavailable() or f"available, {cuda.device_count()} devices",
    }


def _lines(config: dict[str, Any]) -> Iterator[str]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield f"{key}:"
            yield from (f"  {name}: {item}" for name, item in value.items())
        else:
            yield f"{key}: {', '.join(value) if isinstance(value, list) else value}"
