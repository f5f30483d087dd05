"""Whole training steps of a CNN on planes of 28 x 28, and its inference of one image.

conv32 - batch norm - ReLU - pool - conv64 - batch norm - ReLU - pool - 128 - ReLU - 10, with 3x3 filters.
The rows "channels_last" give PyTorch model and images in that layout.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from benchmarks import bench_batch_norm as batch_norm
from benchmarks import bench_conv2d as conv2d
from benchmarks import bench_pool2d as pool2d
from benchmarks.bench_adam import NumpyAdam
from benchmarks.bench_cross_entropy import numpy_loss
from benchmarks.bench_step import fastnn_infer, fastnn_train, torch_infer, torch_train, with_weights
from benchmarks.case import Array, Builder, Call, Case

PLANE, HIDDEN, CLASSES = 28, 128, 10
LARGE = 128  # a batch beyond it fills no cache
CHANNELS = (1, 32, 64)
FEATURES = CHANNELS[-1] * (PLANE // 4) ** 2
SHAPES = [
    *(shape for C, filters in pairwise(CHANNELS) for shape in ((filters, C, 3, 3), (filters,), (filters,))),
    *((HIDDEN, FEATURES), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,)),
]


def cnn(nn: Any, weights: Sequence[Any]) -> Any:
    """The net in either library's `nn`; batch norm takes the place of the convolutions' biases."""
    layers = []
    for C, filters in pairwise(CHANNELS):
        layers += [nn.Conv2d(C, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES)]
    return with_weights(nn.Sequential(*layers), weights)


def channels_last(builder: Builder, x: Any, *rest: Any) -> Call:
    import torch

    def build(nn: Any, weights: Sequence[Any]) -> Any:
        return cnn(nn, weights).to(memory_format=torch.channels_last)

    call: Call = builder(build, x.to(memory_format=torch.channels_last), *rest)
    return call


# --- NumPy: the same net from the definitions of its layers ---
def layer(batch: int, block: int) -> conv2d.Layer:
    C, filters = CHANNELS[block : block + 2]
    return conv2d.Layer("", batch, C, PLANE >> block, filters, 3, 1, 1, first=block == 0)


def block_forward(block: int, x: Array, parameters: Sequence[Array], training: bool) -> tuple[Array, ...]:
    """(x, what the convolution gave, what the rectifier gave, the pool's output)."""
    weight, gamma, beta = parameters
    zero, one = np.zeros_like(beta), np.ones_like(beta)
    y: Any = conv2d.numpy_forward(layer(len(x), block), x, weight, zero)()
    z: Any = batch_norm.numpy_forward(training, relu=True)(y, gamma, beta, zero, one)()
    return x, y, z, pool2d.taps(z, 2, 2, 0, -np.inf).max(-1)


def block_backward(block: int, grad: Array, kept: Sequence[Array], parameters: Sequence[Array]) -> list[Any]:
    """[grad_x but for the first block, then the gradients of the three parameters]."""
    x, y, z, _ = kept
    weight, gamma, beta = parameters
    unpool = pool2d.max_backward(z.shape, 2, 2, 0)["builders"]["numpy"]
    of_norm: Any = batch_norm.numpy_backward(relu=True)(unpool(grad, z)(), y, gamma, beta)()
    of_conv: Any = conv2d.numpy_backward(layer(len(x), block), of_norm[0], x, weight)()
    return [*of_conv[:-1], *of_norm[1:]]


def numpy_forward(
    x: Array, parameters: Sequence[Array], training: bool
) -> tuple[list[tuple[Array, ...]], Array, Array, Array]:
    """(what the two blocks keep, the features, the hidden layer, the logits)."""
    first = block_forward(0, x, parameters[:3], training)
    second = block_forward(1, first[-1], parameters[3:6], training)
    w1, b1, w2, b2 = parameters[6:]
    features = second[-1].reshape(len(x), -1)
    hidden = np.maximum(features @ w1.T + b1, 0)
    return [first, second], features, hidden, hidden @ w2.T + b2


def numpy_train(x: Array, y: Array, *weights: Array) -> Call:
    parameters = list(weights)
    adam = NumpyAdam(parameters)

    def call() -> float:
        (first, second), features, hidden, logits = numpy_forward(x, parameters, training=True)
        loss, grad = numpy_loss(logits, y)
        grad_hidden = (grad @ parameters[8]) * (hidden > 0)
        of_dense = [grad_hidden.T @ features, grad_hidden.sum(0), grad.T @ hidden, grad.sum(0)]
        grad_pool = (grad_hidden @ parameters[6]).reshape(second[-1].shape)
        grad_x, *of_second = block_backward(1, grad_pool, second, parameters[3:6])
        of_first = block_backward(0, grad_x, first, parameters[:3])
        adam.step([*of_first, *of_second, *of_dense])
        return loss

    return call


def numpy_infer(x: Array, *weights: Array) -> Call:
    return lambda: numpy_forward(x, weights, training=False)[-1]


# --- the cases ---
def _weights(rng: np.random.Generator) -> list[Array]:
    """Weights uniform in +-sqrt(3 / K), which keeps the size of what passes; batch norm near 1 and 0."""
    return [
        rng.uniform(-1, 1, shape) * np.sqrt(3 / prod(shape[1:])) if len(shape) > 1 else rng.random(shape)
        for shape in SHAPES
    ]


def _products() -> list[float]:
    convolutions = [layer(1, block).flops for block in range(len(CHANNELS) - 1)]
    return [*convolutions, 2.0 * FEATURES * HIDDEN, 2.0 * HIDDEN * CLASSES]


def train(M: int, last: bool = False) -> Case:
    theirs = partial(channels_last, torch_train) if last else partial(torch_train, cnn)
    return Case(
        name=f"train step CNN 28x28 batch {M}" + " channels_last" * last,
        op="step",
        inputs=lambda rng: [
            rng.standard_normal((M, 1, PLANE, PLANE), np.float32),
            rng.integers(0, CLASSES, M),
            *_weights(rng),
        ],
        builders={"fastnn": partial(fastnn_train, cnn), "torch": theirs, "numpy": numpy_train},
        flops=M * (3 * sum(_products()) - _products()[0]),
        target=0.55,
        autograd=True,
        rebuild=True,
        check_calls=1 if M > LARGE else 3,
        large=M > LARGE,
    )


def infer(last: bool = False) -> Case:
    theirs = partial(channels_last, torch_infer) if last else partial(torch_infer, cnn)
    return Case(
        name="inference CNN 28x28 batch 1" + " channels_last" * last,
        op="step",
        inputs=lambda rng: [rng.standard_normal((1, 1, PLANE, PLANE)), *_weights(rng)],
        builders={"fastnn": partial(fastnn_infer, cnn), "torch": theirs, "numpy": numpy_infer},
        flops=sum(_products()),
        target=0.4,
    )


CASES = [
    *(train(M, last) for M in (32, 128) for last in (False, True)),
    train(512),
    *(infer(last) for last in (False, True)),
]
