"""Whole training steps of an MLP, written as users write them, and its inference of one row.

A step is zero_grad, forward, loss, backward, Adam; 6 MNK FLOP a layer, less the first grad_x.
Every block starts from the initial weights: a fixed batch learnt by heart has vanishing gradients.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.bench_adam import LR, NumpyAdam
from benchmarks.bench_cross_entropy import numpy_loss
from benchmarks.case import Array, Call, Case

SMALL, MIDDLE = (64, 32, 10), (784, 256, 128, 10)


def mlp(nn: Any, weights: Sequence[Any]) -> Any:
    """Linear, ReLU, ..., Linear in either library's `nn`."""
    layers = []
    for weight in weights[::2]:
        layers += [nn.Linear(weight.shape[1], weight.shape[0]), nn.ReLU()]
    return with_weights(nn.Sequential(*layers[:-1]), weights)


def with_weights(model: Any, weights: Sequence[Any]) -> Any:
    """The model with these arrays as its parameters, on their device."""
    names = [name for name, _ in model.named_parameters()]
    model.to("cpu" if str(weights[0].device) == "cpu" else "cuda")
    model.load_state_dict(dict(zip(names, weights, strict=True)), strict=False)
    return model


Build = Callable[[Any, Sequence[Any]], Any]  # a model from a library's nn and the weights


def fastnn_train(build: Build, x: Array, y: Array, *weights: Array) -> Call:
    from fastnn import nn, optim

    model, loss = build(nn, weights), nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=LR)

    def call() -> Any:
        optimizer.zero_grad()
        value = loss(model(x), y)
        model.backward_parameters(loss.backward())
        optimizer.step()
        return value

    return call


def torch_train(build: Build, x: Any, y: Any, *weights: Any) -> Call:
    from torch import nn, optim

    model, loss = build(nn, weights), nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=LR, fused=True)

    def call() -> Any:
        optimizer.zero_grad(set_to_none=True)
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return call


def numpy_train(x: Array, y: Array, *weights: Array) -> Call:
    parameters = list(weights)
    adam = NumpyAdam(parameters)

    def call() -> float:
        inputs = [x]
        for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            inputs.append(np.maximum(inputs[-1] @ weight.T + bias, 0))
        loss, grad = numpy_loss(inputs[-1] @ parameters[-2].T + parameters[-1], y)
        grads: list[Array] = []
        for layer_input, weight in zip(inputs[::-1], parameters[-2::-2], strict=True):
            grads = [grad.T @ layer_input, grad.sum(0), *grads]
            grad = (grad @ weight) * (layer_input > 0)
        adam.step(grads)
        return loss

    return call


def fastnn_infer(build: Build, x: Array, *weights: Array) -> Call:
    from fastnn import nn

    model = build(nn, weights).eval()
    return lambda: model(x)


def torch_infer(build: Build, x: Any, *weights: Any) -> Call:
    from torch import nn

    model = build(nn, weights).eval()
    return lambda: model(x)


def numpy_infer(x: Array, *weights: Array) -> Call:
    def call() -> Array:
        h = x
        for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            h = np.maximum(h @ weight.T + bias, 0)
        return np.asarray(h @ weights[-2].T + weights[-1])

    return call


def _weights(rng: np.random.Generator, sizes: Sequence[int]) -> list[Array]:
    """Uniform in +-1/sqrt(K), torch's initialisation."""
    shapes = [shape for K, N in pairwise(sizes) for shape in ((K, (N, K)), (K, (N,)))]
    return [rng.uniform(-1, 1, shape) / np.sqrt(K) for K, shape in shapes]


def train(sizes: Sequence[int], M: int, target: float) -> Case:
    products = [2 * M * K * N for K, N in pairwise(sizes)]
    return Case(
        name=f"train step {'-'.join(map(str, sizes))} batch {M}",
        op="step",
        inputs=lambda rng: [
            rng.standard_normal((M, sizes[0])),
            rng.integers(0, sizes[-1], M),
            *_weights(rng, sizes),
        ],
        builders={
            "fastnn": partial(fastnn_train, mlp),
            "torch": partial(torch_train, mlp),
            "numpy": numpy_train,
        },
        flops=3 * sum(products) - products[0],
        target=target,
        autograd=True,
        rebuild=True,
        check_calls=3,
    )


def infer(sizes: Sequence[int], target: float) -> Case:
    return Case(
        name=f"inference {'-'.join(map(str, sizes))} batch 1",
        op="step",
        inputs=lambda rng: [rng.standard_normal((1, sizes[0])), *_weights(rng, sizes)],
        builders={
            "fastnn": partial(fastnn_infer, mlp),
            "torch": partial(torch_infer, mlp),
            "numpy": numpy_infer,
        },
        flops=sum(2 * K * N for K, N in pairwise(sizes)),
        target=target,
    )


CASES = [
    train(SMALL, 32, 0.15),
    train(MIDDLE, 32, 0.6),
    train(MIDDLE, 128, 0.8),
    infer(SMALL, 0.5),
    infer(MIDDLE, 0.5),
]
