"""Gradients of one dtype in one flat array, and behind them what the ranks have to agree on.

    [ gradient of parameter 0 | gradient of parameter 1 | ... | samples | has 0? | has 1? | ... ]

The sum over the ranks of the tail tells by how much to divide, and which parameters have a gradient anywhere.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backend import copy_to, device_of, is_gpu_array, to_device, to_host

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.distributed.group import Group
    from fastnn.nn.parameter import Parameter


class Bucket:
    """The gradients of `parameters`, which are of one dtype and on one device; all ranks make it together."""

    def __init__(self, parameters: list[Parameter], group: Group) -> None:
        self._parameters = parameters
        like = parameters[0]._data
        sizes = [parameter._data.size for parameter in parameters]
        total = sum(sizes)
        self._group, self._rows = group, None
        length = total + 1 + len(parameters)
        if group._shared is not None and not is_gpu_array(like):
            self._rows = group._shared.rows(length, like.dtype)
        self.flat: Array
        if self._rows is not None:
            self.flat = self._rows[group.rank]
            _shared.add(self)
        else:
            self.flat = to_device(np.zeros(length, like.dtype), device_of(like))
        self._gradients, self._samples = self.flat[:total], self.flat[total : total + 1]
        self._present = self.flat[total + 1 :]
        ends = np.cumsum(sizes).tolist()
        self._views = [
            self.flat[end - p._data.size : end].reshape(p._data.shape)
            for p, end in zip(parameters, ends, strict=True)
        ]

    def fits(self) -> bool:
        """Whether the parameters still lie where they did."""
        return all(type(p._data) is type(self.flat) for p in self._parameters)

    def pack(self, samples: float) -> None:
        """Gradients that the backward has not written here already are copied; missing ones are zeros."""
        present = np.empty(len(self._parameters) + 1, self.flat.dtype)
        present[0] = samples
        for i, (parameter, view) in enumerate(zip(self._parameters, self._views, strict=True), 1):
            grad = parameter._grad
            present[i] = grad is not None
            if grad is None:
                view.fill(0.0)
            elif grad is not view:
                copy_to(view, grad)
        copy_to(self.flat[self._gradients.size :], present)

    def all_reduce(self) -> None:
        """The sum over the ranks, in memory that they share where there is some."""
        if self._rows is None or self._group._shared is None:
            self._group.all_reduce(self.flat)
        else:
            self._group._shared.sum(self._rows)

    def unpack(self, divide: bool) -> None:
        """Gradients become those of all ranks, in the bucket's memory; the next backward writes there."""
        if divide:
            least = np.finfo(self.flat.dtype).tiny  # sums over no samples at all are zeros, and stay so
            np.divide(self._gradients, np.maximum(self._samples, least), out=self._gradients)
        present: Any = None
        for i, (parameter, view) in enumerate(zip(self._parameters, self._views, strict=True)):
            if parameter._grad is None:  # here; read only then, since reading waits for a GPU
                present = to_host(self._present) if present is None else present
                if present[i] == 0.0:
                    continue
            parameter._grad = parameter._memory = view

    def leave_shared_memory(self) -> None:
        """In a child of fork(): what it computes must not reach the gradients of its parent."""
        for parameter, view in zip(self._parameters, self._views, strict=True):
            if parameter._memory is view:
                parameter._memory = None
            if parameter._grad is view:
                parameter._grad = view.copy()


_shared: weakref.WeakSet[Bucket] = weakref.WeakSet()


def _leave_shared_memory() -> None:
    for bucket in _shared:
        bucket.leave_shared_memory()


os.register_at_fork(after_in_child=_leave_shared_memory)


def make_buckets(parameters: list[Parameter], bucket_bytes: int, group: Group) -> list[Bucket]:
    """Parameters in their order, cut where the dtype changes or `bucket_bytes` are full."""
    buckets: list[list[Parameter]] = []
    filled = 0
    for parameter in parameters:
        size = parameter._data.nbytes
        same = bool(buckets) and buckets[-1][0].dtype == parameter.dtype
        if not same or filled + size > bucket_bytes:
            buckets.append([])
            filled = 0
        buckets[-1].append(parameter)
        filled += size
    return [Bucket(several, group) for several in buckets]
