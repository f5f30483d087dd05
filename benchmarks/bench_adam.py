"""Adam and AdamW: 28 bytes a parameter; PyTorch's own fused step is the peer."""

from typing import Any

import numpy as np

from benchmarks.case import Array, Builder, Call, Case
from benchmarks.parameters import SETS, as_fastnn, as_torch, count, draw, split, stepper

LR, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8
WEIGHT_DECAY = {"Adam": 0.0, "AdamW": 1e-2}


def fastnn_builder(name: str) -> Builder:
    def build(*arrays: Array) -> Call:
        from fastnn import optim

        parameters = as_fastnn(arrays)
        return stepper(getattr(optim, name)(parameters, lr=LR).step, parameters)

    return build


def torch_builder(name: str) -> Builder:
    def build(*tensors: Any) -> Call:
        from torch import optim

        parameters = as_torch(tensors)
        return stepper(getattr(optim, name)(parameters, lr=LR, fused=True).step, parameters)

    return build


class NumpyAdam:
    """Adam as published (Kingma and Ba 2015), with decoupled decay (Loshchilov and Hutter 2019)."""

    def __init__(self, parameters: list[Array], weight_decay: float = 0.0) -> None:
        self.parameters = parameters
        self.decay = 1 - LR * weight_decay
        self.m = [np.zeros_like(p) for p in parameters]
        self.v = [np.zeros_like(p) for p in parameters]
        self.t = 0

    def step(self, grads: list[Array]) -> None:
        self.t += 1
        for p, g, m, v in zip(self.parameters, grads, self.m, self.v, strict=True):
            m += (1 - BETA1) * (g - m)
            v += (1 - BETA2) * (g * g - v)
            m_hat, v_hat = m / (1 - BETA1**self.t), v / (1 - BETA2**self.t)
            p *= self.decay
            p -= LR * m_hat / (np.sqrt(v_hat) + EPS)


def numpy_builder(name: str) -> Builder:
    def build(*arrays: Array) -> Call:
        parameters, grads = (list(half) for half in split(arrays))
        adam = NumpyAdam(parameters, WEIGHT_DECAY[name])

        def call() -> list[Array]:
            adam.step(grads)
            return parameters

        return call

    return build


def case(name: str, label: str) -> Case:
    return Case(
        name=f"{name} {label}",
        op="adam",
        inputs=lambda rng: draw(rng, SETS[label]),
        builders={
            "fastnn": fastnn_builder(name),
            "torch": torch_builder(name),
            "numpy": numpy_builder(name),
        },
        least_bytes=28 * count(SETS[label]),
        check_calls=3,
    )


CASES = [case(name, label) for name in WEIGHT_DECAY for label in SETS]
