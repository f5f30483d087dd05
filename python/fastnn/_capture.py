"""What differs from replay to replay of a graph: learning rates, step counts, the keys of dropout masks.

A graph freezes the parameters of its launches. So a captured kernel reads such a value from device memory,
and the host writes it there before each replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastnn.backend import gpu_kernels


class Capture:
    """Memory of the current device for the values of one graph, and what works them out.

    The memory is there before the capture begins and stays as long as the graph does: the pool would else
    give it to what is captured before or after, and a replay would overwrite a value before it is read.
    """

    capacity = 1 << 15  # bytes; a cohort of parameters takes 112 of them, a mask 16

    def __init__(self) -> None:
        self._kernels = kernels = gpu_kernels("graph")
        self._host = np.zeros(self.capacity, np.uint8)
        self._device = kernels.empty(self._host.shape, self._host.dtype, kernels.current_device())
        self._used = 0
        self._refreshes: list[Callable[[], None]] = []

    def before_replay(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` before each replay, after those that were given before."""
        self._refreshes.append(refresh)

    def bytes_of(self, values: Callable[[], np.ndarray], count: int) -> Any:
        """`count` bytes on the device that hold what `values`, called before each replay, returns."""
        slot = slice(self._used, self._used + count)
        aligned = -(-slot.stop // 16) * 16
        if aligned > self.capacity:
            raise RuntimeError(
                f"[graph] expected a step with {self.capacity} bytes of values that differ, got more"
            )
        self._used, host = aligned, self._host[slot]

        def write() -> None:
            host[:] = values().view(np.uint8)

        self.before_replay(write)
        return self._device[slot]

    def refresh(self) -> None:
        """Work out the values of the coming replay, in the order in which a step would, and write them."""
        for refresh in self._refreshes:
            refresh()
        if self._used:
            self._kernels.copy_from_host(self._device[: self._used], self._host[: self._used])


_current: Capture | None = None


@contextmanager
def capturing(capture: Capture) -> Iterator[None]:
    """While the calls inside become a graph."""
    global _current
    outer, _current = _current, capture
    try:
        yield
    finally:
        _current = outer


def current_capture() -> Capture | None:
    """The capture that goes on, if any."""
    return _current


def at_each_call(effect: Callable[[], None]) -> None:
    """What a call does to the host: at once, or inside `capturing` before each replay."""
    if _current is None:
        effect()
    else:
        _current.before_replay(effect)


def refuse_capture(op: str, reason: str) -> None:
    """RuntimeError inside `capturing`: what the host decides would be the same in every replay."""
    if _current is not None:
        raise RuntimeError(f"[{op}] expected not to be captured in a graph: {reason}")
