"""Gradients by central differences in float64, to hold against the analytic ones."""

import numpy as np
from numpy.typing import NDArray

from tests.opinfo.base import Backend, Gradient, Sample, call

STEP, RTOL, ATOL = 1e-5, 1e-6, 1e-8


def objective(backend: Backend, pair: Gradient, sample: Sample, grad_output: NDArray) -> float:
    """The scalar whose gradient the backward gives: the forward's result times grad_output, summed."""
    return float(np.sum(np.asarray(call(backend, pair.forward, sample)[0]) * grad_output))


def numeric(backend: Backend, pair: Gradient, sample: Sample, name: str, grad_output: NDArray) -> NDArray:
    """D objective / d sample[name], one element after another."""
    values = sample.arrays[name]
    grad = np.zeros_like(values)
    for at in np.ndindex(values.shape):
        pair_of_values = []
        for step in (STEP, -STEP):
            moved = values.copy()
            moved[at] += step
            pair_of_values.append(objective(backend, pair, sample.put(**{name: moved}), grad_output))
        grad[at] = (pair_of_values[0] - pair_of_values[1]) / (2 * STEP)
    return grad


def check(backend: Backend, pair: Gradient, sample: Sample, rng: np.random.Generator) -> None:
    y = np.asarray(call(backend, pair.forward, sample)[0])
    grad_output = np.ones(y.shape) if pair.of_sum else rng.standard_normal(y.shape)
    gradients = call(backend, pair.backward, pair.feed(sample, grad_output, y))[pair.first :]
    for name, gradient in zip(pair.wrt, gradients, strict=True):
        if name in sample.arrays:
            wanted = numeric(backend, pair, sample, name, grad_output)
            np.testing.assert_allclose(
                gradient, wanted, rtol=RTOL, atol=ATOL, err_msg=f"{pair} by {name} of {sample}"
            )
