"""Arrays on GPUs over NCCL, as CuPy has it, on CuPy's current stream.

The order in which NCCL adds is fixed by the group and the size of the array, not by who arrives first.
No GPU has run this file yet.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fastnn.backend import reason_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastnn.distributed.group import Engine, Group

DTYPES = {"float32": "NCCL_FLOAT32", "float64": "NCCL_FLOAT64", "int64": "NCCL_INT64"}


class NCCLEngine:
    """One communicator of NCCL: `nccl` is `cupy.cuda.nccl`, `current_stream` gives the stream's address.

    NCCL's kernels wait on the GPU for a rank that is lost. The guard's thread aborts the communicator then,
    so that whoever waits for the stream goes on, and `check` raises at the next call.
    """

    def __init__(
        self, nccl: Any, communicator: Any, current_stream: Callable[[], int], check: Callable[[], None]
    ) -> None:
        self._nccl, self._comm = nccl, communicator
        self._stream, self._check = current_stream, check

    def all_reduce(self, array: Any) -> None:
        self._check()
        where, add = array.data.ptr, self._nccl.NCCL_SUM
        self._comm.allReduce(where, where, array.size, self._dtype(array), add, self._stream())

    def broadcast(self, array: Any, root: int) -> None:
        self._check()
        self._comm.bcast(array.data.ptr, array.size, self._dtype(array), root, self._stream())

    def _dtype(self, array: Any) -> int:
        number: int = getattr(self._nccl, DTYPES[array.dtype.name])
        return number


def connect(group: Group, engine: Engine) -> NCCLEngine:
    """All ranks of the group, each with the GPU that is current in it; RuntimeError with what is missing."""
    if reason := reason_unavailable():
        raise RuntimeError(f"[all_reduce] expected a GPU for a cupy.ndarray: {reason}")
    import cupy
    from cupy.cuda import nccl

    if not nccl.available:
        raise RuntimeError("[all_reduce] needs NCCL for CuPy: pip install nvidia-nccl-cu13")
    name = tuple(group.broadcast_object(list(nccl.get_unique_id()) if group.rank == 0 else None))
    communicator = nccl.NcclCommunicator(group.size, name, group.rank)
    guard = engine.guard
    guard.on_lost.append(communicator.abort)
    return NCCLEngine(
        nccl,
        communicator,
        lambda: cupy.cuda.get_current_stream().ptr,
        lambda: guard.check(time.monotonic()),
    )
