"""Pooling: ties, NaN, padding in all its forms, partial windows, and what indices may be."""

from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.reference.pool2d import maximum, windows

WINDOWS: tuple[dict[str, Any], ...] = (
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1, "padding": 2},
    {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
    {"kernel_size": 5, "stride": 2, "padding": 4},
    {"kernel_size": 2, "stride": 1, "dilation": 2, "padding": 1},
    {"kernel_size": (2, 3), "stride": (3, 2), "dilation": (1, 2), "padding": ((1, 0), (0, 3))},
)
SHAPES = ((2, 3, 8, 9), (1, 1, 3, 40), (1, 2, 33, 5))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_indices_lead_to_the_maxima(
    backend: Backend, shape: tuple[int, ...], window: dict[str, Any], dtype: str
) -> None:
    """Many equal values, and the whole plane of one value, too."""
    rng = np.random.default_rng(0)
    for x in (rng.integers(0, 3, shape).astype(dtype), np.full(shape, -2, dtype)):
        y, indices = backend.functional.max_pool2d(x, **window, return_indices=True)
        planes = x.reshape(-1, shape[-2] * shape[-1])
        found = np.take_along_axis(planes, indices.reshape(len(planes), -1), axis=1)
        assert_same_bits([found.reshape(y.shape)], [y], window)
        assert_same_bits([backend.functional.max_pool2d(x, **window)], [y], window)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [2, 6, 40])
@pytest.mark.parametrize("kernel", [(2, 2), (2, 1), (1, 2)])
def test_first_of_equal_maxima_wins(
    backend: Backend, kernel: tuple[int, int], width: int, dtype: str
) -> None:
    x = np.zeros((1, 4, width), dtype)
    _, indices = backend.functional.max_pool2d(x, kernel, return_indices=True)
    rows, columns = np.arange(0, 4, kernel[0]), np.arange(0, width, kernel[1])
    np.testing.assert_array_equal(indices[0], np.add.outer(rows * width, columns))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [2, 24])
def test_zeros_of_either_sign_are_equal(backend: Backend, width: int, dtype: str) -> None:
    x = np.zeros((1, 2, width), dtype)
    x[0, 0, ::2] = -0.0
    y, indices = backend.functional.max_pool2d(x, 2, return_indices=True)
    assert np.signbit(y).all()
    np.testing.assert_array_equal(indices[0, 0], np.arange(0, width, 2))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [5, 40])
@pytest.mark.parametrize("kernel", [3, 5])
def test_nan_wins_and_the_last_one_is_named(
    backend: Backend, kernel: int, size: int, stride: int, dtype: str
) -> None:
    x = np.ones((1, size, size), dtype)
    x[0, 1, 1] = x[0, 1, 2] = x[0, 0, 2] = np.nan
    x[0, 2, 2] = np.inf
    y, indices = backend.functional.max_pool2d(x, kernel, stride, return_indices=True)
    assert np.isnan(y[0, 0, 0])
    assert indices[0, 0, 0] == size + 2
    assert np.isnan(backend.functional.max_pool2d(x, kernel, stride)[0, 0, 0])
    if size == 40:
        assert not np.isnan(y[0, 3:]).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [2, 3, 6])
