"""Mini-batches in scikit-learn's order, of dense or sparse rows.

The rows of an epoch are drawn as scikit-learn draws them, so the same `random_state` gives the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _core
from fastnn.train.batches import CastLoader

Array = NDArray[Any]


class Batches(CastLoader):
    """Batches (x, y) or (x, y, sample_weight) of arrays that are in the dtype of the net already.

    `before` is told the size and the weight of each batch.
    """

    def __init__(
        self,
        arrays: tuple[Any, ...],
        batch_size: int,
        shuffle: np.random.RandomState | None,
        before: Callable[[int, float], None],
    ) -> None:
        self._arrays, self._batch_size, self._before = arrays, batch_size, before
        self._shuffle = shuffle
        super().__init__(self, arrays[1].dtype)
        self.samples = self._length = arrays[0].shape[0]
        self._order = np.arange(self._length)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        if self._shuffle is not None:
            self._shuffle.shuffle(self._order)  # an epoch's order is shuffled from the one before
        for start in range(0, self._length, self._batch_size):
            yield self._batch(slice(start, start + self._batch_size))

    def _batch(self, where: slice) -> tuple[Any, ...]:
        rows = None if self._shuffle is None else self._order[where]
        batch = tuple(take(array, where, rows) for array in self._arrays)
        size = len(batch[0])
        self._before(size, float(batch[2].sum(dtype=float)) if len(batch) == 3 else size)
        return batch


def take(array: Any, where: slice, rows: Array | None) -> Array:
    """Rows of an array, or of a sparse matrix as a dense array."""
    if isinstance(array, np.ndarray):
        return array[where] if rows is None else _core.gather(array, rows, None)
    dense: Array = array[where if rows is None else rows].toarray()
    return dense
