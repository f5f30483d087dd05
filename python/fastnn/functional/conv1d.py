"""Convolution of signals: that of planes with one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fastnn._checks import as_int
from fastnn.backend import as_array, kernels_for
from fastnn.functional.conv2d import options as conv2d_options

if TYPE_CHECKING:
    from fastnn._core import Array, PaddingMode

IntOrOne: TypeAlias = int | Sequence[int]
# An int, (cells,), ((left, right),), or a word.
PaddingOfOne: TypeAlias = int | Sequence[int] | Sequence[Sequence[int]] | Literal["same", "valid"]


def conv1d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: IntOrOne = 1,
    padding: PaddingOfOne = 0,
    dilation: IntOrOne = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingMode = "zeros",
    activation: Literal["relu"] | None = None,
    out: Array | None = None,
) -> Array:
    """Slide filters over signals, as `conv2d` slides them over planes.

    Parameters
    ----------
    x : array of shape (N, C, L) or (C, L)
    weight : array of shape (O, C / groups, k)
    bias : array of shape (O,), optional
    stride, dilation : int or (int,)
    padding : int, (cells,), ((left, right),), "same" or "valid"
    groups, padding_mode, activation
        As for `conv2d`.
    out : array of shape (N, O, L') or (O, L'), optional
        Takes the result.

    Returns
    -------
    array of shape (N, O, L') or (O, L')
        With L' = (L + left + right - dilation · (k - 1) - 1) // stride + 1.

    Raises
    ------
    TypeError, ValueError
        As `conv2d`, which names shapes with an axis of one row.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.conv1d(np.array([[1.0, 2.0, 4.0, 8.0]]), np.array([[[-1.0, 1.0]]]))
    array([[1., 2., 4.]])
    """
    if activation is not None and activation != "relu":
        raise ValueError(f'[conv1d] expected activation to be None or "relu", got {activation!r}')
    kernels = kernels_for(x, "conv1d", "x")
    planes, filters = as_planes("conv1d", "x", x, (2, 3)), as_planes("conv1d", "weight", weight, (3,))
    chosen = plane_options("conv1d", stride, padding, dilation, groups, padding_mode, filters)
    plane_out = None if out is None else as_planes("conv1d", "out", out, (2, 3))
    y: Array = kernels.conv2d(planes, filters, bias, chosen, activation is not None, plane_out)
    return y[..., 0, :] if out is None else _given("conv1d", "out", out, y)


def conv1d_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    stride: IntOrOne = 1,
    padding: PaddingOfOne = 0,
    dilation: IntOrOne = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingMode = "zeros",
    needs: tuple[bool, bool, bool] = (True, True, True),
    accumulate: bool = False,
    out: tuple[Array | None, Array | None, Array | None] | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `conv1d` by x, weight and bias.

    Parameters
    ----------
    grad_output : array of shape (N, O, L') or (O, L')
    x : array of shape (N, C, L) or (C, L)
    weight : array of shape (O, C / groups, k)
    stride, padding, dilation, groups, padding_mode
        As for `conv1d`.
    needs, accumulate, out
        As for `conv2d_backward`.

    Returns
    -------
    grad_x, grad_weight, grad_bias
        Arrays of the shapes of x, weight and (O,); None for those not wanted.

    Raises
    ------
    TypeError, ValueError
        As `conv2d_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x, weight = np.array([[1.0, 2.0, 4.0]]), np.array([[[-1.0, 1.0]]])
    >>> grad_x, grad_weight, grad_bias = F.conv1d_backward(np.array([[1.0, 10.0]]), x, weight)
    >>> grad_x
    array([[-1., -9., 10.]])
    >>> grad_weight
    array([[[21., 42.]]])
    """
    kernels = kernels_for(grad_output, op := "conv1d_backward", "grad_output")
    filters = as_planes(op, "weight", weight, (3,))
    chosen = plane_options(op, stride, padding, dilation, groups, padding_mode, filters)
    grads = kernels.conv2d_backward(
        as_planes(op, "grad_output", grad_output, (2, 3)),
        as_planes(op, "x", x, (2, 3)),
        filters,
        chosen,
        tuple(map(bool, needs)),
        accumulate,
        _plane_outs(op, out),
    )
    grad_x, grad_weight = (grad if grad is None else grad[..., 0, :] for grad in grads[:2])
    if out is None:
        return grad_x, grad_weight, grads[2]
    return _given(op, "out[0]", out[0], grad_x), _given(op, "out[1]", out[1], grad_weight), grads[2]


def as_planes(op: str, arg: str, array: Any, ndims: tuple[int, ...]) -> Array:
    """A view of signals (..., L) as planes (..., 1, L)."""
    array = as_array(array, op, arg)
    if array.ndim not in ndims:
        raise ValueError(f"[{op}] expected {arg} of {ndims[-1]} axes, got shape {array.shape}")
    planes: Array = array[..., None, :]
    return planes


def plane_options(
    op: str,
    stride: IntOrOne,
    padding: PaddingOfOne,
    dilation: IntOrOne,
    groups: int,
    padding_mode: PaddingMode,
    filters: Array,
) -> Any:
    """The options of `conv2d` that leave the axis of one row alone."""
    strides, dilations = (1, _one(op, "stride", stride, 1)), (1, _one(op, "dilation", dilation, 1))
    cells: Any = padding if isinstance(padding, str) else ((0, 0), _ends(op, padding))
    return conv2d_options(op, strides, cells, dilations, groups, padding_mode, filters)


def _one(op: str, arg: str, value: Any, minimum: int) -> int:
    """An int, or the one of a sequence."""
    if isinstance(value, (tuple, list)):
        if len(value) != 1:
            raise ValueError(f"[{op}] expected {arg} to be an int or (int,), got {value!r}")
        (value,) = value
    return as_int(op, arg, value, minimum)


def _ends(op: str, padding: Any) -> tuple[int, int]:
    """Cells at the left and at the right."""
    ends = padding[0] if isinstance(padding, (tuple, list)) and len(padding) == 1 else padding
    if not isinstance(ends, (tuple, list)):
        cells = as_int(op, "padding", ends, 0)
        return cells, cells
    if ends is padding or len(ends) != 2:
        raise ValueError(
            f'[{op}] expected padding to be an int, (cells,), ((left, right),), "same" or "valid", '
            f"got {padding!r}"
        )
    return as_int(op, "padding", ends[0], 0), as_int(op, "padding", ends[1], 0)


def _plane_outs(op: str, out: Any) -> Any:
    """`out` with the arrays for grad_x and grad_weight as planes; the kernels refuse what is no triple."""
    if not isinstance(out, tuple) or len(out) != 3:
        return out
    names = (("out[0]", (2, 3)), ("out[1]", (3,)))
    views = (
        None if array is None else as_planes(op, name, array, ndims)
        for array, (name, ndims) in zip(out[:2], names, strict=True)
    )
    return (*views, out[2])


def _given(op: str, arg: str, out: Any, result: Any) -> Any:
    """The caller's own array, where there is one and the result was wanted."""
    return result if out is None or result is None else as_array(out, op, arg)