def test_a_few_nan_among_rows_without(
    backend: Backend, kernel: int, stride: int, dilation: int, dtype: str
) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, 40, 37)).astype(dtype)
    x[0, [0, 9, 10, 25, 39], [36, 4, 4, 20, 0]] = np.nan
    x[1, [3, 30], [30, 7]] = np.inf, np.nan
    padding = kernel // 2
    y, indices = backend.functional.max_pool2d(x, kernel, stride, padding, dilation, return_indices=True)
    rows, columns = (windows(n, kernel, stride, (padding, padding), dilation) for n in x.shape[1:])
    values, places = maximum(x, rows, columns)
    np.testing.assert_array_equal(y, values)
    np.testing.assert_array_equal(indices, places)
    np.testing.assert_array_equal(backend.functional.max_pool2d(x, kernel, stride, padding, dilation), values)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_padding_never_wins(backend: Backend, window: dict[str, Any], dtype: str) -> None:
    """Below every finite number, and below the lowest; a plane of -inf names cells of its own."""
    for value in (-np.finfo(dtype).max, -np.inf):
        x = np.full((1, 9, 40), value, dtype)
        y, indices = backend.functional.max_pool2d(x, **window, return_indices=True)
        assert (y == x[0, 0, 0]).all()
        assert indices.min() >= 0
        assert indices.max() < 9 * 40
        grad_x = backend.functional.max_pool2d_backward(np.ones_like(y), indices, x.shape, **window)
        assert grad_x.sum() == y.size


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_window_of_padding_alone(backend: Backend, dtype: str) -> None:
    """Taps at -2 and 1 of a plane of one row."""
    F, x = backend.functional, np.ones((1, 1, 5), dtype)
    window = {"kernel_size": (2, 1), "stride": 1, "padding": (2, 0), "dilation": (3, 1)}
    y, indices = F.max_pool2d(x, **window, return_indices=True)
    np.testing.assert_array_equal(y[0], [[-np.inf] * 5, [-np.inf] * 5])
    np.testing.assert_array_equal(indices[0], [[-1] * 5, [-1] * 5])
    assert not F.max_pool2d_backward(np.ones_like(y), indices, x.shape, **window).any()
    with pytest.raises(IndexError, match=r"got 0 at position \(0, 0, 0\)"):
        F.max_pool2d_backward(np.ones_like(y), np.zeros_like(indices), x.shape, **window)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padding_up_to_the_window(backend: Backend, kernel: int, stride: int, dtype: str) -> None:
    """All that ONNX allows, each side on its own: as if the plane had been surrounded by -inf, or zeros."""
    F, rng = backend.functional, np.random.default_rng(1)
    x = rng.standard_normal((2, 7, 21)).astype(dtype)
    for _ in range(5):
        sides = tuple(tuple(int(n) for n in pair) for pair in rng.integers(0, kernel, (2, 2)))
        around = ((0, 0), *sides)
        wide = np.pad(x, around, constant_values=-np.inf)
        assert_same_bits(
            [F.max_pool2d(x, kernel, stride, sides)], [F.max_pool2d(wide, kernel, stride)], sides
        )
        mean = F.avg_pool2d(np.pad(x, around), kernel, stride)
        np.testing.assert_allclose(F.avg_pool2d(x, kernel, stride, sides), mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (2, 5)])
def test_same_keeps_the_size_and_puts_the_odd_cell_last(backend: Backend, kernel: Any) -> None:
    F, x = backend.functional, np.arange(30.0).reshape(1, 5, 6)
    h, w = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    explicit = (((h - 1) // 2, h // 2), ((w - 1) // 2, w // 2))
    y = F.max_pool2d(x, kernel, 1, "same")
    assert y.shape == x.shape
    assert_same_bits([y], [F.max_pool2d(x, kernel, 1, explicit)], kernel)
    assert_same_bits([F.avg_pool2d(x, kernel, 2, "valid")], [F.avg_pool2d(x, kernel, 2, 0)], kernel)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "floor", "ceil"),
    [
        (5, 2, 2, 0, 2, 3),
        (5, 3, 2, 1, 3, 3),
        (6, 3, 2, 1, 3, 4),
        (3, 2, 3, 1, 2, 2),  # a third window would start in the padding at the end
        (4, 2, 3, 1, 2, 2),
        (2, 3, 2, 0, 0, 1),  # only one that reaches over
        (1, 1, 5, 0, 1, 1),
        (7, 3, 4, 0, 2, 2),
        (9, 3, 4, 0, 2, 3),
    ],
)
def test_ceil_mode(
    backend: Backend, size: int, kernel: int, stride: int, padding: int, floor: int, ceil: int
) -> None:
    x = np.arange(float(size)).reshape(1, 1, size)
    for name in ("max_pool2d", "avg_pool2d"):
        function = getattr(backend.functional, name)
        window = ((1, kernel), (1, stride), (0, padding))
        assert function(x, *window, ceil_mode=True).shape == (1, 1, ceil)
        if floor:
            assert function(x, *window).shape == (1, 1, floor)
        else:
            with pytest.raises(ValueError, match="to fit"):
                function(x, *window)


