"""Pooling, and the geometry of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import nn
from fastnn.io.onnx_export.graph import Graph, Value, exports


def per_axis(value: Any, axes: int) -> list[int]:
    """An int for each axis."""
    return [int(v) for v in value] if isinstance(value, (tuple, list)) else [int(value)] * axes


def pads_of(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """ONNX's pads: those in front of each axis, then those behind; "same" puts the odd cell behind."""
    if padding == "valid":
        return [0] * (2 * len(kernel))
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [t // 2 for t in totals] + [t - t // 2 for t in totals]
    sides = padding if isinstance(padding, (tuple, list)) else [padding] * len(kernel)
    pairs = [side if isinstance(side, (tuple, list)) else (side, side) for side in sides]
    return [int(front) for front, _ in pairs] + [int(back) for _, back in pairs]


@exports(nn.MaxPool1d, nn.MaxPool2d)
def max_pool(graph: Graph, layer: nn.MaxPool1d | nn.MaxPool2d, x: Value) -> str:
    """The maximum of each window."""
    axes = x.example.ndim - 2
    kernel, dilation = per_axis(layer.kernel_size, axes), per_axis(layer.dilation, axes)
    return graph.node(
        "MaxPool",
        x.name,
        kernel_shape=kernel,
        strides=per_axis(layer.stride, axes),
        pads=pads_of(layer.padding, kernel, dilation),
        dilations=dilation,
        ceil_mode=int(layer.ceil_mode),
    )


@exports(nn.AvgPool1d, nn.AvgPool2d)
def avg_pool(graph: Graph, layer: nn.AvgPool1d | nn.AvgPool2d, x: Value) -> str:
    """The mean of each window, or its sum over a divisor of one's own."""
    axes = x.example.ndim - 2
    kernel, divisor = per_axis(layer.kernel_size, axes), getattr(layer, "divisor_override", None)
    if divisor is not None and layer.ceil_mode:
        graph.refuse(layer, "it has no divisor_override together with ceil_mode")
    y = graph.node(
        "AveragePool",
        x.name,
        kernel_shape=kernel,
        strides=per_axis(layer.stride, axes),
        pads=pads_of(layer.padding, kernel, [1] * axes),
        ceil_mode=int(layer.ceil_mode),
        count_include_pad=int(layer.count_include_pad or divisor is not None),
    )
    if divisor is None:
        return y
    return graph.node("Mul", y, graph.constant(np.prod(kernel) / divisor, "factor"))


@exports(nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
def adaptive_pool(graph: Graph, layer: nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d, x: Value) -> str:
    """Windows of one size, where the output divides the plane."""
    plane, output = x.example.shape[2:], layer(x.example).shape[2:]
    if any(side % o for side, o in zip(plane, output, strict=True)):
        graph.refuse(layer, f"a plane of {plane} has no equal windows for an output of {output}")
    kernel = [side // o for side, o in zip(plane, output, strict=True)]
    op = "AveragePool" if isinstance(layer, nn.AdaptiveAvgPool2d) else "MaxPool"
    return graph.node(op, x.name, kernel_shape=kernel, strides=kernel)
