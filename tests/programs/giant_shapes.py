"""Calls every function of the table with arrays of one value seen 2^31 + 8 times, or with an axis of 2^40.

Their views cost no memory, and what the calls ask for is more than there is: each has to end in a clean error
or, where nothing is to be computed, in a result. An alarm ends what takes too long. Prints how many ended in
each way.
"""

import signal
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from tests.backends import CPU
from tests.fuzz.runner import limit_memory
from tests.opinfo import DTYPES, FUNCTIONS, Function, Sample

LONG, LONGER, SECONDS = 2**31 + 8, 2**40, 20


def stretched(a: np.ndarray, shape: list[int]) -> np.ndarray:
    """One value in that shape, if NumPy can have it."""
    value = a.reshape(-1)[:1] if a.size else np.zeros(1, a.dtype)
    with suppress(ValueError):
        return np.broadcast_to(value.reshape(()), shape)
    return a


def with_length(sample: Sample, length: int, new: int, only: str | None = None) -> Sample:
    """Every axis of that length longer, in one array or in all, where the shapes go on fitting."""

    def change(name: str, a: np.ndarray) -> np.ndarray:
        if length not in a.shape or only not in (None, name):
            return a
        return stretched(a, [new if n == length else n for n in a.shape])

    return sample.map(change)


def giants(function: Function, dtype: str) -> Iterator[Sample]:
    fresh = function.fresh()
    for sample in (s.cast(dtype) for s in fresh[:: max(1, len(fresh) // 12)]):
        lengths = sorted({n for a in sample.arrays.values() for n in a.shape})
        for length in lengths:
            yield with_length(sample, length, LONG)
            for name in sample.arrays:
                yield with_length(sample, length, LONG, only=name)
            for other in lengths:
                if other != length:  # (0, 2**40)
                    yield with_length(with_length(sample, other, 0), length, LONGER)


def end_of(function: Function, sample: Sample) -> str:
    try:
        results = function.run(CPU, sample, None)
    except (TypeError, ValueError, IndexError):
        return "refused"
    except MemoryError:
        return "too large"
    assert all(np.size(r) < LONG for r in results), f"{function} of {sample}"
    return "done"


def main() -> None:
    warnings.simplefilter("ignore")  # of NumPy, on the mean of nothing
    limit_memory()
    ends: Counter[str] = Counter()
    for i, function in enumerate(FUNCTIONS):
        different = {str(sample): sample for sample in giants(function, DTYPES[i % 2])}
        for sample in different.values():
            print(f"{function} of {sample}", file=sys.stderr)
            signal.alarm(SECONDS)
            ends[end_of(function, sample)] += 1
            signal.alarm(0)
    print(*(ends[end] for end in ("done", "refused", "too large")))


if __name__ == "__main__":
    main()
