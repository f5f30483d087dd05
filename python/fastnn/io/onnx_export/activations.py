"""Functions of single elements, and softmax."""

from __future__ import annotations

from fastnn import nn
from fastnn.io.onnx_export.graph import Graph, Value, exports


@exports(nn.ReLU)
def relu(graph: Graph, layer: nn.ReLU, x: Value) -> str:
    """max(0, x)."""
    return graph.node("Relu", x.name)


@exports(nn.ReLU6)
def relu6(graph: Graph, layer: nn.ReLU6, x: Value) -> str:
    """Clipped to [0, 6]."""
    return graph.node("Clip", x.name, graph.constant(0.0, "min"), graph.constant(6.0, "max"))


@exports(nn.Hardtanh)
def hardtanh(graph: Graph, layer: nn.Hardtanh, x: Value) -> str:
    """Clipped to [min_val, max_val]."""
    low, high = graph.constant(layer.min_val, "min"), graph.constant(layer.max_val, "max")
    return graph.node("Clip", x.name, low, high)


@exports(nn.LeakyReLU)
def leaky_relu(graph: Graph, layer: nn.LeakyReLU, x: Value) -> str:
    """With a slope below 0."""
    return graph.node("LeakyRelu", x.name, alpha=layer.negative_slope)


@exports(nn.ELU)
def elu(graph: Graph, layer: nn.ELU, x: Value) -> str:
    """Alpha (exp(x) - 1) below 0."""
    return graph.node("Elu", x.name, alpha=layer.alpha)


@exports(nn.Hardsigmoid)
def hardsigmoid(graph: Graph, layer: nn.Hardsigmoid, x: Value) -> str:
    """Alpha x + beta, clipped to [0, 1]."""
    return graph.node("HardSigmoid", x.name, alpha=layer.alpha, beta=layer.beta)


@exports(nn.Sigmoid)
def sigmoid(graph: Graph, layer: nn.Sigmoid, x: Value) -> str:
    """1 / (1 + exp(-x))."""
    return graph.node("Sigmoid", x.name)


@exports(nn.Tanh)
def tanh(graph: Graph, layer: nn.Tanh, x: Value) -> str:
    """The hyperbolic tangent."""
    return graph.node("Tanh", x.name)


@exports(nn.SiLU)
def silu(graph: Graph, layer: nn.SiLU, x: Value) -> str:
    """X sigmoid(x)."""
    return graph.node("Mul", x.name, graph.node("Sigmoid", x.name))


@exports(nn.GELU)
def gelu(graph: Graph, layer: nn.GELU, x: Value) -> str:
    """X times the normal distribution function of x."""
    return graph.node("Gelu", x.name, approximate=layer.approximate)


@exports(nn.LogSigmoid)
def log_sigmoid(graph: Graph, layer: nn.LogSigmoid, x: Value) -> str:
    """-softplus(-x)."""
    return graph.node("Neg", graph.node("Softplus", graph.node("Neg", x.name)))


@exports(nn.Softplus)
def softplus(graph: Graph, layer: nn.Softplus, x: Value) -> str:
    """log(1 + exp(beta x)) / beta, and x where beta x is above the threshold."""
    beta = graph.constant(layer.beta, "beta")
    scaled = graph.node("Mul", x.name, beta)
    smooth = graph.node("Div", graph.node("Softplus", scaled), beta)
    above = graph.node("Greater", scaled, graph.constant(layer.threshold, "threshold"))
    return graph.node("Where", above, x.name, smooth)


@exports(nn.Softmax)
def softmax(graph: Graph, layer: nn.Softmax, x: Value) -> str:
    """Along one axis."""
    return graph.node("Softmax", x.name, axis=layer.axis)


@exports(nn.LogSoftmax)
def log_softmax(graph: Graph, layer: nn.LogSoftmax, x: Value) -> str:
    """Along one axis."""
    return graph.node("LogSoftmax", x.name, axis=layer.axis)
