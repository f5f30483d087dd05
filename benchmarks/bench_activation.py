"""Activations: 8 bytes an element forward, 12 backward, and for most an exponential."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Builder, Call, Case

SHAPES = [(128, 512), (4096, 1000)]


def logistic(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def cdf(x: Array) -> Array:
    return np.asarray(np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2)) / 2)


def cubic(x: Array) -> Array:
    return np.asarray(math.sqrt(8 / math.pi) * (x + 0.044715 * x**3))


def silu_slope(x: Array) -> Array:
    s = logistic(x)
    return np.asarray(s * (1 + x * (1 - s)))


def gelu_slope(x: Array) -> Array:
    return np.asarray(cdf(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def gelu_tanh_slope(x: Array) -> Array:
    s = logistic(cubic(x))
    return np.asarray(s * (1 + x * (1 - s) * math.sqrt(8 / math.pi) * (1 + 0.134145 * x * x)))


@dataclass(frozen=True)
class Activation:
    """Its functions in the three libraries; `slope` is the derivative by what the backward takes, x or y."""

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    forward: str  # in torch.nn.functional
    backward: str  # in torch.ops.aten
    scalars: tuple[Any, ...] = ()  # between grad_output and what is kept, where aten has them there
    options: tuple[Any, ...] = ()  # and after it
    by_output: bool = False
    form: str = ""  # of gelu


ACTIVATIONS = [
    Activation(
        "relu", lambda x: np.maximum(x, 0), lambda y: y > 0, "relu", "threshold_backward", (), (0,), True
    ),
    Activation(
        "leaky_relu",
        lambda x: np.where(x > 0, x, 0.01 * x),
        lambda x: np.where(x > 0, 1, 0.01),
        "leaky_relu",
        "leaky_relu_backward",
        options=(0.01, False),
    ),
    Activation(
        "hardtanh",
        lambda x: np.clip(x, -1, 1),
        lambda x: np.abs(x) < 1,
        "hardtanh",
        "hardtanh_backward",
        options=(-1, 1),
    ),
    Activation(
        "hardsigmoid",
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
        lambda x: (np.abs(x) < 3) / 6,
        "hardsigmoid",
        "hardsigmoid_backward",
    ),
    Activation("sigmoid", logistic, lambda y: y * (1 - y), "sigmoid", "sigmoid_backward", by_output=True),
    Activation("tanh", np.tanh, lambda y: 1 - y * y, "tanh", "tanh_backward", by_output=True),
    Activation("silu", lambda x: x * logistic(x), silu_slope, "silu", "silu_backward"),
    Activation("gelu", lambda x: x * cdf(x), gelu_slope, "gelu", "gelu_backward", form="none"),
    Activation(
        "gelu_tanh", lambda x: x * logistic(cubic(x)), gelu_tanh_slope, "gelu", "gelu_backward", form="tanh"
    ),
    Activation(
        "elu",
        lambda x: np.where(x > 0, x, np.expm1(x)),
        lambda x: np.where(x > 0, 1, np.exp(x)),
        "elu",
        "elu_backward",
        scalars=(1, 1, 1, False),
    ),
    Activation(
        "softplus", lambda x: np.logaddexp(0, x), logistic, "softplus", "softplus_backward", options=(1, 20)
    ),
    Activation(
        "logsigmoid",
        lambda x: -np.logaddexp(0, -x),
        lambda x: logistic(-x),
        "logsigmoid",
        "log_sigmoid_backward",
    ),
]


def fastnn_builder(a: Activation, suffix: str) -> Builder:
    def build(*arrays: Array) -> Call:
        import fastnn.functional as F

        call = getattr(F, (a.forward if a.form else a.name) + suffix)
        return (lambda: call(*arrays, a.form)) if a.form else (lambda: call(*arrays))

    return build


def torch_forward(a: Activation) -> Builder:
    def build(x: Any) -> Call:
        import torch

        call = getattr(torch.nn.functional, a.forward)
        return (lambda: call(x, approximate=a.form)) if a.form else (lambda: call(x))

    return build


def torch_backward(a: Activation) -> Builder:
    """By the function that autograd would call."""

    def build(grad_output: Any, kept: Any) -> Call:
        import torch

        call = getattr(torch.ops.aten, a.backward).default
        if a.form:
            return lambda: call(grad_output, kept, approximate=a.form)
        if a.name == "logsigmoid":
            exponentials = torch.ops.aten.log_sigmoid_forward.default(kept)[1]
            return lambda: call(grad_output, kept, exponentials)
        return lambda: call(grad_output, *a.scalars, kept, *a.options)

    return build


def forward(a: Activation, shape: tuple[int, int]) -> Case:
    return Case(
        name="{} forward {}x{}".format(a.name, *shape),
        op="activation",
        inputs=lambda rng: [rng.standard_normal(shape)],
        builders={
            "fastnn": fastnn_builder(a, ""),
            "torch": torch_forward(a),
            "numpy": lambda x: lambda: a.value(x),
        },
        least_bytes=8 * prod(shape),
        compare_numpy=a.name in ("relu", "tanh"),
    )


def backward(a: Activation, shape: tuple[int, int]) -> Case:
    def inputs(rng: np.random.Generator) -> list[Array]:
        grad_output, x = rng.standard_normal(shape), rng.standard_normal(shape)
        return [grad_output, a.value(x) if a.by_output else x]

    return Case(
        name="{} backward {}x{}".format(a.name, *shape),
        op="activation",
        inputs=inputs,
        builders={
            "fastnn": fastnn_builder(a, "_backward"),
            "torch": torch_backward(a),
            "numpy": lambda grad_output, kept: lambda: grad_output * a.slope(kept),
        },
        least_bytes=12 * prod(shape),
    )


CASES = [
    direction(a, shape)
    for a in ACTIVATIONS
    for direction in (forward, backward)
    for shape in ([(32, 128), *SHAPES] if a.name == "relu" else SHAPES)
]
