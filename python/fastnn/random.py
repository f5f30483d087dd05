"""The one source of randomness: initial weights and dropout masks.

Weights are drawn from a NumPy generator (PCG64). A dropout mask needs no stream: it is a function of a key
(seed, call), so a backward rebuilds it from two integers, the same for any number of threads. In a graph the
key lies in device memory, and each replay finds the next one there.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

from fastnn._capture import current_capture
from fastnn._checks import as_int

if TYPE_CHECKING:
    import numpy as np

    from fastnn._core import Array

__all__ = ["generator", "get_state", "manual_seed", "next_key", "set_state"]


class _Source:
    """Generator and counter that grow from one seed."""

    def __init__(self, seed: int) -> None:
        import numpy.random  # NumPy loads it late, too: importing fastnn costs nothing for it

        self.seed = seed
        self.generator = numpy.random.default_rng(seed)
        self.restart(0)

    def restart(self, call: int) -> None:
        self.calls = itertools.count(call)  # next() is atomic: no two threads get one key
        self.upcoming = call


_source: _Source | None = None


def _current() -> _Source:
    global _source
    if _source is None:
        _source = _Source(int.from_bytes(os.urandom(8), "little"))
    return _source


def manual_seed(seed: int) -> None:
    """Start the randomness of the library again from `seed`: initial weights and dropout masks.

    Without a call the seed is drawn from the operating system. Shuffling belongs to `ArrayLoader(seed=)`.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.

    Raises
    ------
    TypeError, ValueError
        For a seed that is no integer, or out of range.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.manual_seed(0)
    >>> a = fastnn.nn.Linear(3, 2).weight.data
    >>> fastnn.manual_seed(0)
    >>> bool((fastnn.nn.Linear(3, 2).weight.data == a).all())
    True
    """
    global _source
    number = as_int("manual_seed", "seed", seed, minimum=0)
    if number >= 2**64:
        raise ValueError(f"[manual_seed] expected seed < 2**64, got {number}")
    _source = _Source(number)


def generator() -> np.random.Generator:
    """The `numpy.random.Generator` that draws initial weights.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.manual_seed(0)
    >>> fastnn.random.generator().integers(10, size=4)
    array([8, 6, 5, 2])
    """
    return _current().generator


def next_key() -> tuple[int, int] | Array:
    """A key (seed, call) for `functional.dropout`, another one at each call.

    In a step that `cuda.graph` captures, an array of 16 bytes that holds the next key in each replay.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.manual_seed(7)
    >>> fastnn.random.next_key(), fastnn.random.next_key()
    ((7, 0), (7, 1))
    """
    capture = current_capture()
    return _draw() if capture is None else capture.bytes_of(_draw_array, 16)


def _draw() -> tuple[int, int]:
    source = _current()
    call = next(source.calls)
    source.upcoming = call + 1
    return source.seed, call


def _draw_array() -> np.ndarray:
    import numpy

    return numpy.array(_draw(), numpy.uint64)


def get_state() -> dict[str, Any]:
    """All that `set_state` needs to go on from here: a dict of ints and strings, fit for JSON.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.manual_seed(7)
    >>> state = fastnn.random.get_state()
    >>> first = fastnn.random.next_key()
    >>> fastnn.random.set_state(state)
    >>> fastnn.random.next_key() == first
    True
    """
    source = _current()
    return {
        "seed": source.seed,
        "call": source.upcoming,
        "generator": dict(source.generator.bit_generator.state),
    }


def set_state(state: dict[str, Any]) -> None:
    """Go on from a state that `get_state` returned; nothing changes where it is not one.

    Raises
    ------
    TypeError, ValueError
        For anything else than such a dict.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.manual_seed(7)
    >>> fastnn.random.set_state({**fastnn.random.get_state(), "call": 40})
    >>> fastnn.random.next_key()
    (7, 40)
    """
    global _source
    if not isinstance(state, dict) or state.keys() != {"seed", "call", "generator"}:
        raise ValueError("[set_state] expected a dict of seed, call and generator, as get_state gives")
    source = _Source(as_int("set_state", "seed", state["seed"], minimum=0))
    source.restart(as_int("set_state", "call", state["call"], minimum=0))
    try:
        source.generator.bit_generator.state = state["generator"]
    except KeyError as error:
        raise ValueError(f"[set_state] expected a state of PCG64 as generator, {error} is missing") from error
    _source = source
