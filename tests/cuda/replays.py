"""Replays of a graph on a GPU; on the host, where a kernel runs when it is called, calls in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import nn, optim
from fastnn._capture import Capture, capturing
from fastnn.backend import copy_to, is_array, is_gpu_array, to_host
from tests.opinfo import Backend

Step = Callable[[], Any]


class HostCapture(Capture):
    """Gives the calls of a replay the memory that those of the capture were given."""

    def __init__(self) -> None:
        super().__init__()
        self.captured: list[Any] = []
        self.rest: list[Any] | None = None

    def bytes_of(self, values: Callable[[], np.ndarray], count: int) -> Any:
        if self.rest is not None:
            return self.rest.pop(0)
        self.captured.append(super().bytes_of(values, count))
        return self.captured[-1]

    def before_replay(self, refresh: Callable[[], None]) -> None:
        if self.rest is None:
            super().before_replay(refresh)

    def replay(self, step: Step) -> Any:
        self.refresh()
        self.rest = list(self.captured)
        result = self.call(step)
        assert not self.rest
        return result

    def call(self, step: Step) -> Any:
        """On a stream that refuses what one that is captured does."""
        with pytest.MonkeyPatch.context() as patch, capturing(self):
            patch.setenv("FASTNN_SIMT_CAPTURE", "1")
            return step()


def replay_of(backend: Backend, step: Step, model: nn.Module, optimizer: optim.Optimizer) -> Step:
    """`fastnn.cuda.graph` after one call of the step."""
    if backend.name == "cuda":
        return fastnn.cuda.graph(step, warmup=1)
    step()
    # A capture does not run what it records; what it does to the host stays done.
    arrays = [array for array in arrays_of(model, optimizer) if is_gpu_array(array)]
    before = [to_host(array).copy() for array in arrays]
    capture = HostCapture()
    capture.call(step)
    for array, values in zip(arrays, before, strict=True):
        copy_to(array, values)
    return lambda: capture.replay(step)


def arrays_of(model: nn.Module, optimizer: optim.Optimizer) -> list[Any]:
    """What a step changes."""
    states = [array for state in optimizer.state.values() for array in state.values() if is_array(array)]
    return [*model.state_dict().values(), *states]
