"""The ways to run the operations.

On NumPy arrays, on CuPy arrays of host memory with the kernels of the GPU compiled for the host, or on a GPU:

    pytest --backend simt      after the build of the preset simt; FASTNN_SIMT_DIR is where _simt lies
    pytest --backend cuda      skipped, or with --require-gpu failed, where there is no GPU
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastnn.backend
import fastnn.functional
from fastnn import _core
from tests.opinfo import Backend

ROOT = Path(__file__).resolve().parent.parent


def same(array: Any) -> Any:
    return array


CPU = Backend("cpu", fastnn.functional, _core, same, same, lambda: None)


def simt() -> Backend:
    """The kernels of the GPU on the host, connected in CUDA's place."""
    sys.path.insert(0, os.environ.get("FASTNN_SIMT_DIR", str(ROOT / "build/simt/csrc")))
    import _simt
    import cupy

    cupy.cuda.set_allocator(host_memory)
    _simt.connect(
        array_type=cupy.ndarray,
        empty=cupy.ndarray,
        alloc=host_memory,
        current_stream=lambda: 0,
        current_device=lambda: 0,
        enter_device=None,
    )
    fastnn.backend._gpu = _simt
    return Backend("simt", fastnn.functional, _simt, of_host_memory, to_numpy, lambda: _simt.synchronize(0))


def cuda() -> Backend:
    import cupy

    core = fastnn.backend.gpu_kernels("cuda")
    return Backend(
        "cuda", fastnn.functional, core, native(cupy.asarray), to_numpy, lambda: core.synchronize(0)
    )


BACKENDS: dict[str, Callable[[], Backend]] = {"cpu": lambda: CPU, "simt": simt, "cuda": cuda}


def native(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """CuPy knows no swapped bytes, no subclasses and no arrays that cannot be written."""

    def converted(a: Any) -> Any:
        return convert(np.asarray(a).astype(a.dtype.newbyteorder("="), copy=False))

    return converted


def host_memory(size: int) -> Any:
    """Memory as CuPy's allocators give it."""
    from cupy.cuda import memory

    block = np.empty(max(size, 1), np.uint8)
    return memory.MemoryPointer(memory.UnownedMemory(block.ctypes.data, size, block, 0), 0)


@native
def of_host_memory(a: np.ndarray) -> Any:
    """The memory of `a` as a cupy.ndarray, whatever its strides."""
    import cupy
    from cupy.cuda import memory

    low, high = np.lib.array_utils.byte_bounds(a) if a.size else (a.ctypes.data, a.ctypes.data)
    base = memory.UnownedMemory(low, max(high - low, 1), a, 0)
    pointer = memory.MemoryPointer(base, a.ctypes.data - low)
    return cupy.ndarray(a.shape, a.dtype, pointer, a.strides)


def to_numpy(a: Any) -> Any:
    """A copy; a float of an array without axes, which is what losses are."""
    if not fastnn.backend.is_gpu_array(a):
        return a
    values = fastnn.backend.to_host(a)
    return float(values) if a.ndim == 0 and a.dtype == np.float64 else values
