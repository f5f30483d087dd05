"""Windows of a plane as columns, and columns added back into a plane: each is the other's gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn.backend import kernels_for
from fastnn.functional._window import IntOrPair, PaddingLike, pair, sides

if TYPE_CHECKING:
    from fastnn._core import Array


def im2col(
    x: Array,
    kernel_size: IntOrPair,
    dilation: IntOrPair = 1,
    padding: PaddingLike = 0,
    stride: IntOrPair = 1,
    *,
    out: Array | None = None,
) -> Array:
    """Lay out the windows that slide over x as columns (`torch.nn.functional.unfold`).

    A convolution is the product of a weight (O, C kH kW) with these columns. `col2im` with the same options
    is the gradient.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    kernel_size, dilation, stride : int or (h, w)
    padding : int, (h, w), ((top, bottom), (left, right)), "same" or "valid"
        Cells of 0 around the plane.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, C kH kW, L) or (C kH kW, L)
        With L the number of windows, row by row.

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or numbers that are no integers.
    ValueError
        For an x of other axes or without cells, an option out of range, or a window that fits nowhere.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.arange(6.0).reshape(1, 2, 3)
    >>> F.im2col(x, (2, 2))
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    """
    kernels = kernels_for(x, "im2col", "x")
    columns: Array = kernels.im2col(x, _window("im2col", kernel_size, dilation, padding, stride), out)
    return columns


def col2im(
    columns: Array,
    output_size: IntOrPair,
    kernel_size: IntOrPair,
    dilation: IntOrPair = 1,
    padding: PaddingLike = 0,
    stride: IntOrPair = 1,
    *,
    out: Array | None = None,
) -> Array:
    """Add each element of the columns to the cell it stands for (`torch.nn.functional.fold`).

    The adjoint of `im2col`, and so its gradient; `im2col` with the same options is the gradient of this one.

    Parameters
    ----------
    columns : array of shape (N, C kH kW, L) or (C kH kW, L)
    output_size : int or (h, w)
        The height and the width of the planes.
    kernel_size, dilation, stride : int or (h, w)
    padding : int, (h, w), ((top, bottom), (left, right)), "same" or "valid"
        What lies there is dropped.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, C, H, W) or (C, H, W)

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or numbers that are no integers.
    ValueError
        For columns of another shape, an option out of range, or a window that fits nowhere.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.col2im(np.ones((4, 2)), (2, 3), (2, 2))  # how many windows see each cell
    array([[[1., 2., 1.],
            [1., 2., 1.]]])
    """
    kernels = kernels_for(columns, "col2im", "columns")
    window = _window("col2im", kernel_size, dilation, padding, stride)
    x: Array = kernels.col2im(columns, pair("col2im", "output_size", output_size, 1), window, out)
    return x


def _window(
    op: str, kernel_size: IntOrPair, dilation: IntOrPair, padding: PaddingLike, stride: IntOrPair
) -> tuple[int, ...]:
    """Kernel, stride, dilation, each (h, w), and the sides, in the order that the kernels take."""
    kernel = pair(op, "kernel_size", kernel_size, 1)
    strides = pair(op, "stride", stride, 1)
    dilations = pair(op, "dilation", dilation, 1)
    return (*kernel, *strides, *dilations, *sides(op, padding, kernel, strides, dilations))
