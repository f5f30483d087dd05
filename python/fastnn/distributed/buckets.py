"""Gradients of one dtype in one flat array, and behind them what the ranks have to agree on.

    [ gradient of parameter 0 | gradient of parameter 1 | ... | samples | has 0? | has 1? | ... ]

The sum over the ranks of the tail tells by how much to divide, and which parameters have a gradient anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backend import copy_to, device_of, to_device, to_host

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.nn.parameter import Parameter


class Bucket:
    """The gradients of `parameters`, which are of one dtype and on one device."""

    def __init__(self, parameters: list[Parameter]) -> None:
        self._parameters = parameters
        like = parameters[0]._data
        sizes = [parameter._data.size for parameter in parameters]
        total = sum(sizes)
        self.flat: Array = to_device(np.zeros(total + 1 + len(parameters), like.dtype), device_of(like))
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


def make_buckets(parameters: list[Parameter], bucket_bytes: int) -> list[Bucket]:
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
    return [Bucket(several) for several in buckets]
