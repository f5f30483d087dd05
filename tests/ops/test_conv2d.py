"""conv2d: exact on integers, a matrix in disguise, linear, equivariant; paddings, fused and partial calls."""

from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.reference import conv2d as reference

SHAPES_ON_INTEGERS = 500
MODES = ("zeros", "reflect", "replicate", "circular", "mean")
Problem = tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]


def integers(rng: Generator, *shape: int) -> np.ndarray:
    """Small enough that no partial sum of the products here leaves the exact integers of float32."""
    return rng.integers(-4, 5, shape).astype(np.float64)


def draw(rng: Generator) -> Problem:
    """The shapes of x and weight and the options of a call with at least one output."""
    groups = int(rng.choice([1, 1, 1, 2, 3, 8]))
    channels, filters = (int(n) for n in rng.choice([1, 1, 2, 3, 5, 17, 33], 2))
    while True:
        N, plane = int(rng.integers(0, 5)), rng.integers(1, rng.choice([8, 20, 36]), 2)
        kernel, stride, dilation = rng.integers(1, 6, 2), rng.integers(1, 4, 2), rng.integers(1, 4, 2)
        padding = rng.integers(0, 4, (2, 2)) * rng.integers(0, 2)
        if (plane + padding.sum(axis=1) > dilation * (kernel - 1)).all():
            break
    options = {
        "stride": tuple(stride.tolist()),
        "padding": tuple(map(tuple, padding.tolist())),
        "dilation": tuple(dilation.tolist()),
        "groups": groups,
    }
    x = (N, groups * channels, *plane.tolist())
    return x, (groups * filters, channels, *kernel.tolist()), options


def assert_exact(backend: Backend, dtype: str, rng: Generator, problem: Problem) -> None:
    """Forward and all gradients of one shape, on integers."""
    F, (x_shape, weight_shape, options) = backend.functional, problem
    x, weight, bias = (integers(rng, *s) for s in (x_shape, weight_shape, weight_shape[:1]))
    y = reference.forward(x, weight, bias, **options)
    g = integers(rng, *y.shape)
    wanted = (y, *reference.backward(g, x, weight, **options))
    x, weight, bias, g = (a.astype(dtype) for a in (x, weight, bias, g))
    results = (F.conv2d(x, weight, bias, **options), *F.conv2d_backward(g, x, weight, **options))
    for name, result, want in zip(("y", "grad_x", "grad_weight", "grad_bias"), results, wanted, strict=True):
        assert np.array_equal(result, want), f"{name} of {x_shape} {weight_shape} {options}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_on_integers(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(30)
    for _ in range(SHAPES_ON_INTEGERS):
        assert_exact(backend, dtype, rng, draw(rng))


