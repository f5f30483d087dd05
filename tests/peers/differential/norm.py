"""Batch and layer normalisation: functions with their gradients, and layers over some steps of training."""

from typing import Any

import numpy as np
import torch
from numpy.random import Generator

import fastnn.functional as F
from fastnn import nn
from tests.peers.differential.case import Case, Draw

TF = torch.nn.functional
Array = np.ndarray[Any, Any]


def flag(rng: Generator) -> bool:
    return bool(rng.integers(2))


def pick(rng: Generator, *values: Any) -> Any:
    return values[rng.integers(len(values))]


def normal(rng: Generator, dtype: str, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(dtype)


def shape_with(rng: Generator, C: int, ndim: int) -> tuple[int, ...]:
    """At least four values a channel: the derivatives at fewer are too steep to compare in float32."""
    return (int(rng.integers(4, 12)), C, *(int(n) for n in rng.integers(1, 9, ndim - 2)))


def leaf(a: Array) -> torch.Tensor:
    return torch.tensor(a.copy(), requires_grad=True)


def draw_batch_norm(rng: Generator, dtype: str) -> Case:
    """The function: all options, running statistics, gradients."""
    C = int(rng.integers(1, 20))
    shape = shape_with(rng, C, int(rng.integers(2, 6)))
    training, relu = flag(rng), flag(rng)
    running = not training or flag(rng)
    x = normal(rng, dtype, *shape) * pick(rng, 0.5, 3.0) + pick(rng, 0.0, 5.0)
    g, weight, bias, mean = (normal(rng, dtype, *s) for s in (shape, (C,), (C,), (C,)))
    weight, bias = weight if flag(rng) else None, bias if flag(rng) else None
    var = (rng.random(C) + 0.5).astype(dtype)
    options = {
        "training": training,
        "momentum": float(pick(rng, 0.0, 0.1, 0.5, 1.0)),
        "eps": float(pick(rng, 1e-5, 1e-3, 0.1)),
    }
    label = f"batch_norm {shape} {options} running={running} relu={relu}"
    label += f" weight={weight is not None} bias={bias is not None}"

    def ours() -> dict[str, Any]:
        statistics = (mean.copy(), var.copy()) if running else (None, None)
        activation: Any = "relu" if relu else None
        y, *saved = F.batch_norm_with_stats(x, *statistics, weight, bias, **options, activation=activation)
        grads = F.batch_norm_backward(g, x, weight, *saved, training, activation=activation, bias=bias)
        results = {"y": y, "grad_x": grads[0], "mean": statistics[0], "var": statistics[1]}
        results["grad_weight"] = None if weight is None else grads[1]
        results["grad_bias"] = None if bias is None else grads[2]
        return {name: value for name, value in results.items() if value is not None}

    def theirs() -> dict[str, Any]:
        statistics = [torch.tensor(a.copy()) if running else None for a in (mean, var)]
        leaves = [None if a is None else leaf(a) for a in (x, weight, bias)]
        y = TF.batch_norm(leaves[0], *statistics, *leaves[1:], **options)
        y = torch.relu(y) if relu else y
        y.backward(torch.tensor(g))
        results = {"y": y, "mean": statistics[0], "var": statistics[1]}
        results |= {
            name: None if tensor is None else tensor.grad
            for name, tensor in zip(("grad_x", "grad_weight", "grad_bias"), leaves, strict=True)
        }
        return {name: value for name, value in results.items() if value is not None}

    return Case(label, dtype, ours, theirs)


def draw_batch_norm_layer(rng: Generator, dtype: str) -> Case:
    """Some training steps whose gradients add up, then evaluation; the state at the end."""
    C = int(rng.integers(1, 12))
    kind, ndim = pick(rng, ("BatchNorm1d", 2), ("BatchNorm1d", 3), ("BatchNorm2d", 4))
    options = {
        "eps": float(pick(rng, 1e-5, 1e-2)),
        "momentum": pick(rng, None, 0.1, 0.7),
        "affine": flag(rng),
        "track_running_stats": flag(rng),
        "bias": flag(rng),
    }
    batches = [normal(rng, dtype, *shape_with(rng, C, ndim)) * 2 + 1 for _ in range(rng.integers(1, 5))]
    grads = [normal(rng, dtype, *x.shape) for x in batches]
    start = {"weight": normal(rng, dtype, C), "bias": normal(rng, dtype, C)}

    def ours() -> dict[str, Any]:
        layer = getattr(nn, kind)(C, **options, dtype=dtype)
        layer.load_state_dict({n: start[n] for n, _ in layer.named_parameters()}, strict=False)
        results: dict[str, Any] = {}
        for i, (x, g) in enumerate(zip(batches, grads, strict=True)):
            results |= {f"y{i}": layer(x), f"grad_x{i}": layer.backward(g)}
        results |= {f"grad {n}": p.grad for n, p in layer.named_parameters()}
        return results | {"eval": layer.eval()(batches[0])} | layer.state_dict()

    def theirs() -> dict[str, Any]:
        layer = getattr(torch.nn, kind)(C, **options, dtype=getattr(torch, dtype))
        for name, parameter in layer.named_parameters():
            parameter.data = torch.tensor(start[name].copy())
        results: dict[str, Any] = {}
        for i, (x, g) in enumerate(zip(batches, grads, strict=True)):
            given = leaf(x)
            results[f"y{i}"] = layer(given)
            results[f"y{i}"].backward(torch.tensor(g))
            results[f"grad_x{i}"] = given.grad
        results |= {f"grad {n}": p.grad for n, p in layer.named_parameters()}
        return results | {"eval": layer.eval()(torch.tensor(batches[0]))} | dict(layer.state_dict())

    return Case(f"{kind}({C}, {options}) of {[x.shape for x in batches]}", dtype, ours, theirs)


def draw_layer_norm(rng: Generator, dtype: str) -> Case:
    """The layer: two forwards and backwards whose gradients add up."""
    axes = int(rng.integers(1, 4))
    normalized = (*(int(n) for n in rng.integers(1, 6, axes - 1)), int(rng.integers(4, 40)))
    lead = tuple(int(n) for n in rng.integers(1, 8, rng.integers(0, 3)))
    options = {
        "eps": float(pick(rng, 1e-5, 1e-2)),
        "elementwise_affine": flag(rng),
        "bias": flag(rng),
    }
    batches = [normal(rng, dtype, *lead, *normalized) * 2 + 1 for _ in range(2)]
    grads = [normal(rng, dtype, *lead, *normalized) for _ in range(2)]
    start = {name: normal(rng, dtype, *normalized) for name in ("weight", "bias")}

    def ours() -> dict[str, Any]:
        layer = nn.LayerNorm(normalized, **options, dtype=dtype)
        layer.load_state_dict({n: start[n] for n, _ in layer.named_parameters()})
        results: dict[str, Any] = {}
        for i, (x, g) in enumerate(zip(batches, grads, strict=True)):
            results |= {f"y{i}": layer(x), f"grad_x{i}": layer.backward(g)}
        results |= {f"grad {n}": p.grad for n, p in layer.named_parameters()}
        return results | {"eval": layer.eval()(batches[0])} | layer.state_dict()

    def theirs() -> dict[str, Any]:
        layer = torch.nn.LayerNorm(normalized, **options, dtype=getattr(torch, dtype))
        for name, parameter in layer.named_parameters():
            parameter.data = torch.tensor(start[name].copy())
        results: dict[str, Any] = {}
        for i, (x, g) in enumerate(zip(batches, grads, strict=True)):
            given = leaf(x)
            results[f"y{i}"] = layer(given)
            results[f"y{i}"].backward(torch.tensor(g))
            results[f"grad_x{i}"] = given.grad
        results |= {f"grad {n}": p.grad for n, p in layer.named_parameters()}
        return results | {"eval": layer.eval()(torch.tensor(batches[0]))} | dict(layer.state_dict())

    return Case(f"LayerNorm({normalized}, {options}) of {(*lead, *normalized)}", dtype, ours, theirs)


DRAWS: tuple[Draw, ...] = (draw_batch_norm, draw_batch_norm_layer, draw_layer_norm)
