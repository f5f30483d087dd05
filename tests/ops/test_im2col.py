"""im2col and col2im: the order of rows and columns, forms of padding, single images, huge options."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_and_columns_are_in_order(backend: Backend, dtype: str) -> None:
    """Channel, kernel row, kernel column; window row, window column."""
    x = np.arange(2 * 3 * 4).reshape(1, 2, 3, 4).astype(dtype)
    columns = backend.functional.im2col(x, (2, 3))
    assert columns.shape == (1, 12, 4)
    for row, (c, i, j) in enumerate(np.ndindex(2, 2, 3)):
        for at, (p, q) in enumerate(np.ndindex(2, 2)):
            assert columns[0, row, at] == x[0, c, p + i, q + j]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_convolution_is_a_product_with_the_columns(backend: Backend, dtype: str) -> None:
    F, rng = backend.functional, np.random.default_rng(0)
    x = rng.integers(-8, 8, (2, 3, 6, 5)).astype(dtype)
    weight = rng.integers(-8, 8, (4, 3, 3, 2)).astype(dtype)
    y = (weight.reshape(4, 18) @ F.im2col(x, (3, 2), padding=1)).reshape(2, 4, 6, 6)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), axis=(2, 3))
    np.testing.assert_array_equal(y, np.einsum("nchwij,ocij->nohw", windows, weight))


@pytest.mark.parametrize(
    ("padding", "same_as"),
    [
        (1, ((1, 1), (1, 1))),
        ((1, 0), ((1, 1), (0, 0))),
        ("valid", 0),
        ("same", ((1, 1), (1, 2))),  # the odd cell on the right
        ([[1, 1], [2, 0]], ((1, 1), (2, 0))),
    ],
)
def test_forms_of_padding(backend: Backend, padding: object, same_as: object) -> None:
    F, x = backend.functional, np.random.default_rng(1).standard_normal((2, 2, 5, 6))
    columns = F.im2col(x, (3, 4), padding=padding)
    assert_same_bits([columns], [F.im2col(x, (3, 4), padding=same_as)], padding)
    image = F.col2im(columns, (5, 6), (3, 4), padding=padding)
    assert_same_bits([image], [F.col2im(columns, (5, 6), (3, 4), padding=same_as)], padding)


def test_padding_of_one_side(backend: Backend) -> None:
    x = np.array([[[[1.0, 2.0]]]])
    columns = backend.functional.im2col(x, 1, padding=((0, 1), (2, 0)))
    np.testing.assert_array_equal(columns, [[[0, 0, 1, 2, 0, 0, 0, 0]]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_a_batch(backend: Backend, dtype: str) -> None:
    F, x = backend.functional, np.random.default_rng(2).standard_normal((3, 5, 6)).astype(dtype)
    columns = F.im2col(x, 2)
    assert_same_bits([columns], [F.im2col(x[None], 2)[0]], "im2col")
    assert_same_bits([F.col2im(columns, (5, 6), 2)], [F.col2im(columns[None], (5, 6), 2)[0]], "col2im")


def test_there_and_back_counts_the_windows(backend: Backend) -> None:
    F = backend.functional
    ones = np.ones((1, 2, 4, 5))
    np.testing.assert_array_equal(F.col2im(F.im2col(ones, 2, stride=2), (4, 5), 2, stride=2)[..., :4], 1.0)
    count = F.col2im(F.im2col(ones, 3, padding=1), (4, 5), 3, padding=1)
    edge_h, edge_w = np.array([2, 3, 3, 2]), np.array([2, 3, 3, 3, 2])
    np.testing.assert_array_equal(count[0, 1], edge_h[:, None] * edge_w)


def test_cells_that_no_window_sees_are_zero(backend: Backend) -> None:
    out = np.full((1, 1, 3, 5), np.nan)
    backend.functional.col2im(np.ones((1, 1, 2)), (3, 5), 1, stride=(3, 4), out=out)
    np.testing.assert_array_equal(out, [[[[1, 0, 0, 0, 1], [0] * 5, [0] * 5]]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_product_overflows(backend: Backend, dtype: str) -> None:
    """2**32 windows or taps a side would be none modulo 2**64."""
    F = backend.functional
    for batch in (0, 1):
        x = np.ones((batch, 1, 1, 1), dtype)
        for padding in (2**31, 2**32, 2**40):
            with pytest.raises((MemoryError, ValueError), match=r"\[im2col\]|memory"):
                F.im2col(x, 1, padding=padding)
    with pytest.raises(ValueError, match=r"\[im2col\] expected fewer than 2\*\*63 elements"):
        F.im2col(x, 2**32, padding=2**31)
    for size in (2**32, 2**40):
        with pytest.raises(ValueError, match=r"\[col2im\] expected fewer than 2\*\*63 elements"):
            F.col2im(np.empty((0, 1, 1), dtype), size, size)


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_axes_of_an_empty_batch(backend: Backend, dtype: str) -> None:
    F, columns = backend.functional, np.empty((0, 2**20, 2**20 + 1), dtype)
    assert F.col2im(columns, (1, 2**21), (1, 2**20)).shape == (0, 1, 1, 2**21)
    assert F.im2col(np.empty((0, 1, 1, 2**21), dtype), (1, 2**20)).shape == columns.shape
