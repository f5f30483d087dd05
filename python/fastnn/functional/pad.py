"""Padding of the last one or two axes, and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from fastnn._checks import as_float, as_int
from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array

PadMode: TypeAlias = Literal["constant", "reflect", "replicate", "circular", "mean"]


def pad(
    x: Array,
    pad: Sequence[int],
    mode: PadMode = "constant",
    value: float = 0.0,
    *,
    out: Array | None = None,
) -> Array:
    """Add cells around the last one or two axes; a negative number takes cells away.

    Parameters
    ----------
    x : array of shape (..., W), or (..., H, W) for four numbers
    pad : (left, right) or (left, right, top, bottom)
        In the order of torch: the last axis first.
    mode : "constant", "reflect", "replicate", "circular" or "mean"
        What the new cells hold: `value`; the plane mirrored about its edge cells; its nearest cell; the plane
        over again; its mean, for each (H, W) on its own.
    value : float
        For "constant" only.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (..., W + left + right), or (..., H + top + bottom, W + left + right)

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or numbers that are none.
    ValueError
        For another number of sides, a "reflect" of as many cells as there are or a "circular" of more, sides
        that take away more than there is, an unknown mode, or a value for a mode that takes none.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> F.pad(x, (1, 2))
    array([0., 1., 2., 3., 0., 0.])
    >>> F.pad(x, (1, 2), mode="reflect")
    array([2., 1., 2., 3., 2., 1.])
    >>> F.pad(x, (1, 2), mode="mean")
    array([2., 1., 2., 3., 2., 2.])
    >>> F.pad(np.ones((1, 2)), (0, 1, 1, 0))
    array([[0., 0., 0.],
           [1., 1., 0.]])
    """
    kernels = kernels_for(x, "pad", "x")
    cells = _sides("pad", pad, mode)
    number = as_float("pad", "value", value)
    if mode != "constant" and number != 0.0:
        raise ValueError(f'[pad] expected no value with mode="{mode}", got {value}')
    y: Array = kernels.pad(x, cells, mode, number, out)
    return y


def pad_backward(
    grad_output: Array, pad: Sequence[int], mode: PadMode = "constant", *, out: Array | None = None
) -> Array:
    """The gradient of `pad`: every cell takes the gradients of all its copies.

    Parameters
    ----------
    grad_output : array of the shape of the result of `pad`
    pad, mode
        As for `pad`.
    out : array of the shape of x, optional
        Takes the result.

    Returns
    -------
    array of the shape of the x that was padded

    Raises
    ------
    TypeError, ValueError
        As `pad`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.pad_backward(np.array([1.0, 10.0, 100.0, 1000.0]), (1, 1), mode="replicate")
    array([  11., 1100.])
    """
    kernels = kernels_for(grad_output, "pad_backward", "grad_output")
    grad_x: Array = kernels.pad_backward(grad_output, _sides("pad_backward", pad, mode), mode, out)
    return grad_x


def _sides(op: str, pad: Sequence[int], mode: str) -> tuple[int, ...]:
    if not isinstance(pad, (tuple, list)):
        raise TypeError(
            f"[{op}] expected pad (left, right) or (left, right, top, bottom), got {type(pad).__name__}"
        )
    if not isinstance(mode, str):
        raise TypeError(f"[{op}] expected mode to be a str, got {type(mode).__name__}")
    return tuple(as_int(op, "pad", cells) for cells in pad)
