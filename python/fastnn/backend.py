"""Which kernels serve an array, and where arrays like it come from: the one file that knows their kinds.

Every operation asks once, for its first array; the kernels themselves check the others. CuPy is never
imported here before somebody has made an array with it, or asks for a GPU.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

import numpy as np
from numpy import ndarray

from fastnn import _core

NOT_BUILT = "this fastnn was built without CUDA; FASTNN_CUDA=1 pip install '.[cuda13]' builds it with"
NO_CUPY = "CuPy is not installed; pip install '.[cuda13]' brings it"

_gpu: ModuleType | None = None  # fastnn._cuda, once CuPy is connected to it


def kernels_for(x: Any, op: str, arg: str) -> ModuleType:
    """The module with the kernels for arrays like `x`; TypeError where there is none."""
    if type(x) is ndarray or isinstance(x, ndarray):
        return _core
    if is_gpu_array(x):
        return gpu_kernels(op)
    if exports_memory(x):
        return _core  # which asks `view_of`
    raise _no_array(x, op, arg)


def is_gpu_array(x: Any) -> bool:
    """Whether x is a cupy.ndarray."""
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(x, cupy.ndarray)


def is_array(x: Any) -> bool:
    """Whether x is an array that kernels take; a masked array is not."""
    return (isinstance(x, ndarray) and not isinstance(x, np.ma.MaskedArray)) or is_gpu_array(x)


# --- arrays of other libraries on the host ------------------------------------------------------

_HOST = (1, 3)  # of dlpack.h's DLDeviceType: ordinary memory, and pinned memory


def exports_memory(x: Any) -> bool:
    """Whether x says where its elements lie, by NumPy's array interface or by DLPack.

    NumPy's scalars do so too, but of a copy, and a type has its instances' attributes.
    """
    return not isinstance(x, (np.generic, type)) and (
        hasattr(x, "__array_interface__") or hasattr(x, "__dlpack__")
    )


def view_of(x: Any, op: str, arg: str) -> Any:
    """The memory that x exports, as a numpy.ndarray; nothing is copied, and read-only memory stays so.

    The kernels call it for what is no ndarray. TypeError where there is no such memory, or on another device.
    """
    if is_gpu_array(x) or not exports_memory(x):
        raise _no_array(x, op, arg)
    try:
        if hasattr(x, "__array_interface__"):
            return np.asarray(x, copy=False)
        device, number = x.__dlpack_device__()
        if device in _HOST:
            return np.from_dlpack(x)
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"[{op}] expected {arg} to export its memory, got {_kind(x)}: {error}") from error
    place = f"device {number} of DLPack's kind {int(device)}"
    raise TypeError(f"[{op}] expected {arg} in the memory of the host, got {_kind(x)} on {place}")


def as_array(x: Any, op: str, arg: str) -> Any:
    """What has attributes of an array: x itself where it is one, or its view; TypeError for all else."""
    return x if isinstance(x, ndarray) or is_gpu_array(x) else view_of(x, op, arg)


def _no_array(x: Any, op: str, arg: str) -> TypeError:
    return TypeError(f"[{op}] expected {arg} to be a numpy.ndarray, got {_kind(x)}; call numpy.asarray first")


# --- GPUs ---------------------------------------------------------------------------------------


def gpu_kernels(op: str) -> ModuleType:
    """The kernels for CuPy arrays; RuntimeError with the reason where there are none."""
    global _gpu
    if _gpu is None:
        try:
            from fastnn import _cuda
        except ImportError as error:
            raise RuntimeError(f"[{op}] expected fastnn with CUDA for a cupy.ndarray: {NOT_BUILT}") from error
        _connect(_cuda)
        _gpu = _cuda
    return _gpu


def reason_unavailable() -> str | None:
    """Why nothing can run on a GPU, in one line; None where it can."""
    try:
        from fastnn import _cuda
    except ImportError:
        return NOT_BUILT
    from importlib.util import find_spec

    if find_spec("cupy") is None:
        return NO_CUPY
    return _cuda.reason_unavailable() or None


def _connect(kernels: ModuleType) -> None:
    import cupy

    kernels.connect(
        array_type=cupy.ndarray,
        empty=cupy.ndarray,
        alloc=cupy.cuda.alloc,
        current_stream=lambda: cupy.cuda.get_current_stream().ptr,
        current_device=cupy.cuda.runtime.getDevice,
        enter_device=cupy.cuda.Device,
    )
    if path := _cublaslt_path():
        kernels.set_cublaslt_path(path)


def _cublaslt_path() -> str | None:
    """Where the wheel nvidia-cublas has the library; opened at the first matrix product, if at all."""
    for folder in sys.path:
        path = os.path.join(folder, "nvidia", "cu13", "lib", "libcublasLt.so.13")
        if os.path.exists(path):
            return path
    return None


# --- arrays like others -------------------------------------------------------------------------


def empty_like(x: Any) -> Any:
    """A C-contiguous array of x's kind, shape and dtype, with any contents."""
    if not is_gpu_array(x):
        return np.empty_like(x, order="C", subok=False)
    return gpu_kernels("empty_like").empty_like(x)


