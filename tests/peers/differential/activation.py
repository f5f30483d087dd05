"""Activations and softmax with random options, as functions and as layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

import fastnn.functional as F
from fastnn import nn
from tests.peers.differential.case import Case, Results

BY_OUTPUT = {"relu", "sigmoid", "tanh", "softmax", "log_softmax"}
Options = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """An activation: its layer, its options and what torch calls both."""

    function: str
    layer: str
    options: Callable[[Generator, int], Options] = lambda rng, ndim: {}


def number(rng: Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def bounds(rng: Generator, ndim: int) -> Options:
    low = number(rng, -3, 1)
    return {"min_val": low, "max_val": low + number(rng, 0.1, 4)}


def soft(rng: Generator, ndim: int) -> Options:
    """Thresholds from 10 on, where the jump is below the tolerance of float32 and values seldom come near."""
    beta = number(rng, 0.2, 3) * float(rng.choice([-1, 1]))
    return {"beta": beta, "threshold": float(rng.choice([10.0, 20.0, 50.0]))}


def axis(rng: Generator, ndim: int) -> Options:
    return {"axis": int(rng.integers(-ndim, ndim))}


KINDS = (
    Kind("relu", "ReLU"),
    Kind("relu6", "ReLU6"),
    Kind("leaky_relu", "LeakyReLU", lambda rng, _: {"negative_slope": number(rng, -1, 2)}),
    Kind("hardtanh", "Hardtanh", bounds),
    Kind("hardsigmoid", "Hardsigmoid"),
    Kind("sigmoid", "Sigmoid"),
    Kind("tanh", "Tanh"),
    Kind("silu", "SiLU"),
    Kind("gelu", "GELU", lambda rng, _: {"approximate": str(rng.choice(["none", "tanh"]))}),
    Kind("elu", "ELU", lambda rng, _: {"alpha": number(rng, -2, 2)}),
    Kind("softplus", "Softplus", soft),
    Kind("logsigmoid", "LogSigmoid"),
    Kind("softmax", "Softmax", axis),
    Kind("log_softmax", "LogSoftmax", axis),
)


def hardsigmoid(x: torch.Tensor) -> torch.Tensor:
    """In full precision: for float64, too, torch's own takes 1/6 of float32 in its gradient."""
    return torch.nn.functional.relu6(x + 3) / 6


def for_torch(options: Options) -> Options:
    return {"dim" if key == "axis" else key: value for key, value in options.items()}


def torch_results(forward: Callable[[torch.Tensor], torch.Tensor], x: np.ndarray, g: np.ndarray) -> Results:
    leaf = torch.tensor(x, requires_grad=True)
    y = forward(leaf)
    y.backward(torch.tensor(g))
    return {"y": y, "grad_x": leaf.grad}


def drawn(rng: Generator, dtype: str) -> tuple[Kind, Options, np.ndarray, np.ndarray]:
    kind = KINDS[rng.integers(len(KINDS))]
    shape = tuple(int(n) for n in rng.integers(1, 12, rng.integers(1, 5)))
    options = kind.options(rng, len(shape))
    scale = float(rng.choice([0.01, 1.0, 4.0, 30.0]))
    x, g = (s * rng.standard_normal(shape).astype(dtype) for s in (scale, 1))
    if rng.random() < 0.3:  # the kinks of all, and both zeros
        x.reshape(-1)[rng.integers(x.size)] = rng.choice([0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0])
    return kind, options, x.astype(dtype), g.astype(dtype)


def draw_function(rng: Generator, dtype: str) -> Case:
    kind, options, x, g = drawn(rng, dtype)

    def ours() -> Results:
        y = getattr(F, kind.function)(x, **options)
        kept = y if kind.function in BY_OUTPUT else x
        return {"y": y, "grad_x": getattr(F, kind.function + "_backward")(g, kept, **options)}

    def theirs() -> Results:
        if kind.function == "hardsigmoid":
            return torch_results(hardsigmoid, x, g)
        function = getattr(torch.nn.functional, kind.function)
        return torch_results(lambda leaf: function(leaf, **for_torch(options)), x, g)

    return Case(f"{kind.function} of {x.shape} {options}", dtype, ours, theirs)


def draw_layer(rng: Generator, dtype: str) -> Case:
    kind, options, x, g = drawn(rng, dtype)

    def ours() -> Results:
        layer = getattr(nn, kind.layer)(**options)
        y = layer(x)
        return {"y": y, "grad_x": layer.backward(g), "evaluated": layer.eval()(x)}

    def theirs() -> Results:
        layer = getattr(torch.nn, kind.layer)(**for_torch(options))
        results = torch_results(hardsigmoid if kind.function == "hardsigmoid" else layer, x, g)
        return {**results, "evaluated": layer.eval()(torch.tensor(x))}

    return Case(f"{kind.layer} of {x.shape} {options}", dtype, ours, theirs)


DRAWS = (draw_function, draw_layer)
