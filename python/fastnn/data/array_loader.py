"""Mini-batches cut from arrays that lie in memory, or in a file that is mapped into it.

The order of an epoch is a function of (seed, epoch) alone, so it is the same for any thread count, and
a loader can be resumed in the middle of an epoch from two small integers.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeAlias

import numpy as np

from fastnn import _core
from fastnn._checks import as_int
from fastnn.backend import device_of, is_gpu_array, kernels_for, to_device
from fastnn.data.fields import Array, Field, as_field, common_length, copy_field
from fastnn.data.prefetch import prefetched
from fastnn.distributed.group import Group, as_group

Transform: TypeAlias = Callable[[Any, Any, np.random.Generator], tuple[Any, Any]]


class ArrayLoader:
    """Iterate over `(x_batch, y_batch)`, or over `x_batch` alone where `y` is None.

    Parameters
    ----------
    x, y : array of shape (N, ...), or tuple of such arrays
        The samples lie along axis 0; any dtype without Python objects. A tuple gives a tuple per batch. Of
        an array in a file (`numpy.memmap`, `numpy.load(mmap_mode="r")`), only the batches' rows are read.
    batch_size : int
        Samples per batch; the last batch of an epoch holds what is left.
    shuffle : bool
        Draw a new permutation for each epoch. Batches are then fresh copies, gathered in one native call;
        without shuffling they are views of `x` and `y`.
    drop_last : bool
        Leave out a last batch that is smaller than `batch_size`.
    seed : int, optional
        Fixes permutations and the generators given to `transform`. None draws one, kept in `state_dict()`.
    transform : callable, optional
        `transform(x_batch, y_batch, rng) -> (x_batch, y_batch)`, called for each batch with a
        `numpy.random.Generator` of its own. It may write into its batch, which is always a copy.
        `fastnn.data.transforms` has the usual ones for images.
    shard : Group of fastnn.distributed, optional
        Give each rank its part of each batch: all ranks draw one permutation, with the seed of rank 0, and
        `batch_size` is the size of a part. A last batch that is smaller is divided evenly, to one sample, so
        that no sample is lost or comes twice and all ranks take the same number of steps; where it has fewer
        samples than there are ranks, some get a batch of 0 samples.
    prefetch : int
        So many batches are made ahead by a thread while the last one is used: the same batches in the same
        order. A `transform` then runs in that thread.

    Raises
    ------
    TypeError
        For masked arrays, arrays of Python objects, a `batch_size`, `seed` or `prefetch` that is no integer,
        a `shard` that is no group.
    ValueError
        For lengths that differ, empty data, `batch_size` < 1, `seed` < 0, `prefetch` < 0.

    Notes
    -----
    Each `iter()` begins an epoch. The order of epoch `e` comes from NumPy's PCG64 seeded with
    `SeedSequence(seed, spawn_key=(e, 0))`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import ArrayLoader
    >>> x, y = np.arange(10.0).reshape(5, 2), np.array([0, 1, 0, 1, 1])
    >>> loader = ArrayLoader(x, y, batch_size=2)
    >>> len(loader)
    3
    >>> for x_batch, y_batch in loader:
    ...     print(x_batch.shape, y_batch)
    (2, 2) [0 1]
    (2, 2) [0 1]
    (1, 2) [1]
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int | None = None,
        transform: Transform | None = None,
        prefetch: int = 0,
        shard: Group | None = None,
    ) -> None:
        self.x: Field = as_field("x", x)
        self.y: Field | None = None if y is None else as_field("y", y)
        self._samples = common_length(self.x, self.y)
        self.batch_size = as_int("ArrayLoader", "batch_size", batch_size, minimum=1)
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.shard = Group() if shard is None else as_group("ArrayLoader", shard, "shard")
        self.seed = secrets.randbits(63) if seed is None else as_int("ArrayLoader", "seed", seed, minimum=0)
        self.seed = self.shard.broadcast_object(self.seed)
        self.transform = transform
        self.prefetch = as_int("ArrayLoader", "prefetch", prefetch, minimum=0)
        self._epoch = 0
        self._position = 0  # batches of this epoch already handed out
        self._resumed = False

    def __len__(self) -> int:
        """Batches in an epoch."""
        whole, rest = divmod(self._samples, self.batch_size * self.shard.size)
        return whole if self.drop_last or rest == 0 else whole + 1

    @property
    def samples(self) -> int:
        """Samples handed out in an epoch; with `shard`, those of this rank."""
        whole = self._samples // (self.batch_size * self.shard.size)
        last = self._part(whole) if len(self) > whole else slice(0, 0)
        return whole * self.batch_size + last.stop - last.start

    def __iter__(self) -> Iterator[Any]:
        """Begin the next epoch; after `load_state_dict`, go on at the batch it names."""
        if self._position and not self._resumed:  # the previous iteration was broken off
            self._epoch += 1
            self._position = 0
        self._resumed = False
        return self._batches(self._epoch, self._position)

    def _batches(self, epoch: int, first: int) -> Iterator[Any]:
        order, numbers = self._order(epoch), range(first, len(self))

        def make(batch: int) -> Any:
            return self._batch(order, self._part(batch), epoch, batch)

        with closing(prefetched(make, numbers, self.prefetch)) as batches:
            for batch in numbers:
                self._position = batch + 1
                yield next(batches)
        self._epoch, self._position = epoch + 1, 0

    def _part(self, batch: int) -> slice:
        """Where in the order of the epoch this rank's part of a batch lies."""
        rank, ranks = self.shard.rank, self.shard.size
        begin = batch * self.batch_size * ranks
        each, more = divmod(min(self.batch_size * ranks, self._samples - begin), ranks)
        begin += rank * each + min(rank, more)
        return slice(begin, begin + each + (rank < more))

    def _batch(self, order: Array | None, where: slice, epoch: int, batch: int) -> Any:
        x_batch = _take(self.x, order, where)
        y_batch = None if self.y is None else _take(self.y, order, where)
        if self.transform is not None:
            if order is None:
                x_batch, y_batch = copy_field(x_batch), copy_field(y_batch)
            x_batch, y_batch = self.transform(x_batch, y_batch, self._rng(epoch, batch + 1))
        return x_batch if self.y is None else (x_batch, y_batch)

    def _rng(self, epoch: int, stream: int) -> np.random.Generator:
        # Stream 0 orders the epoch, stream b + 1 belongs to the transform of batch b, on rank 0: others have
        # transforms of their own.
        key = (epoch, stream, self.shard.rank) if stream and self.shard.rank else (epoch, stream)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def _order(self, epoch: int) -> Array | None:
        return self._rng(epoch, 0).permutation(self._samples) if self.shuffle else None

    def state_dict(self) -> dict[str, int]:
        """`seed`, `epoch` and `position` (batches of this epoch already handed out)."""
        return {"seed": self.seed, "epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Make the next iteration go on where `state` was taken.

        >>> import numpy as np
        >>> from fastnn.data import ArrayLoader
        >>> def loader():
        ...     return ArrayLoader(np.arange(6), batch_size=2, shuffle=True, seed=0)
        >>> first = loader()
        >>> batches = iter(first)
        >>> state = (next(batches), first.state_dict())[1]
        >>> second = loader()
        >>> second.load_state_dict(state)
        >>> [b.tolist() for b in batches] == [b.tolist() for b in second]
        True
        """
        missing = {"seed", "epoch", "position"} - set(state)
        if missing:
            raise ValueError(f"[ArrayLoader] expected a state with {sorted(missing)}, got {sorted(state)}")
        seed, epoch, position = (
            as_int("ArrayLoader", name, state[name], minimum=0) for name in ("seed", "epoch", "position")
        )
        if position > len(self):
            raise ValueError(f"[ArrayLoader] expected position <= {len(self)}, got {position}")
        self.seed, self._epoch, self._position = seed, epoch, position
        self._resumed = True


def _take(field: Field, order: Array | None, where: slice) -> Any:
    if isinstance(field, tuple):
        return tuple(_take(part, order, where) for part in field)
    if order is None:
        return field[where]
    if is_gpu_array(field):
        places = to_device(order[where], device_of(field))
        return kernels_for(field, "ArrayLoader", "x").gather(field, places, None)
    # The native gather would first make a plain copy of what is none, all of it.
    if field.flags.c_contiguous and field.dtype.isnative:
        return _core.gather(field, order[where], None)
    return np.take(field, order[where], axis=0).astype(field.dtype.newbyteorder("="), copy=False)
