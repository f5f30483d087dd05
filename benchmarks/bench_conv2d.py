"""Convolutions: y = weight * x + b and its gradients; 2 N O H' W' (C / groups) kH kW FLOP for each of them.

PyTorch's backward is aten.convolution_backward without the tape. The rows "channels_last" give PyTorch its
tensors in the layout that its kernels for it are written for; the conversion is not timed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from benchmarks.case import Array, Call, Case

TARGET, SMALL_TARGET = 0.9, 0.5


@dataclass(frozen=True)
class Layer:
    """A layer on a batch of square planes."""

    label: str
    batch: int
    channels: int
    plane: int
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    target: float = TARGET
    first: bool = False  # needs no grad_x
    large: bool = False
    algorithm: Literal["direct", "winograd"] = "direct"  # of fastnn

    @property
    def op(self) -> str:
        return "conv2d" if self.algorithm == "direct" else self.algorithm

    @property
    def output(self) -> int:
        return (self.plane + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def flops(self) -> float:
        taps = self.channels // self.groups * self.kernel**2
        return 2.0 * self.batch * self.filters * self.output**2 * taps

    @property
    def needs(self) -> tuple[bool, bool, bool]:
        return not self.first, True, True

    def inputs(self, rng: np.random.Generator) -> Sequence[Array]:
        weight = (self.filters, self.channels // self.groups, self.kernel, self.kernel)
        scale = np.sqrt(2.0 / np.prod(weight[1:]))
        x = rng.standard_normal((self.batch, self.channels, self.plane, self.plane), np.float32)
        return [x, scale * rng.standard_normal(weight, np.float32), rng.standard_normal(self.filters)]

    def backward_inputs(self, rng: np.random.Generator) -> Sequence[Array]:
        shape = (self.batch, self.filters, self.output, self.output)
        return [rng.standard_normal(shape, np.float32), *self.inputs(rng)[:2]]


def fastnn_forward(layer: Layer, x: Array, weight: Array, bias: Array) -> Call:
    import fastnn.functional as F

    options = (layer.stride, layer.padding, 1, layer.groups)
    return lambda: F.conv2d(x, weight, bias, *options, algorithm=layer.algorithm)


def fastnn_backward(layer: Layer, grad_output: Array, x: Array, weight: Array) -> Call:
    import fastnn.functional as F

    options = (layer.stride, layer.padding, 1, layer.groups)
    return lambda: F.conv2d_backward(
        grad_output, x, weight, *options, needs=layer.needs, algorithm=layer.algorithm
    )


def torch_forward(layer: Layer, x: Any, weight: Any, bias: Any) -> Call:
    from torch.nn.functional import conv2d

    return lambda: conv2d(x, weight, bias, layer.stride, layer.padding, 1, layer.groups)


def torch_backward(layer: Layer, grad_output: Any, x: Any, weight: Any) -> Call:
    import torch

    backward = torch.ops.aten.convolution_backward.default
    pair = ([layer.stride] * 2, [layer.padding] * 2, [1, 1], False, [0, 0], layer.groups, list(layer.needs))
    return lambda: backward(grad_output, x, weight, [layer.filters], *pair)


def channels_last(builder: Any, layer: Layer, *tensors: Any) -> Call:
    import torch

    moved = [t.contiguous(memory_format=torch.channels_last) if t.ndim == 4 else t for t in tensors]
    call: Call = builder(layer, *moved)
    return call


def padded(layer: Layer, x: Array) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *[(layer.padding,) * 2] * 2))


def taps(layer: Layer) -> list[tuple[int, int, tuple[slice, slice]]]:
    """Each tap with the cells that it sees, one an output."""
    reach = (layer.output - 1) * layer.stride + 1
    span = range(layer.kernel)
    return [
        (a, b, (slice(a, a + reach, layer.stride), slice(b, b + reach, layer.stride)))
        for a in span
        for b in span
    ]


def shares(layer: Layer, a: Array, axis: int) -> Array:
    """The axis as (groups, share)."""
    return a.reshape(*a.shape[:axis], layer.groups, -1, *a.shape[axis + 1 :])


def numpy_forward(layer: Layer, x: Array, weight: Array, bias: Array) -> Call:
    def call() -> Array:
        planes, filters = shares(layer, padded(layer, x), 1), shares(layer, weight, 0)
        shape = (layer.batch, layer.groups, layer.filters // layer.groups, layer.output, layer.output)
        y = np.zeros(shape)
        for a, b, cells in taps(layer):
            y += np.einsum("ngcij,goc->ngoij", planes[(..., *cells)], filters[..., a, b], optimize=True)
        return y.reshape(layer.batch, layer.filters, *shape[3:]) + bias[:, None, None]

    return call


def numpy_backward(layer: Layer, grad_output: Array, x: Array, weight: Array) -> Call:
    def call() -> list[Array | None]:
        planes, filters = shares(layer, padded(layer, x), 1), shares(layer, weight, 0)
        g, p, size = shares(layer, grad_output, 1), layer.padding, layer.plane
        grad_planes, grad_filters = np.zeros(planes.shape), np.zeros(filters.shape)
        for a, b, cells in taps(layer):
            seen = planes[(..., *cells)]
            if not layer.first:
                grad_planes[(..., *cells)] += np.einsum(
                    "ngoij,goc->ngcij", g, filters[..., a, b], optimize=True
                )
            grad_filters[..., a, b] = np.einsum("ngoij,ngcij->goc", g, seen, optimize=True)
        grad_x = grad_planes[..., p : p + size, p : p + size].reshape(x.shape)
        grads = [grad_x, grad_filters.reshape(weight.shape), grad_output.sum(axis=(0, 2, 3))]
        return grads[layer.first :]

    return call


def forward(layer: Layer, last: bool = False) -> Case:
    theirs = partial(channels_last, torch_forward) if last else torch_forward
    return Case(
        name=f"conv2d forward {layer.label}" + " channels_last" * last,
        op=layer.op,
        inputs=layer.inputs,
        builders={
            "fastnn": partial(fastnn_forward, layer),
            "torch": partial(theirs, layer),
            "numpy": partial(numpy_forward, layer),
        },
        flops=layer.flops,
        target=layer.target,
        large=layer.large,
    )


def backward(layer: Layer, last: bool = False) -> Case:
    theirs = partial(channels_last, torch_backward) if last else torch_backward
    return Case(
        name=f"conv2d backward {layer.label}" + " channels_last" * last,
        op=layer.op,
        inputs=layer.backward_inputs,
        builders={
            "fastnn": partial(fastnn_backward, layer),
            "torch": partial(theirs, layer),
            "numpy": partial(numpy_backward, layer),
        },
        flops=(1 if layer.first else 2) * layer.flops,
        target=layer.target,
        large=layer.large,
    )


LAYERS = (
    Layer("3x3 8x32x56x56", 8, 32, 56, 32, 3, 1, 1),
    Layer("3x3 8x64x56x56", 8, 64, 56, 64, 3, 1, 1),
    Layer("3x3 8x128x28x28", 8, 128, 28, 128, 3, 1, 1),
    Layer("3x3 8x256x14x14", 8, 256, 14, 256, 3, 1, 1),
    Layer("3x3 8x256x7x7", 8, 256, 7, 256, 3, 1, 1),
    Layer("3x3 stride 2 8x64x56x56", 8, 64, 56, 128, 3, 2, 1),
    Layer("3x3 stride 2 8x128x28x28", 8, 128, 28, 256, 3, 2, 1),
    Layer("3x3 1x64x56x56", 1, 64, 56, 64, 3, 1, 1),
    Layer("3x3 1x256x7x7", 1, 256, 7, 256, 3, 1, 1),
    Layer("first 3x3 16x1x28x28", 16, 1, 28, 32, 3, 1, 1, target=SMALL_TARGET, first=True),
    Layer("first 7x7 stride 2 2x3x224x224", 2, 3, 224, 64, 7, 2, 3, target=SMALL_TARGET, first=True),
    Layer("1x1 8x64x56x56", 8, 64, 56, 64, 1, target=SMALL_TARGET),
    Layer("1x1 8x256x14x14", 8, 256, 14, 256, 1, target=SMALL_TARGET),
    Layer("1x1 stride 2 8x64x56x56", 8, 64, 56, 128, 1, 2, target=SMALL_TARGET),
    Layer("LeNet 5x5 16x1x28x28", 16, 1, 28, 6, 5, 1, 2, target=SMALL_TARGET, first=True),
    Layer("LeNet 5x5 16x6x14x14", 16, 6, 14, 16, 5, target=SMALL_TARGET),
    Layer("depthwise 3x3 2x64x56x56", 2, 64, 56, 64, 3, 1, 1, 64),
    Layer("depthwise 3x3 stride 2 2x64x56x56", 2, 64, 56, 64, 3, 2, 1, 64),
    Layer("depthwise 3x3 2x256x14x14", 2, 256, 14, 256, 3, 1, 1, 256),
)
LARGE_LAYERS = (
    Layer("3x3 8x256x56x56", 8, 256, 56, 256, 3, 1, 1, large=True),
    Layer(
        "first 7x7 stride 2 64x3x224x224", 64, 3, 224, 64, 7, 2, 3, 1, SMALL_TARGET, first=True, large=True
    ),
)
CASES = [
    case
    for direction in (forward, backward)
    for layer in LAYERS
    for case in (direction(layer), direction(layer, last=True))
] + [direction(layer) for direction in (forward, backward) for layer in LARGE_LAYERS]
