"""Sums in memory that the ranks of one machine have in common: only the barriers between are messages.

Rank 0 makes a file without a name, and the others open it through /proc: however early a rank ends, it leaves
nothing behind. Where that cannot be (several machines, containers, another system), there is no such memory.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.distributed.group import Group

# Large arrays go in pieces, so that scratch memory stays bounded and in the cache. The pieces of all ranks,
# in memory that they share, have so many bytes at most.
PIECE = 2 << 20
PIECES = 16 << 20
BLOCK = 1 << 15  # elements
LINE = 64  # bytes


class SharedMemory:
    """Of a group whose ranks are all here; all of them call the methods together."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._pieces = self.rows(min(PIECE, PIECES // group.size // LINE * LINE), np.uint8)

    def works(self) -> bool:
        """Whether there is any: the same on all ranks."""
        return self._pieces is not None

    def rows(self, size: int, dtype: Any) -> Array | None:
        """Zeros of shape (ranks, size), which all read and write; None, on all, where that is too much."""
        itemsize = np.dtype(dtype).itemsize
        length = -(-size * itemsize // LINE) * LINE // itemsize  # two ranks write to no line of the cache
        memory = _map_together(self._group, self._group.size * length * itemsize)
        return None if memory is None else np.frombuffer(memory, dtype).reshape(-1, length)[:, :size]

    def all_reduce(self, array: Array) -> None:
        """Put the sum over all ranks in the place of any array of one dimension."""
        assert self._pieces is not None
        step = self._pieces.shape[1] // array.itemsize
        for begin in range(0, array.size, step):
            piece = array[begin : begin + step]
            rows = self._pieces[:, : piece.nbytes].view(piece.dtype)
            rows[self._group.rank] = piece
            self.sum(rows)
            piece[:] = rows[self._group.rank]

    def sum(self, rows: Array) -> None:
        """Put the sum of the rows in the place of each.

        Each rank adds a part of all rows, and leaves the sum in its own, where nobody else reads that part.
        """
        rank, (size, length) = self._group.rank, rows.shape
        parts = [slice(length * i // size, length * (i + 1) // size) for i in range(size)]
        own = parts[rank]
        self._group.barrier()
        add_in_order(rows[:, own], rows[rank, own])
        self._group.barrier()
        for other, part in enumerate(parts):
            if other != rank:
                rows[rank, part] = rows[other, part]
        self._group.barrier()  # whoever comes back may write to its row


def add_in_order(rows: Array, out: Array) -> None:
    """((row 0 + row 1) + row 2) + ..., in blocks that stay in the cache; `out` may be one of the rows."""
    for begin in range(0, out.size, BLOCK):
        block = slice(begin, begin + BLOCK)
        total = rows[0, block]
        for row in rows[1:-1]:
            total = total + row[block]
        np.add(total, rows[-1, block], out=out[block])


def _map_together(group: Group, nbytes: int) -> mmap.mmap | None:
    """A mapping of one file by all ranks, or None on all of them."""
    file = _create(nbytes) if group.rank == 0 else -1
    token = os.urandom(16)  # another machine may have a process and a file of these numbers, too
    path, name = group.broadcast_object([f"/proc/{os.getpid()}/fd/{file}", token.hex()])
    if file >= 0:
        os.pwrite(file, token, 0)
    group.barrier()
    memory = _map(path, nbytes)
    missing = memory is None or memory[: len(token)].hex() != name
    everywhere = not group.any(missing)
    if file >= 0:
        os.pwrite(file, bytes(len(token)), 0)
        os.close(file)
    group.barrier()
    return memory if everywhere else None


def _create(nbytes: int) -> int:
    """A file in memory, of zeros; or -1."""
    if not hasattr(os, "memfd_create"):
        return -1
    file = os.memfd_create("fastnn-sums", os.MFD_CLOEXEC)
    try:
        os.truncate(file, nbytes)
    except OSError:
        os.close(file)
        return -1
    return file


def _map(path: str, nbytes: int) -> mmap.mmap | None:
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return mmap.mmap(file, nbytes)
    except (OSError, ValueError):  # of another length: not the one that was meant
        return None
    finally:
        os.close(file)
