"""linear: exact on integers, within the rounding of its sums on real data, fused and partial calls."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits

SHAPES_ON_INTEGERS = 500


def random_shapes(count: int) -> list[tuple[int, int, int]]:
    """M, K, N up to 600 on a logarithmic scale; every 20th has a long K."""
    rng = np.random.default_rng(17)
    shapes = []
    while len(shapes) < count:
        M, K, N = (int(v) for v in np.exp(rng.uniform(0, np.log(600), 3)))
        if len(shapes) % 20 == 0:
            M, K, N = M % 20 + 1, int(rng.integers(2000, 6000)), N % 40 + 1
        if M * K * N <= 2_000_000:
            shapes.append((M, K, N))
    return shapes


def integers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Small enough that no partial sum of 6000 products leaves the exact integers of float32."""
    return rng.integers(-7, 8, shape).astype(np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_on_integers(backend: Backend, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(18)
    for M, K, N in random_shapes(SHAPES_ON_INTEGERS):
        x, weight, bias, g = (integers(rng, *s) for s in ((M, K), (N, K), (N,), (M, N)))
        wanted = (x @ weight.T + bias, g @ weight, g.T @ x, g.sum(axis=0))
        x, weight, bias, g = (a.astype(dtype) for a in (x, weight, bias, g))
        results = (F.linear(x, weight, bias), *F.linear_backward(g, x, weight))
        for name, result, want in zip(
            ("y", "grad_x", "grad_weight", "grad_bias"), results, wanted, strict=True
        ):
            assert np.array_equal(result, want), f"{name} of M={M} K={K} N={N}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("M", "K", "N"),
    [
        (7, 4096, 9),
        (33, 1000, 65),
        (64, 784, 10),
        (1, 4096, 128),
        (128, 512, 100),
        (9, 70, 4096),
        (4096, 9, 7),
    ],
)
def test_error_bound(backend: Backend, M: int, K: int, N: int, dtype: str) -> None:
    """|error| <= 4 eps (|A| |B|) component by component, for the product and both of its gradients."""
    F, rng = backend.functional, np.random.default_rng(19)
    x, weight, g = (rng.standard_normal(s).astype(dtype) for s in ((M, K), (N, K), (M, N)))
    grad_x, grad_weight, grad_bias = F.linear_backward(g, x, weight)
    ones = np.ones((M, 1), dtype)
    for left, right, result in (
        (x, weight.T, F.linear(x, weight)),
        (g, weight, grad_x),
        (g.T, x, grad_weight),
        (g.T, ones, grad_bias[:, None]),
    ):
        a, b = left.astype(np.longdouble), right.astype(np.longdouble)
        bound = 4 * np.finfo(dtype).eps * (np.abs(a) @ np.abs(b))
        assert (np.abs(result - a @ b) <= bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 17, 33), (64, 64, 64), (130, 300, 70)])
def test_fused_relu_has_the_bits_of_relu(backend: Backend, shape: tuple[int, int, int], dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(20)
    M, K, N = shape
    x, weight, bias = (rng.standard_normal(s).astype(dtype) for s in ((M, K), (N, K), (N,)))
    x[0, 0] = np.nan
    for b in (bias, None):
        fused, apart = F.linear(x, weight, b, activation="relu"), F.relu(F.linear(x, weight, b))
        assert_same_bits([fused], [apart], f"bias={b is not None}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("needs", list(np.ndindex(2, 2, 2)))
def test_needs(backend: Backend, needs: tuple[int, ...], dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(21)
    x, weight, g = (rng.standard_normal(s).astype(dtype) for s in ((5, 7), (3, 7), (5, 3)))
    wanted = tuple(bool(n) for n in needs)
    every = F.linear_backward(g, x, weight)
    some = F.linear_backward(g, x, weight, needs=wanted)
    assert_same_bits(some, [a if n else None for a, n in zip(every, wanted, strict=True)], needs)


def test_native_needs_are_true_or_false(backend: Backend) -> None:
    x = np.ones((2, 3), np.float32)
    for needs in ((True, "yes", True), (True, None, True), (2, True, True)):
        with pytest.raises(TypeError, match=r"^\[linear_backward\] expected needs of True and False, got"):
            backend.core.linear_backward(x, x, np.ones((3, 3), np.float32), needs, False, None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(5, 7, 3), (1, 40, 6), (3, 70, 9), (33, 17, 65), (200, 300, 100), (0, 4, 3)]
)
def test_accumulate_adds_to_out(backend: Backend, shape: tuple[int, int, int], dtype: str) -> None:
    """On integers, where the sum is exact; grad_x is overwritten."""
    F, rng = backend.functional, np.random.default_rng(22)
    M, K, N = shape
    x, weight, g = (integers(rng, *s).astype(dtype) for s in ((M, K), (N, K), (M, N)))
    start = [integers(rng, *s).astype(dtype) for s in ((M, K), (N, K), (N,))]
    out = tuple(a.copy() for a in start)
    results = F.linear_backward(g, x, weight, accumulate=True, out=out)
    plain = F.linear_backward(g, x, weight)
    wanted = (plain[0], start[1] + plain[1], start[2] + plain[2])
    for array, result, want in zip(out, results, wanted, strict=True):
        assert result is array
        np.testing.assert_array_equal(array, want)


def test_accumulate_twice_is_twice(backend: Backend) -> None:
    F, rng = backend.functional, np.random.default_rng(23)
    x, weight, g = (rng.standard_normal(s) for s in ((6, 4), (3, 4), (6, 3)))
    _, grad_weight, grad_bias = F.linear_backward(g, x, weight, needs=(False, True, True))
    out = (None, grad_weight.copy(), grad_bias.copy())
    F.linear_backward(g, x, weight, needs=(False, True, True), accumulate=True, out=out)
    np.testing.assert_allclose(out[1], 2 * grad_weight, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(out[2], 2 * grad_bias, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_scaling_by_two_is_exact(backend: Backend, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(24)
    x, weight = (rng.standard_normal(s).astype(dtype) for s in ((33, 100), (17, 100)))
    assert_same_bits([F.linear(2 * x, weight)], [2 * F.linear(x, weight)], "linear(2 x)")
