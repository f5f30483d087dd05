"""Dense layers, convolutions and normalisations."""

from __future__ import annotations

import numpy as np

from fastnn import nn
from fastnn.io.onnx_export.graph import Graph, Value, exports
from fastnn.io.onnx_export.windows import pads_of

_PAD_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@exports(nn.Linear)
def linear(graph: Graph, layer: nn.Linear, x: Value) -> str:
    """A product on the last axis."""
    bias = [] if layer.bias is None else [graph.constant(layer.bias.data, "bias")]
    if x.example.ndim == 2:
        return graph.node("Gemm", x.name, graph.constant(layer.weight.data, "weight"), *bias, transB=1)
    y = graph.node("MatMul", x.name, graph.constant(layer.weight.data.T, "weight"))
    return graph.node("Add", y, *bias) if bias else y


@exports(nn.Conv1d, nn.Conv2d)
def convolution(graph: Graph, layer: nn.Conv1d | nn.Conv2d, x: Value) -> str:
    """A convolution, behind a padding of its own where that is not by zeros."""
    pads, name = pads_of(layer.padding, layer.kernel_size, layer.dilation), x.name
    if layer.padding_mode != "zeros" and any(pads):
        if layer.padding_mode not in _PAD_MODES:
            graph.refuse(layer, f"it has no padding by {layer.padding_mode!r}")
        half = len(pads) // 2
        amounts = graph.constant([0, 0, *pads[:half], 0, 0, *pads[half:]], "pads")
        name, pads = graph.node("Pad", name, amounts, mode=_PAD_MODES[layer.padding_mode]), [0] * len(pads)
    constants = [graph.constant(layer.weight.data, "weight")]
    if layer.bias is not None:
        constants.append(graph.constant(layer.bias.data, "bias"))
    geometry = {"strides": layer.stride, "dilations": layer.dilation, "kernel_shape": layer.kernel_size}
    return graph.node("Conv", name, *constants, pads=pads, group=layer.groups, **geometry)


@exports(nn.BatchNorm1d, nn.BatchNorm2d)
def batch_norm(graph: Graph, layer: nn.BatchNorm1d | nn.BatchNorm2d, x: Value) -> str:
    """By the running statistics."""
    if layer.running_mean is None or layer.running_var is None:
        graph.refuse(layer, "it uses the statistics of each batch")
    one, zero = np.ones(layer.num_features), np.zeros(layer.num_features)
    constants = {
        "scale": one if layer.weight is None else layer.weight.data,
        "bias": zero if layer.bias is None else layer.bias.data,
        "mean": layer.running_mean,
        "var": layer.running_var,
    }
    names = [graph.constant(array, kind) for kind, array in constants.items()]
    return graph.node("BatchNormalization", x.name, *names, epsilon=layer.eps)


@exports(nn.LayerNorm)
def layer_norm(graph: Graph, layer: nn.LayerNorm, x: Value) -> str:
    """Over the last axes."""
    scale = np.ones(layer.normalized_shape) if layer.weight is None else layer.weight.data
    names = [graph.constant(scale, "scale")]
    if layer.bias is not None:
        names.append(graph.constant(layer.bias.data, "bias"))
    axis = -len(layer.normalized_shape)
    return graph.node("LayerNormalization", x.name, *names, axis=axis, epsilon=layer.eps)