def test_divisors_of_partial_windows(backend: Backend) -> None:
    """Padding counts when it is included; what reaches over it with ceil_mode does not."""
    F, x = backend.functional, np.ones((1, 1, 4))
    row = ((1, 3), (1, 2), ((0, 0), (1, 1)), True)  # cells -1 0 1 | 1 2 3 | 3 4 (5)
    np.testing.assert_allclose(F.avg_pool2d(x, *row), [[[2 / 3, 1, 1 / 2]]], rtol=1e-15)
    np.testing.assert_array_equal(F.avg_pool2d(x, *row, count_include_pad=False), [[[1, 1, 1]]])
    np.testing.assert_array_equal(F.avg_pool2d(x, *row, divisor_override=2), [[[1, 1.5, 0.5]]])
    np.testing.assert_array_equal(F.avg_pool2d(x, *row, divisor_override=-2), [[[-1, -1.5, -0.5]]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("plane", [(7, 7), (1, 1), (3, 50), (20, 20)])
def test_global_pooling_is_pooling_of_the_plane(backend: Backend, plane: tuple[int, int], dtype: str) -> None:
    F = backend.functional
    x = np.random.default_rng(2).integers(-50, 50, (2, 3, *plane)).astype(dtype)
    assert_same_bits([F.global_max_pool2d(x)], [F.max_pool2d(x, plane)], plane)
    assert_same_bits([F.global_max_pool2d(x)], [x.max(axis=(2, 3), keepdims=True)], plane)
    assert_same_bits([F.global_avg_pool2d(x)], [F.avg_pool2d(x, plane)], plane)
    np.testing.assert_allclose(F.global_avg_pool2d(x), x.mean(axis=(2, 3), keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_global_averages_of_any_number_of_planes(backend: Backend, dtype: str) -> None:
    """Planes side by side in vectors, planes left over, and planes larger than a block of theirs."""
    rng = np.random.default_rng(5)
    for planes, plane in [*((n, (3, 5)) for n in range(1, 36)), (3, (70, 71)), (17, (1, 1)), (20, (1, 40))]:
        x = rng.integers(-9, 10, (1, planes, *plane)).astype(dtype)
        expected = x.sum(axis=(2, 3), keepdims=True) / np.asarray(x[0, 0].size, dtype)
        np.testing.assert_allclose(backend.functional.adaptive_avg_pool2d(x, 1), expected, rtol=1e-6, atol=0)


def test_adaptive_windows_overlap_where_sizes_do_not_divide(backend: Backend) -> None:
    F, x = backend.functional, np.arange(7.0).reshape(1, 1, 7)
    np.testing.assert_array_equal(F.adaptive_max_pool2d(x, (1, 3)), [[[2, 4, 6]]])  # [0, 3) [2, 5) [4, 7)
    np.testing.assert_array_equal(F.adaptive_avg_pool2d(x, (1, 3)), [[[1, 3, 5]]])
    grad_x = F.adaptive_avg_pool2d_backward(np.array([[[3.0, 6.0, 9.0]]]), x.shape)
    np.testing.assert_array_equal(grad_x, [[[1, 1, 3, 2, 5, 3, 3]]])


def test_adaptive_windows_of_nothing(backend: Backend) -> None:
    F, x = backend.functional, np.ones((2, 3, 4, 5))
    assert F.adaptive_avg_pool2d(x, (0, 2)).shape == (2, 3, 0, 2)
    y, indices = F.adaptive_max_pool2d(x, (2, 0), return_indices=True)
    assert y.shape == indices.shape == (2, 3, 2, 0)
    assert not F.adaptive_max_pool2d_backward(y, indices, x.shape).any()
    assert not F.adaptive_avg_pool2d_backward(y, x.shape).any()


def test_none_keeps_a_size(backend: Backend) -> None:
    F, x = backend.functional, np.random.default_rng(3).standard_normal((2, 4, 6))
    assert_same_bits([F.adaptive_avg_pool2d(x, None)], [x], "None")
    assert_same_bits([F.adaptive_max_pool2d(x, (2, None))], [F.adaptive_max_pool2d(x, (2, 6))], "(2, None)")


@pytest.mark.parametrize("position", [0, 17, 63])
@pytest.mark.parametrize("value", [-1, 256, -(2**63), 2**63 - 1])
def test_wrong_indices_are_refused_before_anything_is_written(
    backend: Backend, position: int, value: int
) -> None:
    F, x = backend.functional, np.random.default_rng(4).standard_normal((1, 1, 16, 16))
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    indices.reshape(-1)[position] = value
    out = np.full_like(x, 7.0)
    at = rf"got {value} at position \(0, 0, {position // 8}, {position % 8}\)"
    with pytest.raises(IndexError, match=at):
        F.max_pool2d_backward(y, indices, x.shape, 2, out=out)
    assert (out == 7.0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("shape", [*SHAPES, (1, 1, 130, 140)])
def test_bytes_and_indices_give_the_same_gradient(
    backend: Backend, shape: tuple[int, ...], window: dict[str, Any], dtype: str
) -> None:
    """Layers keep the place in the window; the sums have one order, so the bits are the same."""
    from fastnn import nn

    rng = np.random.default_rng(5)
    x = rng.integers(0, 5, shape).astype(dtype)
    y, indices = backend.functional.max_pool2d(x, **window, return_indices=True)
    grad_output = rng.standard_normal(y.shape).astype(dtype)
    layer = nn.MaxPool2d(**window)
    assert_same_bits([layer(x)], [y], window)
    wanted = backend.functional.max_pool2d_backward(grad_output, indices, shape, **window)
    assert_same_bits([layer.backward(grad_output)], [wanted], window)


@pytest.mark.parametrize("dtype", DTYPES)
def test_windows_beyond_all_cells_cost_nothing(backend: Backend, dtype: str) -> None:
    """Padding and spans of up to 2**40 cells, of which a plane of 4 x 8 sees few."""
    F, far = backend.functional, 2**39
    x = np.arange(32, dtype=dtype).reshape(1, 4, 8)
    window = {"kernel_size": 2, "stride": far, "padding": ((0, far - 4), (0, far - 8)), "dilation": far - 1}
    y, indices = F.max_pool2d(x, **window, return_indices=True)
    np.testing.assert_array_equal(y, [[[0]]])
    grad_x = F.max_pool2d_backward(y + 5, indices, x.shape, **window)
    assert (grad_x[0, 0, 0], grad_x.sum()) == (5, 5)
    total = F.avg_pool2d(x, far, far, ((far // 2, far // 2), (1, far - 8)), True, False)
    np.testing.assert_allclose(total, [[[x.mean()]]])


def test_options_of_every_kind_of_int(backend: Backend) -> None:
    F, x = backend.functional, np.random.default_rng(6).standard_normal((1, 6, 6))
    wanted = F.max_pool2d(x, (3, 2), (2, 1), (1, 0))
    for change in (list, np.array):
        given = (change((3, 2)), change((2, 1)), change((1, 0)))
        if change is list:
            assert_same_bits([F.max_pool2d(x, *given)], [wanted], change)
        else:
            with pytest.raises(TypeError, match=r"kernel_size"):
                F.max_pool2d(x, *given)
    assert_same_bits([F.max_pool2d(x, (np.int64(3), np.uint8(2)), (2, 1), (1, 0))], [wanted], "NumPy")


@pytest.mark.parametrize("value", [(2, True), (2, 2.0), [2, "2"], (2, None)])
def test_wrong_kinds_are_refused_after_right_ones(backend: Backend, value: Any) -> None:
    """Equal values of another kind must not find what was built for the right ones."""
    F, x = backend.functional, np.ones((1, 4, 4))
    F.max_pool2d(x, (2, 2)), F.max_pool2d(x, (2, 1))
    with pytest.raises(TypeError, match=r"^\[max_pool2d\] expected kernel_size to be an int"):
        F.max_pool2d(x, value)
