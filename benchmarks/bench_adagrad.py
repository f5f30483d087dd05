"""Adagrad: 20 bytes a parameter; PyTorch's own fused step is the peer."""

from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case
from benchmarks.parameters import SETS, as_fastnn, as_torch, count, draw, split, stepper

LR, EPS = 1e-3, 1e-10


def build_fastnn(*arrays: Array) -> Call:
    from fastnn import optim

    parameters = as_fastnn(arrays)
    return stepper(optim.Adagrad(parameters, lr=LR).step, parameters)


def build_torch(*tensors: Any) -> Call:
    from torch import optim

    parameters = as_torch(tensors)
    return stepper(optim.Adagrad(parameters, lr=LR, fused=True).step, parameters)


def build_numpy(*arrays: Array) -> Call:
    parameters, grads = split(arrays)
    sums = [np.zeros_like(grad) for grad in grads]

    def call() -> list[Array]:
        for p, g, s in zip(parameters, grads, sums, strict=True):
            s += g * g
            p -= LR * g / (np.sqrt(s) + EPS)
        return list(parameters)

    return call


def case(label: str) -> Case:
    return Case(
        name=f"Adagrad {label}",
        op="adagrad",
        inputs=lambda rng: draw(rng, SETS[label]),
        builders={"fastnn": build_fastnn, "torch": build_torch, "numpy": build_numpy},
        least_bytes=20 * count(SETS[label]),
        check_calls=3,
    )


CASES = [case(label) for label in SETS]
