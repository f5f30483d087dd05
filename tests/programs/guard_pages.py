"""Calls every function of the table with arrays that begin or end at memory which nobody may touch.

Arrays of 0 to 257 elements, those of the samples and large ones: an access one element beyond ends the
process, and the last line of standard error says in which call. Prints the number of calls; with --overrun
it makes none and reads one element too many itself, to show that the pages guard.
"""

import ctypes
import mmap
import sys
from collections.abc import Iterator

import numpy as np

from tests.backends import CPU
from tests.opinfo import DTYPES, FUNCTIONS, Function, Sample

LENGTHS = range(258)
LARGEST = 4096
PAGE = mmap.PAGESIZE
PROT_NONE = 0
libc = ctypes.CDLL(None, use_errno=True)


class Guarded:
    """One piece of memory between two pages without access; arrays lie at its very begin or end."""

    def __init__(self, room: int) -> None:
        self.room = -(-room // PAGE) * PAGE
        self.memory = mmap.mmap(-1, self.room + 2 * PAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        for page in (address, address + PAGE + self.room):
            if libc.mprotect(ctypes.c_void_p(page), PAGE, PROT_NONE) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")

    def put(self, a: np.ndarray, at_end: bool) -> np.ndarray:
        offset = PAGE + (self.room - a.nbytes if at_end else 0)
        placed = np.ndarray(a.shape, a.dtype, self.memory, offset)
        placed[...] = a
        return placed


class Guards:
    """Pieces of guarded memory, one an array of a call."""

    def __init__(self) -> None:
        self.pieces: list[Guarded] = []

    def put(self, arrays: list[np.ndarray], at_end: bool) -> list[np.ndarray]:
        for i, a in enumerate(arrays):
            if i == len(self.pieces):
                self.pieces.append(Guarded(8 * LARGEST))
            if a.nbytes > self.pieces[i].room:
                self.pieces[i] = Guarded(2 * a.nbytes)
        return [piece.put(a, at_end) for piece, a in zip(self.pieces, arrays, strict=False)]


def resized(function: Function, sample: Sample, rows: int) -> Sample:
    """The batch repeated or cut to that many rows."""
    return sample.map(
        lambda name, a: np.resize(a, (rows, *a.shape[1:])) if name in function.batched else a.copy()
    )


def samples(function: Function) -> Iterator[Sample]:
    fresh = [s for s in function.fresh() if all(a.size <= LARGEST for a in s.arrays.values())]
    yield from fresh
    apart = [s for s in fresh if function.batched and function.separable(s)]
    rows = [s for s in apart if all(s.arrays[name].size for name in function.batched)]
    if rows:
        # The sample with the shortest rows: for an elementwise function, rows of one element.
        shortest = min(
            rows, key=lambda s: sum(s.arrays[n].size // len(s.arrays[n]) for n in function.batched)
        )
        yield from (resized(function, shortest, n) for n in LENGTHS)
    # Ways that only larger arrays go.
    yield from function.large(np.random.default_rng(4))


def run(function: Function, sample: Sample, guards: Guards, at_end: bool) -> None:
    """With results in guarded memory, too, where the call allows it."""
    backend = CPU
    names = list(sample.arrays)
    outs: list[np.ndarray] = []
    if function.outs and function.takes_out(sample):
        results = function.run(backend, sample.map(lambda _, a: a.copy()), None)
        outs = [results[i] for i in function.outs]
    placed = guards.put([*sample.arrays.values(), *outs], at_end)
    given = sample.put(**dict(zip(names, placed, strict=False)))
    function.run(backend, given, tuple(placed[len(names) :]) if outs else None)


def check(function: Function, guards: Guards) -> int:
    """Both dtypes at the end, where an overrun is likely, and now and then one of them at the begin."""
    calls = 0
    for i, sample in enumerate(samples(function)):
        places = [(dtype, True) for dtype in DTYPES] + [(DTYPES[i // 3 % 2], False)] * (i % 3 == 0)
        for dtype, at_end in places:
            given = sample.cast(dtype)
            print(f"{function} of {given}", file=sys.stderr)
            run(function, given, guards, at_end)
            calls += 1
    return calls


def main() -> None:
    if sys.argv[1:] == ["--overrun"]:
        placed = Guarded(PAGE).put(np.ones(7, np.float32), at_end=True)
        print(ctypes.c_float.from_address(placed.ctypes.data + placed.nbytes).value)
        return
    guards = Guards()
    print(sum(check(function, guards) for function in FUNCTIONS))


if __name__ == "__main__":
    main()
