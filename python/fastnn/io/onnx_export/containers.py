"""Containers, and layers that only move values or do nothing in use."""

from __future__ import annotations

from fastnn import nn
from fastnn.io.onnx_export.graph import Graph, Value, exports


@exports(nn.Sequential)
def sequential(graph: Graph, layer: nn.Sequential, x: Value) -> Value:
    """One after the other."""
    for name, part in layer.named_children():
        x = graph.add(part, x, name)
    return x


@exports(nn.Residual)
def residual(graph: Graph, layer: nn.Residual, x: Value) -> Value:
    """The sum of both ways."""
    y = graph.add(layer.body, x, "body")
    around = x if layer.shortcut is None else graph.add(layer.shortcut, x, "shortcut")
    return Value(graph.node("Add", y.name, around.name), y.example)


@exports(nn.Dropout, nn.Dropout2d)
def dropout(graph: Graph, layer: nn.Dropout, x: Value) -> str:
    """Nothing, in evaluation."""
    return x.name


@exports(nn.Flatten)
def flatten(graph: Graph, layer: nn.Flatten, x: Value) -> str:
    """A reshape that leaves the batch as it is."""
    before, after = x.example.shape, layer(x.example).shape
    if len(after) != len(before) and layer.start_axis % len(before) == 0:
        graph.refuse(layer, "it flattens the batch, whose size is not fixed")
    shape = graph.constant([0, *after[1:]], "shape")
    return graph.node("Reshape", x.name, shape)