def full_like(x: Any, value: float) -> Any:
    """The same with `value` everywhere; x is of a floating dtype."""
    if not is_gpu_array(x):
        return np.full_like(x, value, order="C", subok=False)
    filled = empty_like(x)
    gpu_kernels("full_like").fill(filled, value)
    return filled


def zeros_like(x: Any) -> Any:
    """The same with zeros."""
    return full_like(x, 0.0)


def like_array(values: Any, x: Any) -> Any:
    """An array in x's dtype, and on x's device unless it is a CuPy array already."""
    if is_gpu_array(values) or not is_gpu_array(x):
        return values.astype(x.dtype, copy=False)
    if values.ndim:
        return to_device(values.astype(x.dtype), device_of(x))
    kernels = gpu_kernels("like_array")
    number = kernels.empty((), x.dtype, x.data.device_id)
    kernels.fill(number, float(values))
    return number


def copy_to(to: Any, values: Any) -> None:
    """Copy `values`, of either kind, into `to`, of the same shape; the dtype is cast as to's."""
    if is_gpu_array(to):
        if is_gpu_array(values):
            gpu_kernels("copy").copy(to, values.astype(to.dtype, copy=False))
        else:
            gpu_kernels("copy").copy_from_host(to, np.ascontiguousarray(values, dtype=to.dtype))
    else:
        np.copyto(to, to_host(values), casting="same_kind")


def concatenate(parts: list[Any]) -> Any:
    """Arrays of one kind and dtype, joined along axis 0."""
    if not is_gpu_array(parts[0]):
        return np.concatenate(parts)
    kernels, first = gpu_kernels("concatenate"), parts[0]
    joined = kernels.empty((sum(map(len, parts)), *first.shape[1:]), first.dtype, first.data.device_id)
    begin = 0
    for part in parts:
        kernels.copy(joined[begin : begin + len(part)], part)
        begin += len(part)
    return joined


# --- devices ------------------------------------------------------------------------------------


def to_host(x: Any) -> Any:
    """A NumPy array of the values of a CuPy array, for which it waits; anything else as it is."""
    if not is_gpu_array(x):
        return x
    values = np.empty(x.shape, x.dtype)
    gpu_kernels("to_host").copy_to_host(values, x)
    return values


def device_of(x: Any) -> str:
    """Where an array lies: "cpu", "cuda:0" and so on."""
    return f"cuda:{x.data.device_id}" if is_gpu_array(x) else "cpu"


def to_device(x: Any, device: str) -> Any:
    """The array itself where it lies on `device` already, "cpu", "cuda" or "cuda:1", or a copy there."""
    number = device_number(device)
    if number is None:
        return to_host(x)
    if is_gpu_array(x) and x.data.device_id == number:
        return x
    return gpu_kernels("to").from_host(np.ascontiguousarray(to_host(x)), number)


def device_number(device: str) -> int | None:
    """0 for "cuda", 1 for "cuda:1", None for "cpu"; RuntimeError for a GPU where there is none."""
    kind, _, number = device.partition(":") if isinstance(device, str) else ("", "", "")
    if kind == "cpu" and not number:
        return None
    if kind != "cuda" or not (number or "0").isdecimal() or device.endswith(":"):
        raise ValueError(f"[to] expected device 'cpu', 'cuda' or 'cuda:N', got {device!r}")
    if _gpu is None and (reason := reason_unavailable()):
        raise RuntimeError(f"[to] expected a GPU for {device!r}: {reason}")
    return int(number or 0)


def _kind(x: Any) -> str:
    cls = type(x)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
