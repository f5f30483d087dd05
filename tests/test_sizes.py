"""Shapes whose elements no machine holds: a clean error or an empty result, at no cost in memory."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, FUNCTIONS, Backend
from tests.processes import limited_sanitizer, run_python

# One value seen 2**50 times, more bytes than an address space has, so that even a copy of it must fail.
HUGE = (2**25, 2**25)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["relu", "softmax", "log_softmax", "dropout"])
def test_result_too_large_for_memory(backend: Backend, name: str, dtype: str) -> None:
    x = np.broadcast_to(np.ones((), dtype), HUGE)
    with pytest.raises((MemoryError, ValueError)):
        getattr(backend.functional, name)(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [2**25, 2**31, 2**32, 2**50])
def test_product_too_large(backend: Backend, length: int, dtype: str) -> None:
    """Without inputs to read: length**2 results, for 2**32 their number is 0 modulo 2**64."""
    x = np.empty((length, 0), dtype)
    with pytest.raises((MemoryError, ValueError)):
        backend.functional.linear(x, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 2**40), (2**40, 0), (2**20, 0, 2**20)])
def test_long_axes_of_an_empty_array(backend: Backend, shape: tuple[int, ...], dtype: str) -> None:
    F, x = backend.functional, np.empty(shape, dtype)
    for y in (F.relu(x), F.softmax(x), F.log_softmax(x, 0), F.dropout(x), F.relu_backward(x, x)):
        assert y.shape == shape


@pytest.mark.parametrize("dtype", DTYPES)
def test_empty_batch_has_zero_gradients(backend: Backend, dtype: str) -> None:
    F = backend.functional
    x, weight, grad_output = (np.ones(shape, dtype) for shape in ((0, 5), (3, 5), (0, 3)))
    out = (np.empty((0, 5), dtype), np.full((3, 5), np.nan, dtype), np.full(3, np.nan, dtype))
    fresh = F.linear_backward(grad_output, x, weight)
    for grads in (fresh, F.linear_backward(grad_output, x, weight, out=out)):
        assert [g.shape for g in grads] == [(0, 5), (3, 5), (3,)]
        assert not grads[1].any()
        assert not grads[2].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_inputs_leave_the_bias(backend: Backend, dtype: str) -> None:
    bias = np.array([1, -2, 3], dtype)
    y = backend.functional.linear(np.empty((2, 0), dtype), np.empty((3, 0), dtype), bias)
    np.testing.assert_array_equal(y, [bias, bias])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("reduction", "wanted"), [("mean", np.nan), ("sum", 0.0)])
def test_loss_of_an_empty_batch(backend: Backend, reduction: str, wanted: float, dtype: str) -> None:
    logits, target = np.empty((0, 3), dtype), np.empty(0, np.int64)
    loss, grad = backend.functional.cross_entropy_with_grad(logits, target, reduction=reduction)
    np.testing.assert_equal(float(loss), wanted)
    assert grad.shape == (0, 3)


def test_no_shape_is_too_large_for_a_clean_end() -> None:
    """All of the table, with 2**31 + 8 elements and with axes of 2**40."""
    done = run_python("-m", "tests.programs.giant_shapes", **limited_sanitizer())
    assert done.returncode == 0, "\n".join(done.stderr.splitlines()[-10:])
    finished, refused, too_large = map(int, done.stdout.split())
    assert min(finished, refused, too_large) > len(FUNCTIONS)
