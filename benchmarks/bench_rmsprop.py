"""RMSprop: 20 bytes a parameter; PyTorch has no fused step of it, so its foreach one is the peer."""

from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case
from benchmarks.parameters import SETS, as_fastnn, as_torch, count, draw, split, stepper

LR, ALPHA, EPS = 1e-3, 0.99, 1e-8


def build_fastnn(*arrays: Array) -> Call:
    from fastnn import optim

    parameters = as_fastnn(arrays)
    return stepper(optim.RMSprop(parameters, lr=LR).step, parameters)


def build_torch(*tensors: Any) -> Call:
    from torch import optim

    parameters = as_torch(tensors)
    return stepper(optim.RMSprop(parameters, lr=LR, foreach=True).step, parameters)


def build_numpy(*arrays: Array) -> Call:
    parameters, grads = split(arrays)
    squares = [np.zeros_like(grad) for grad in grads]

    def call() -> list[Array]:
        for p, g, v in zip(parameters, grads, squares, strict=True):
            v += (1 - ALPHA) * (g * g - v)
            p -= LR * g / (np.sqrt(v) + EPS)
        return list(parameters)

    return call


def case(label: str) -> Case:
    return Case(
        name=f"RMSprop {label}",
        op="rmsprop",
        inputs=lambda rng: draw(rng, SETS[label]),
        builders={"fastnn": build_fastnn, "torch": build_torch, "numpy": build_numpy},
        least_bytes=20 * count(SETS[label]),
        target=0.45,
        check_calls=3,
    )


CASES = [case(label) for label in SETS]
