"""The processes that train together, and what they can do together.

All of a group call the same methods in the same order. Results are the same bits on every rank and in every
run: what is summed is summed in rank order, whoever comes first.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fastnn._checks import as_int
from fastnn.backend import is_array, is_gpu_array, to_host

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.distributed.guard import Guard
    from fastnn.distributed.shared import SharedMemory

_SUMMABLE = frozenset(map(np.dtype, (np.float32, np.float64, np.int64)))  # in the machine's byte order


class Engine(Protocol):
    """What moves the bytes of host arrays, and who watches over it."""

    guard: Guard
    shared: SharedMemory | None

    def all_reduce(self, array: Array) -> None: ...
    def broadcast(self, array: Array, root: int) -> None: ...
    def all_gather(self, array: Array) -> Array: ...
    def all_gather_flat(self, array: Array, counts: list[int]) -> Array: ...
    def barrier(self) -> None: ...
    def abort(self) -> None: ...


class GPUEngine(Protocol):
    """What moves the bytes of arrays on GPUs."""

    def all_reduce(self, array: Any) -> None: ...
    def broadcast(self, array: Any, root: int) -> None: ...


class Group:
    """Processes, numbered by rank from 0; `init` makes it. `Group()` is a process alone.

    Attributes
    ----------
    rank, size : int
        This process's number, and how many there are (the world size).
    local_rank, local_size : int
        The same among the processes on this machine: `model.to(f"cuda:{group.local_rank}")`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.distributed import Group
    >>> group = Group()
    >>> group
    Group(rank=0, size=1)
    >>> x = np.array([1.0, 2.0])
    >>> group.all_reduce(x)
    >>> x
    array([1., 2.])
    """

    def __init__(self) -> None:
        self.rank, self.size = 0, 1
        self.local_rank, self.local_size = 0, 1
        self._engine: Engine | None = None
        self._gpu_engine: GPUEngine | None = None

    def all_reduce(self, array: Array) -> None:
        """Put the sum over all ranks in the place of `array`, on every rank.

        Parameters
        ----------
        array : array of float32, float64 or int64, C-contiguous; of one shape and dtype on all ranks
            On the host the sum is taken in rank order; on GPUs in the order that NCCL fixes for the group.

        Raises
        ------
        TypeError, ValueError
            For anything else, on this rank. Other ranks then wait until this one's program has ended.
        RankLostError
            Where another rank has died, stopped, or ended.
        """
        _check("all_reduce", array)
        if self._engine is not None and array.size:
            self._engine_for(array, self._engine).all_reduce(array)

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Put the values of rank `root` into `array`, on every rank; arguments and errors as `all_reduce`.

        A host array may have any dtype without Python objects here.
        """
        _check("broadcast", array, any_dtype=not is_gpu_array(array))
        as_int("broadcast", "root", root, minimum=0, maximum=self.size - 1)
        if self._engine is not None and array.size:
            self._engine_for(array, self._engine).broadcast(array, root)

    def all_gather(self, array: Array) -> Array:
        """The arrays of all ranks, of one shape and dtype, as one of shape (size, ...) on the host."""
        own = np.ascontiguousarray(to_host(array))
        own = own.reshape(np.shape(array))  # ascontiguousarray makes vectors of scalars
        return own[np.newaxis] if self._engine is None else self._engine.all_gather(own)

    def all_gather_rows(self, array: Array) -> Array:
        """The arrays of all ranks, which may differ in length, joined along axis 0 on the host."""
        own = np.ascontiguousarray(to_host(array))
        if self._engine is None:
            return own
        lengths = self.all_gather(np.array(len(own))).tolist()
        width = math.prod(own.shape[1:])
        rows = self._engine.all_gather_flat(own.reshape(-1), [length * width for length in lengths])
        return rows.reshape(sum(lengths), *own.shape[1:])

    def all_gather_object(self, value: Any) -> list[Any]:
        """The values of all ranks, in rank order: whatever JSON can tell.

        Examples
        --------
        >>> from fastnn.distributed import Group
        >>> Group().all_gather_object({"host": "a"})
        [{'host': 'a'}]
        """
        text = _as_bytes(value)
        if self._engine is None:
            return [json.loads(text.tobytes())]
        counts = self.all_gather(np.array(text.size)).tolist()
        joined = self._engine.all_gather_flat(text, counts)
        ends = np.cumsum(counts)
        return [json.loads(part.tobytes()) for part in np.split(joined, ends[:-1])]

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """The value of rank `root`, on every rank: whatever JSON can tell."""
        as_int("broadcast_object", "root", root, minimum=0, maximum=self.size - 1)
        return self.all_gather_object(value if self.rank == root else None)[root]

    def any(self, condition: bool) -> bool:
        """Whether the condition holds on some rank."""
        if self._engine is None:  # `fit` asks after each batch
            return bool(condition)
        count = np.array(int(condition))
        self.all_reduce(count)
        return bool(count)

    def barrier(self) -> None:
        """Wait until all ranks have come here."""
        if self._engine is not None:
            self._engine.barrier()

    def abort(self) -> None:
        """End all processes of the group at once, with an exit code that is not 0."""
        if self._engine is None:
            raise SystemExit(1)
        self._engine.abort()

    def __repr__(self) -> str:
        return f"Group(rank={self.rank}, size={self.size})"

    @property
    def _shared(self) -> SharedMemory | None:
        """Memory that all ranks see, where they are on one machine."""
        return None if self._engine is None else self._engine.shared

    def _engine_for(self, array: Array, engine: Engine) -> Engine | GPUEngine:
        """NCCL's is made when the first array on a GPU comes, on all ranks at once."""
        if not is_gpu_array(array):
            return engine
        if self._gpu_engine is None:
            from fastnn.distributed.nccl import connect

            self._gpu_engine = connect(self, engine)
        return self._gpu_engine


def as_group(op: str, group: Any, name: str = "group") -> Group:
    """`group`, which has to be one."""
    if not isinstance(group, Group):
        raise TypeError(f"[{op}] expected {name} to be a Group as init gives, got {type(group).__name__}")
    return group


def _check(op: str, array: Any, any_dtype: bool = False) -> None:
    if not is_array(array):
        raise TypeError(f"[{op}] expected array to be a numpy.ndarray, got {type(array).__name__}")
    if array.dtype not in _SUMMABLE and not (any_dtype and not array.dtype.hasobject):
        raise TypeError(f"[{op}] expected array of float32, float64 or int64, got {array.dtype}")
    writable = is_gpu_array(array) or array.flags.writeable
    if not (array.flags.c_contiguous and writable):
        raise ValueError(
            f"[{op}] expected array to be C-contiguous and writable, got a view or a read-only array"
        )


def _as_bytes(value: Any) -> Array:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
