"""Every backward agrees with central differences of its forward: float64, h = 1e-5, at least 20 shapes."""

import numpy as np
import pytest

from tests import gradcheck
from tests.opinfo import GRADIENTS, Backend, Gradient, Sample, call

# One element costs two forward calls.
LARGEST = 250


def small(pair: Gradient, sample: Sample) -> bool:
    return 0 < sum(sample.arrays[name].size for name in pair.wrt if name in sample.arrays) <= LARGEST


@pytest.mark.parametrize("pair", GRADIENTS, ids=str)
def test_backward_is_the_derivative(backend: Backend, pair: Gradient) -> None:
    samples = [s.cast("float64") for s in pair.forward.fresh(7) if small(pair, s)]
    shapes = {tuple(a.shape for a in s.arrays.values()) for s in samples}
    assert len(shapes) >= 20
    rng = np.random.default_rng(8)
    for sample in samples:
        gradcheck.check(backend, pair, sample, rng)


@pytest.mark.parametrize("pair", [g for g in GRADIENTS if not g.of_sum], ids=str)
def test_backward_is_linear_in_grad_output(backend: Backend, pair: Gradient) -> None:
    """Doubling is exact in binary, so backward(2 g) has the bits of 2 backward(g)."""
    for sample in pair.backward.fresh():
        name = "grad_output" if "grad_output" in sample.arrays else next(iter(sample.arrays))
        once = call(backend, pair.backward, sample.cast("float64"))
        twice = call(
            backend, pair.backward, sample.put(**{name: np.asarray(2 * sample.arrays[name])}).cast("float64")
        )
        for a, b in zip(once, twice, strict=True):
            np.testing.assert_array_equal(2 * a, b, err_msg=f"{pair} of {sample}")
