"""Sampling of planes at places that a grid names, affine grids, and the gradients of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fastnn._checks import as_bool, as_int
from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array

SampleMode: TypeAlias = Literal["bilinear", "nearest"]
SamplePadding: TypeAlias = Literal["zeros", "border"]


def affine_grid(
    theta: Array, size: Sequence[int], align_corners: bool = False, *, out: Array | None = None
) -> Array:
    """The places theta (x, y, 1) of the cells of a result, for `grid_sample`.

    Jaderberg et al., "Spatial transformer networks", 2015, equation 1.

    Parameters
    ----------
    theta : array of shape (N, 2, 3)
        One affine map for each image.
    size : (N, C, H, W)
        The shape of the result of `grid_sample`; C plays no part.
    align_corners : bool
        Whether -1 and 1 are the centres of the first and the last cell, or the outer edges of these.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, H, W, 2)
        (x, y) for each cell.

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or sizes that are no integers.
    ValueError
        For a theta or a size of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> theta = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])  # every cell stays where it is
    >>> F.affine_grid(theta, (1, 1, 2, 2))
    array([[[[-0.5, -0.5],
             [ 0.5, -0.5]],
    <BLANKLINE>
            [[-0.5,  0.5],
             [ 0.5,  0.5]]]])
    """
    kernels = kernels_for(theta, "affine_grid", "theta")
    cells = _size("affine_grid", size)
    grid: Array = kernels.affine_grid(
        theta, cells, as_bool("affine_grid", "align_corners", align_corners), out
    )
    return grid


def affine_grid_backward(
    grad_grid: Array, size: Sequence[int], align_corners: bool = False, *, out: Array | None = None
) -> Array:
    """The gradient of `affine_grid` by theta.

    Parameters
    ----------
    grad_grid : array of shape (N, H, W, 2)
    size, align_corners
        As for `affine_grid`.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, 2, 3)

    Raises
    ------
    TypeError, ValueError
        As `affine_grid`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.affine_grid_backward(np.ones((1, 2, 2, 2)), (1, 1, 2, 2))
    array([[[0., 0., 4.],
            [0., 0., 4.]]])
    """
    op = "affine_grid_backward"
    kernels = kernels_for(grad_grid, op, "grad_grid")
    grad_theta: Array = kernels.affine_grid_backward(
        grad_grid, _size(op, size), as_bool(op, "align_corners", align_corners), out
    )
    return grad_theta


def grid_sample(
    input: Array,
    grid: Array,
    mode: SampleMode = "bilinear",
    padding_mode: SamplePadding = "zeros",
    align_corners: bool = False,
    *,
    out: Array | None = None,
) -> Array:
    """Read the planes of `input` at the places of `grid`.

    Parameters
    ----------
    input : array of shape (N, C, H, W)
    grid : array of shape (N, H_out, W_out, 2)
        A place (x, y) for each cell of the result; -1 and 1 are the ends of a plane.
    mode : "bilinear" or "nearest"
        The four cells around a place, weighted by how near they are; or the nearest, the even one of two.
    padding_mode : "zeros" or "border"
        Beyond the plane lie zeros, or places there move to its nearest cell.
    align_corners : bool
        Whether -1 and 1 are the centres of the first and the last cell, or the outer edges of these.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, C, H_out, W_out)
        A place of NaN gives NaN with "bilinear" and "zeros", 0 with "nearest" and "zeros", and stands for
        cell 0 with "border", as in torch.

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that do not fit, planes without cells, or another mode or padding_mode; torch's "bicubic"
        and "reflection" are not there.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> F.grid_sample(x, np.array([[[[-0.5, -0.5], [0.0, 0.0], [1.0, 0.0]]]]))
    array([[[[0. , 1.5, 1. ]]]])
    >>> mirror = np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> F.grid_sample(x, F.affine_grid(mirror, x.shape))
    array([[[[1., 0.],
             [3., 2.]]]])
    """
    kernels = kernels_for(input, "grid_sample", "input")
    y: Array = kernels.grid_sample(
        input, grid, *_options("grid_sample", mode, padding_mode, align_corners), out
    )
    return y


def grid_sample_backward(
    grad_output: Array,
    input: Array,
    grid: Array,
    mode: SampleMode = "bilinear",
    padding_mode: SamplePadding = "zeros",
    align_corners: bool = False,
    *,
    needs: tuple[bool, bool] = (True, True),
    out: tuple[Array | None, Array | None] | None = None,
) -> tuple[Array | None, Array | None]:
    """The gradients of `grid_sample` by input and grid.

    Parameters
    ----------
    grad_output : array of shape (N, C, H_out, W_out)
    input, grid, mode, padding_mode, align_corners
        As for `grid_sample`.
    needs : (bool, bool)
        Which of the two are wanted.
    out : tuple of two arrays or None, optional
        Take the results.

    Returns
    -------
    grad_input, grad_grid
        In the shapes of input and grid; None where not needed. grad_grid is 0 with "nearest", and for
        coordinates outside the plane with "border".

    Raises
    ------
    TypeError, ValueError
        As `grid_sample`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> F.grid_sample_backward(np.ones((1, 1, 1, 1)), x, np.zeros((1, 1, 1, 2)))
    (array([[[[0.25, 0.25],
             [0.25, 0.25]]]]), array([[[[1., 2.]]]]))
    """
    op = "grid_sample_backward"
    kernels = kernels_for(input, op, "input")
    if not isinstance(needs, (tuple, list)):
        raise TypeError(f"[{op}] expected needs to be two booleans, got {needs!r}")
    gradients: tuple[Array | None, Array | None] = kernels.grid_sample_backward(
        grad_output, input, grid, *_options(op, mode, padding_mode, align_corners), tuple(needs), out
    )
    return gradients


def _size(op: str, size: Any) -> tuple[int, ...]:
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"[{op}] expected size (N, C, H, W), got {type(size).__name__}")
    return tuple(as_int(op, "size", n) for n in size)


def _options(op: str, mode: Any, padding_mode: Any, align_corners: Any) -> tuple[str, str, bool]:
    for name, value in (("mode", mode), ("padding_mode", padding_mode)):
        if not isinstance(value, str):
            raise TypeError(f"[{op}] expected {name} to be a str, got {type(value).__name__}")
    return mode, padding_mode, as_bool(op, "align_corners", align_corners)
