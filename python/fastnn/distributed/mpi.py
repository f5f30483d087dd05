"""Host arrays over MPI, in requests that are polled, so that a rank that is lost ends the wait.

A sum is taken by its definition: every rank gets its part of the array from all others, adds in rank order,
and the parts are gathered. That is the traffic of a ring, 2 (P - 1) / P of the bytes, in two collectives. On
one machine the parts lie in memory that all ranks see, and only barriers go through MPI. A small array, where
latency is all that counts, is gathered whole and summed by everybody.
"""

from __future__ import annotations

import os
import time
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.distributed.guard import Guard
from fastnn.distributed.shared import PIECE, SharedMemory, add_in_order

if TYPE_CHECKING:
    from fastnn._core import Array

# Up to so many bytes, over all ranks, an array is gathered whole.
WHOLE = 64 << 10
# With many ranks, a piece has at least so many bytes of each, or the latency of all the messages would
# outweigh them.
PART = 32 << 10
# A poll takes about a microsecond. A rank that waits for longer than these offers its core to others between
# polls, then sleeps between them.
POLLS = 200
OFFERS = 10000
PAUSE = 50e-6


class MPIEngine:
    """One communicator with the guard that watches its ranks."""

    def __init__(self, communicator: Any, guard: Guard) -> None:
        from mpi4py import MPI

        self._comm, self.guard = communicator, guard
        self._byte, self._in_place = MPI.BYTE, MPI.IN_PLACE
        self._scratch = np.empty(0, np.uint8)
        self.shared: SharedMemory | None = None  # where all ranks are on one machine

    def all_reduce(self, array: Array) -> None:
        flat = array.reshape(-1)
        if self.shared is not None and not self._is_small(flat):
            self.shared.all_reduce(flat)
            return
        step = max(PIECE, PART * self._comm.size) // flat.itemsize
        for begin in range(0, flat.size, step):
            piece = flat[begin : begin + step]
            (self._sum_whole if self._is_small(piece) else self._sum_parts)(piece)

    def _is_small(self, piece: Array) -> bool:
        return bool(piece.nbytes * self._comm.size <= WHOLE)

    def _sum_whole(self, piece: Array) -> None:
        rows = self._borrow(self._comm.size, piece)
        self._wait(self._comm.Iallgather(self._bytes(piece), self._bytes(rows)))
        add_in_order(rows, piece)

    def _sum_parts(self, piece: Array) -> None:
        size, rank, itemsize = self._comm.size, self._comm.rank, piece.itemsize
        counts = [len(part) for part in np.array_split(piece, size)]
        starts = [0, *accumulate(counts)]
        own = piece[starts[rank] : starts[rank + 1]]
        rows = self._borrow(size, own)
        of_parts = ([n * itemsize for n in counts], [n * itemsize for n in starts[:-1]])
        of_rows = ([own.nbytes] * size, [own.nbytes * i for i in range(size)])
        sent, received = [self._bytes(piece)[0], of_parts], [self._bytes(rows)[0], of_rows]
        self._wait(self._comm.Ialltoallv([*sent, self._byte], [*received, self._byte]))
        add_in_order(rows, own)
        self._wait(self._comm.Iallgatherv(self._in_place, [*sent, self._byte]))

    def broadcast(self, array: Array, root: int) -> None:
        flat = array.reshape(-1)
        step = max(PIECE // flat.itemsize, 1)
        for begin in range(0, flat.size, step):
            self._wait(self._comm.Ibcast(self._bytes(flat[begin : begin + step]), root))

    def all_gather(self, array: Array) -> Array:
        rows = np.empty((self._comm.size, *array.shape), array.dtype)
        self._wait(self._comm.Iallgather(self._bytes(array), self._bytes(rows)))
        return rows

    def all_gather_flat(self, array: Array, counts: list[int]) -> Array:
        """One dimension and `counts` elements from each rank, one after another."""
        joined = np.empty(sum(counts), array.dtype)
        sizes = [n * array.itemsize for n in counts]
        where = (sizes, [0, *accumulate(sizes)][:-1])
        self._wait(self._comm.Iallgatherv(self._bytes(array), [self._bytes(joined)[0], where, self._byte]))
        return joined

    def barrier(self) -> None:
        self._wait(self._comm.Ibarrier())

    def abort(self) -> None:
        self._comm.Abort(1)

    def _wait(self, request: Any) -> None:
        polls, began = 0, 0.0
        while not request.Test():
            polls += 1
            if polls > OFFERS:
                began = began or time.monotonic()
                self.guard.check(began)
                time.sleep(PAUSE)
            elif polls > POLLS:
                os.sched_yield()

    def _borrow(self, rows: int, like: Array) -> Array:
        """Scratch memory for so many rows; kept, since fresh pages cost more than the copies."""
        if self._scratch.nbytes < rows * like.nbytes:
            self._scratch = np.empty(rows * like.nbytes, np.uint8)
        return self._scratch[: rows * like.nbytes].view(like.dtype).reshape(rows, like.size)

    def _bytes(self, array: Array) -> list[Any]:
        return [array.reshape(-1).view(np.uint8), self._byte]
