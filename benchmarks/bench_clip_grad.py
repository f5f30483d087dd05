"""Clipping by the norm: 4 bytes a value to measure, 8 more to scale; the peer is PyTorch's foreach path."""

from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case
from benchmarks.parameters import SETS, as_fastnn, as_torch, count, draw, split

MAX_NORM = 1.0


def build_fastnn(*arrays: Array) -> Call:
    from fastnn.nn.utils import clip_grad_norm_

    parameters = as_fastnn(arrays)

    def call() -> list[Any]:
        clip_grad_norm_(parameters, MAX_NORM)
        return grads

    grads = [parameter.grad for parameter in parameters]
    return call


def build_torch(*tensors: Any) -> Call:
    from torch.nn.utils import clip_grad_norm_

    parameters = as_torch(tensors)

    def call() -> list[Any]:
        clip_grad_norm_(parameters, MAX_NORM, foreach=True)
        return grads

    grads = [parameter.grad for parameter in parameters]
    return call


def build_numpy(*arrays: Array) -> Call:
    grads = list(split(arrays)[1])

    def call() -> list[Array]:
        norm = np.sqrt(sum(float(np.vdot(g, g)) for g in grads))
        for g in grads:
            g *= min(1.0, MAX_NORM / (norm + 1e-6))
        return grads

    return call


def case(label: str) -> Case:
    return Case(
        name=f"clip_grad_norm {label}",
        op="clip_grad",
        inputs=lambda rng: draw(rng, SETS[label]),
        builders={"fastnn": build_fastnn, "torch": build_torch, "numpy": build_numpy},
        least_bytes=12 * count(SETS[label]),
    )


CASES = [case(label) for label in SETS]
