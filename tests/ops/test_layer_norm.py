"""layer_norm: large means, constant rows, the shapes to normalise over, gradients over many rows."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits


@pytest.mark.parametrize("length", [10, 768, 50_000])
@pytest.mark.parametrize("ratio", [0.0, 1.0, 1000.0])
def test_variance_at_a_large_mean(backend: Backend, length: int, ratio: float) -> None:
    x = (np.random.default_rng(0).standard_normal((5, length)) + ratio).astype(np.float32)
    wide = x.astype(np.float64)
    _, mean, rstd = backend.functional.layer_norm_with_stats(x, length, eps=0.0)
    half_an_eps_of_a_term = 6e-8 * float(np.abs(wide).mean())
    np.testing.assert_allclose(mean, wide.mean(1, keepdims=True), rtol=0, atol=half_an_eps_of_a_term)
    np.testing.assert_allclose(rstd, 1 / wide.std(1, keepdims=True), rtol=2e-7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_constant_rows_give_the_bias(backend: Backend, dtype: str) -> None:
    x = np.repeat(np.array([[1e4 / 3], [-7.1]], dtype), 33, axis=1)
    bias = np.arange(33).astype(dtype)
    y = backend.functional.layer_norm(x, 33, bias + 1, bias)
    np.testing.assert_array_equal(y, [bias, bias])


@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes_to_normalise_over(backend: Backend, dtype: str) -> None:
    """An int, a list and a tuple of the last axes; over all axes it is one row."""
    F, x = backend.functional, np.random.default_rng(1).standard_normal((4, 3, 5)).astype(dtype)
    assert_same_bits([F.layer_norm(x, 5)], [F.layer_norm(x, [5])], "int")
    assert_same_bits([F.layer_norm(x, (3, 5))], [F.layer_norm(x.reshape(4, 15), 15).reshape(x.shape)], "two")
    y, mean, rstd = F.layer_norm_with_stats(x, x.shape)
    assert mean.shape == rstd.shape == (1, 1, 1)
    np.testing.assert_allclose(y.mean(), 0, atol=1e-6)
    assert F.layer_norm_with_stats(x, (3, 5))[1].shape == (4, 1, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 63, 64, 65, 5000])
def test_parameter_gradients_over_rows(backend: Backend, rows: int, dtype: str) -> None:
    """Small integers: every sum is exact, in whatever order."""
    rng = np.random.default_rng(2)
    x, g = (rng.integers(-4, 5, (rows, 7)).astype(dtype) for _ in range(2))
    mean, rstd = np.zeros((rows, 1), dtype), np.ones((rows, 1), dtype)
    _, grad_weight, grad_bias = backend.functional.layer_norm_backward(g, x, 7, mean, rstd)
    np.testing.assert_array_equal(grad_weight, (g * x).sum(0))
    np.testing.assert_array_equal(grad_bias, g.sum(0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_empty(backend: Backend, dtype: str) -> None:
    F = backend.functional
    for shape, length in (((0, 5), 5), ((3, 0), 0)):
        x = np.empty(shape, dtype)
        y, mean, rstd = F.layer_norm_with_stats(x, length)
        assert (y.shape, mean.shape) == (shape, (shape[0], 1))
        grads = F.layer_norm_backward(x, x, length, mean, rstd)
        assert [a.shape for a in grads] == [shape, (length,), (length,)]
        assert not grads[1].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_needs_accumulate_and_places(backend: Backend, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(3)
    x, g, weight = (rng.standard_normal(s).astype(dtype) for s in ((40, 33), (40, 33), (33,)))
    _, mean, rstd = F.layer_norm_with_stats(x, 33, weight)
    whole = F.layer_norm_backward(g, x, 33, mean, rstd, weight)
    for needs in ((True, False, False), (False, True, False), (False, False, True)):
        grads = F.layer_norm_backward(g, x, 33, mean, rstd, weight, needs=needs)
        assert_same_bits(grads, [a if n else None for a, n in zip(whole, needs, strict=True)], needs)
    for place in (0, 1):
        arrays = [g.copy(), x.copy()]
        inside = F.layer_norm_backward(*arrays, 33, mean, rstd, weight, out=(arrays[place], None, None))
        assert inside[0] is arrays[place]
        assert_same_bits(inside, whole, f"grad_x in place of input {place}")
    out = (None, np.full_like(weight, 3), np.full_like(weight, -2))
    added = F.layer_norm_backward(g, x, 33, mean, rstd, weight, accumulate=True, out=out)
    eps = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(added[1], whole[1] + 3, rtol=eps, atol=eps)
    np.testing.assert_allclose(added[2], whole[2] - 2, rtol=eps, atol=eps)