PADDINGS = (0, 1, ((1, 0), (0, 1)), ((0, 1), (1, 0)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stride", [1, 2, (2, 1)])
@pytest.mark.parametrize("padding", PADDINGS)
def test_depthwise_3x3_of_any_height(backend: Backend, padding: Any, stride: Any, dtype: str) -> None:
    """All numbers of rows around the blocks of rows that share their input, and widths around vectors."""
    rng = np.random.default_rng(31)
    for rows in range(3, 21):
        for columns in rng.choice([3, 4, 8, 9, 15, 16, 17, 18, 31, 33, 40], 3, replace=False):
            channels = int(rng.integers(1, 4))
            options = {"stride": stride, "padding": padding, "groups": channels}
            assert_exact(
                backend, dtype, rng, ((2, channels, rows, int(columns)), (channels, 1, 3, 3), options)
            )


@pytest.mark.parametrize("dtype", DTYPES)
def test_depthwise_of_many_bands(backend: Backend, dtype: str) -> None:
    """Planes that are cut into bands of rows, odd and even ones."""
    rng = np.random.default_rng(32)
    for stride in (1, 2):
        for plane in ((90, 300), (131, 257)):
            options = {"stride": stride, "padding": 1, "groups": 2}
            assert_exact(backend, dtype, rng, ((1, 2, *plane), (2, 1, 3, 3), options))


@pytest.mark.parametrize("dtype", DTYPES)
def test_few_input_planes(backend: Backend, dtype: str) -> None:
    """First layers: little depth, any number of filters."""
    rng = np.random.default_rng(33)
    for _ in range(60):
        channels, kernel = int(rng.integers(1, 4)), rng.choice([1, 2, 3, 5], 2).tolist()
        filters, plane = int(rng.integers(1, 40)), rng.integers(5, 40, 2).tolist()
        options = {"stride": int(rng.integers(1, 3)), "padding": int(rng.integers(0, 3))}
        assert_exact(backend, dtype, rng, ((2, channels, *plane), (filters, channels, *kernel), options))


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_filters(backend: Backend, dtype: str) -> None:
    """Full and nearly full vectors of filters, more terms than a block holds, tiles of every width."""
    rng = np.random.default_rng(34)
    for _ in range(60):
        channels, groups = int(rng.choice([4, 16, 33, 40])), int(rng.choice([1, 1, 2]))
        filters, plane = (
            int(rng.choice([7, 8, 13, 16, 24, 31, 32, 48, 63, 64])),
            rng.integers(4, 34, 2).tolist(),
        )
        options = {"stride": int(rng.integers(1, 3)), "padding": int(rng.integers(0, 2)), "groups": groups}
        x, weight = (2, groups * channels, *plane), (groups * filters, channels, 3, 3)
        assert_exact(backend, dtype, rng, (x, weight, options))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes_are_exact_on_integers(backend: Backend, mode: str, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(31)
    options: dict[str, Any] = {"padding": ((2, 1), (0, 3)), "stride": (1, 2), "padding_mode": mode}
    x, weight = integers(rng, 2, 3, 6, 5), integers(rng, 4, 3, 3, 2)
    y = reference.forward(x, weight, **options)
    g = integers(rng, *y.shape)
    wanted = (y, *reference.backward(g, x, weight, **options))
    x, weight, g = (a.astype(dtype) for a in (x, weight, g))
    for result, want in zip(
        (F.conv2d(x, weight, **options), *F.conv2d_backward(g, x, weight, **options)), wanted, strict=True
    ):
        np.testing.assert_array_equal(result, want)


def as_matrix(weight: np.ndarray, plane: tuple[int, int]) -> np.ndarray:
    """The dense matrix (O H' W', C H W) that a filter without padding is."""
    filters, C, kH, kW = weight.shape
    H, W = plane
    rows, columns = H - kH + 1, W - kW + 1
    matrix = np.zeros((filters, rows, columns, C, H, W))
    for i in range(rows):
        for j in range(columns):
            matrix[:, i, j, :, i : i + kH, j : j + kW] = weight
    return matrix.reshape(filters * rows * columns, C * H * W)


def test_is_a_dense_layer_with_a_structured_matrix(backend: Backend) -> None:
    F, rng = backend.functional, np.random.default_rng(32)
    x, weight = integers(rng, 3, 2, 5, 6), integers(rng, 4, 2, 3, 2)
    matrix = as_matrix(weight, (5, 6))
    y = F.conv2d(x, weight)
    np.testing.assert_array_equal(y.reshape(3, -1), F.linear(x.reshape(3, -1), matrix))
    g = integers(rng, *y.shape)
    grad_x, _, _ = F.conv2d_backward(g, x, weight)
    wanted, _, _ = F.linear_backward(g.reshape(3, -1), x.reshape(3, -1), matrix)
    np.testing.assert_array_equal(grad_x.reshape(3, -1), wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 4])
def test_linear_in_x_and_in_weight(backend: Backend, groups: int, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(33)
    x, x2 = (integers(rng, 2, 4, 9, 8).astype(dtype) for _ in range(2))
    w, w2 = (integers(rng, 8, 4 // groups, 3, 3).astype(dtype) for _ in range(2))
    options = {"padding": 1, "groups": groups}
    left, right = F.conv2d(3 * x - 2 * x2, w, **options), F.conv2d(x, 2 * w + 5 * w2, **options)
    one, other = F.conv2d(x, w, **options), F.conv2d(x2, w, **options)
    np.testing.assert_array_equal(left, 3 * one - 2 * other)
    np.testing.assert_array_equal(right, 2 * one + 5 * F.conv2d(x, w2, **options))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [(1, 0), (0, 3), (4, 2)])
def test_shifted_input_gives_shifted_output(backend: Backend, shift: tuple[int, int], dtype: str) -> None:
    """Bit for bit: an output's bits depend on what its window sees, not on where it lies."""
    F, rng = backend.functional, np.random.default_rng(34)
    x = np.zeros((2, 3, 30, 30), dtype)
    x[:, :, 8:20, 8:20] = rng.standard_normal((2, 3, 12, 12))
    weight = rng.standard_normal((5, 3, 3, 3)).astype(dtype)
    moved = np.roll(x, shift, axis=(2, 3))
    wanted = np.roll(F.conv2d(x, weight, padding=1), shift, axis=(2, 3))
    assert_same_bits([F.conv2d(moved, weight, padding=1)], [wanted], shift)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("plane", "kernel", "options"),
    [
        ((7, 7), 3, {"padding": 1}),
        ((3, 3), 3, {"padding": 1}),
        ((14, 14), 3, {"padding": 1, "stride": 2}),
        ((28, 28), 1, {}),
        ((9, 9), 5, {"groups": 16}),
    ],
)
def test_batch_is_its_images_in_any_order(
    backend: Backend, plane: tuple[int, int], kernel: int, options: dict[str, Any], dtype: str
) -> None:
    """Panels run across images; the bits of an image do not show it."""
    F, rng = backend.functional, np.random.default_rng(35)
    x = rng.standard_normal((13, 16, *plane)).astype(dtype)
    weight = rng.standard_normal((32, 16 // options.get("groups", 1), kernel, kernel)).astype(dtype)
    order = rng.permutation(13)
    y = F.conv2d(x, weight, **options)
    g = rng.standard_normal(y.shape).astype(dtype)
    grad_x, _, _ = F.conv2d_backward(g, x, weight, **options)
    permuted = F.conv2d(x[order], weight, **options)
    grad_permuted, _, _ = F.conv2d_backward(g[order], x[order], weight, **options)
    assert_same_bits([permuted, grad_permuted], [y[order], grad_x[order]], plane)
    for n in (0, 12):
        alone = F.conv2d_backward(g[n : n + 1], x[n : n + 1], weight, **options)[0]
        assert_same_bits([F.conv2d(x[n : n + 1], weight, **options)[0], alone[0]], [y[n], grad_x[n]], n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 2, 8])
def test_fused_relu_has_the_bits_of_relu(backend: Backend, groups: int, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(36)
    x = rng.standard_normal((3, 8, 11, 10)).astype(dtype)
    x[0, 0, 0, 0] = np.nan
    weight = rng.standard_normal((24, 8 // groups, 3, 3)).astype(dtype)
    for bias in (rng.standard_normal(24).astype(dtype), None):
        fused = F.conv2d(x, weight, bias, 1, 1, 1, groups, activation="relu")
        assert_same_bits([fused], [F.relu(F.conv2d(x, weight, bias, 1, 1, 1, groups))], bias is not None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("needs", list(np.ndindex(2, 2, 2)))
def test_needs(backend: Backend, needs: tuple[int, ...], dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(37)
    x, weight, g = (rng.standard_normal(s).astype(dtype) for s in ((2, 3, 6, 6), (4, 3, 3, 3), (2, 4, 4, 4)))
    wanted = tuple(bool(n) for n in needs)
    every = F.conv2d_backward(g, x, weight)
    some = F.conv2d_backward(g, x, weight, needs=wanted)
    assert_same_bits(some, [a if n else None for a, n in zip(every, wanted, strict=True)], needs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("x_shape", "weight_shape", "groups"),
    [
        ((2, 3, 8, 8), (5, 3, 3, 3), 1),
        ((3, 6, 8, 8), (6, 1, 3, 3), 6),
        ((0, 3, 8, 8), (5, 3, 3, 3), 1),
        ((4, 64, 14, 14), (32, 64, 3, 3), 1),
    ],
)
def test_accumulate_adds_to_out(
    backend: Backend, x_shape: tuple[int, ...], weight_shape: tuple[int, ...], groups: int, dtype: str
) -> None:
    """On integers, where the sum is exact; grad_x is overwritten."""
    F, rng = backend.functional, np.random.default_rng(38)
    x, weight = (integers(rng, *s).astype(dtype) for s in (x_shape, weight_shape))
    g = integers(rng, x_shape[0], weight_shape[0], x_shape[2] - 2, x_shape[3] - 2).astype(dtype)
    start = [integers(rng, *s).astype(dtype) for s in (x_shape, weight_shape, weight_shape[:1])]
    out = tuple(a.copy() for a in start)
    results = F.conv2d_backward(g, x, weight, groups=groups, accumulate=True, out=out)
    plain = F.conv2d_backward(g, x, weight, groups=groups)
    wanted = (plain[0], start[1] + plain[1], start[2] + plain[2])
    for array, result, want in zip(out, results, wanted, strict=True):
        assert result is array
        np.testing.assert_array_equal(array, want)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (2, 1), (3, 1), (4, 1), (3, 2), (2, 3)])
def test_same_keeps_the_size_with_the_odd_cell_at_the_end(
    backend: Backend, size: int, kernel: int, dilation: int
) -> None:
    F, rng = backend.functional, np.random.default_rng(39)
    x, weight = integers(rng, 1, 1, size, size + 1), integers(rng, 1, 1, kernel, kernel)
    y = F.conv2d(x, weight, padding="same", dilation=dilation)
    assert y.shape == x.shape
    total = dilation * (kernel - 1)
    sides = (total // 2, total - total // 2)
    np.testing.assert_array_equal(y, F.conv2d(x, weight, padding=(sides, sides), dilation=dilation))


def test_options_may_be_written_in_several_ways(backend: Backend) -> None:
    F, rng = backend.functional, np.random.default_rng(40)
    x, weight = rng.standard_normal((1, 2, 7, 7)), rng.standard_normal((3, 2, 2, 2))
    wanted = F.conv2d(x, weight, None, 2, 1, 3, 1)
    for two, four in (((2, 2), (1, 1)), ([2, 2], [1, 1]), (np.int64(2), ((1, 1), (1, 1)))):
        assert_same_bits([F.conv2d(x, weight, None, two, four, (3, 3))], [wanted], (two, four))
    np.testing.assert_array_equal(F.conv2d(x, weight, padding="valid"), F.conv2d(x, weight))


@pytest.mark.parametrize("value", [True, 1.0, "1", None, np.float32(2), np.ones(2)])
@pytest.mark.parametrize("name", ["stride", "dilation", "padding", "groups"])
def test_options_are_integers(backend: Backend, name: str, value: Any) -> None:
    x, weight = np.ones((1, 2, 5, 5)), np.ones((2, 2, 2, 2))
    with pytest.raises((TypeError, ValueError), match=rf"^\[conv2d\] expected {name}"):
        backend.functional.conv2d(x, weight, **{name: value})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
def test_padding_mode_without_padding_changes_nothing(backend: Backend, mode: str, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(41)
    x, weight = (rng.standard_normal(s).astype(dtype) for s in ((2, 3, 5, 5), (4, 3, 3, 3)))
    assert_same_bits([F.conv2d(x, weight, padding_mode=mode)], [F.conv2d(x, weight)], mode)


@pytest.mark.parametrize("mode", MODES)
def test_backward_is_the_adjoint(backend: Backend, mode: str) -> None:
    """<conv(x), g> = <x, grad_x> = <weight, grad_weight> for a map that is linear in both."""
    F, rng = backend.functional, np.random.default_rng(42)
    x, weight = rng.standard_normal((2, 4, 6, 7)), rng.standard_normal((6, 2, 3, 2))
    options: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 2), (3, 0)), "groups": 2}
    y = F.conv2d(x, weight, **options, padding_mode=mode)
    g = rng.standard_normal(y.shape)
    grad_x, grad_weight, _ = F.conv2d_backward(g, x, weight, **options, padding_mode=mode)
    np.testing.assert_allclose([np.vdot(x, grad_x), np.vdot(weight, grad_weight)], np.vdot(y, g), rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_wide_gaps_cost_no_memory(backend: Backend, dtype: str) -> None:
    """Taps 2**30 cells apart, of which one at a time meets the plane."""
    F = backend.functional
    far = 2**30
    x, weight = np.arange(9.0, dtype=dtype).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2), dtype)
    y = F.conv2d(x, weight, dilation=far, padding=((0, far), (0, far)))
    np.testing.assert_array_equal(y, x)
    grad_x, grad_weight, _ = F.conv2d_backward(y, x, weight, dilation=far, padding=((0, far), (0, far)))
    np.testing.assert_array_equal(grad_x, x)
    np.testing.assert_array_equal(grad_weight, [[[[(x * x).sum(), 0], [0, 0]]]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("x_shape", "weight_shape", "options"),
    [
        ((4, 64, 14, 14), (32, 64, 3, 3), {"padding": 1}),
        ((2, 3, 64, 64), (16, 3, 7, 7), {"stride": 2, "padding": 3}),
        ((4, 32, 28, 28), (32, 1, 3, 3), {"groups": 32}),
        ((9, 256, 3, 3), (64, 256, 1, 1), {}),
    ],
)
def test_error_bound(
    backend: Backend,
    x_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    options: dict[str, Any],
    dtype: str,
) -> None:
    """|error| <= 4 eps times the sum of the terms' sizes, component by component."""
    F, rng = backend.functional, np.random.default_rng(43)
    x, weight = (rng.standard_normal(s).astype(dtype) for s in (x_shape, weight_shape))
    y = F.conv2d(x, weight, **options)
    g = rng.standard_normal(y.shape).astype(dtype)
    results = (y, *F.conv2d_backward(g, x, weight, **options))
    wanted = (reference.forward(x, weight, **options), *reference.backward(g, x, weight, **options))
    sizes = [np.abs(a) for a in (g, x, weight)]
    terms = (reference.forward(*sizes[1:], **options), *reference.backward(*sizes, **options))
    for result, want, size in zip(results, wanted, terms, strict=True):
        assert (np.abs(result - want) <= 4 * np.finfo(dtype).eps * size).all()
