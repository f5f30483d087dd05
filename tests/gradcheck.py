"""Gradients of the table's operations by `fastnn.testing.gradcheck`."""

from typing import Any

import numpy as np

from fastnn.testing import gradcheck
from tests.opinfo.base import Backend, Gradient, Sample, call


def check(backend: Backend, pair: Gradient, sample: Sample, rng: np.random.Generator) -> None:
    """By all arguments of `pair.wrt` that the sample has."""
    wrt = [name for name in pair.wrt if name in sample.arrays]

    def forward(*values: np.ndarray) -> np.ndarray:
        return np.asarray(call(backend, pair.forward, sample.put(**dict(zip(wrt, values, strict=True))))[0])

    def backward(grad_output: np.ndarray, *values: np.ndarray) -> list[Any]:
        given = sample.put(**dict(zip(wrt, values, strict=True)))
        fed = pair.feed(given, grad_output, forward(*values))
        gradients = call(backend, pair.backward, fed)[pair.first :]
        return [g for name, g in zip(pair.wrt, gradients, strict=True) if name in sample.arrays]

    y = forward(*(sample.arrays[name] for name in wrt))
    grad_output = np.ones(y.shape) if pair.of_sum else rng.standard_normal(y.shape)
    try:
        gradcheck(forward, backward, {name: sample.arrays[name] for name in wrt}, grad_output=grad_output)
    except AssertionError as error:
        raise AssertionError(f"{pair} of {sample}: {error}") from error
