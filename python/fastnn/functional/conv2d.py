"""Convolution of planes with filters (cross-correlation, as in every framework), and its three gradients."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from fastnn import _core
from fastnn._checks import as_int
from fastnn.backend import as_array, kernels_for
from fastnn.functional._window import pair, sides

if TYPE_CHECKING:
    from fastnn._core import Array, ConvAlgorithm, PaddingMode
    from fastnn.functional._window import IntOrPair, PaddingLike

LARGEST = 2**40  # of a stride, a dilation or a padding, as the kernels have it
MODES = ("zeros", "reflect", "replicate", "circular", "mean")
ALGORITHMS = ("direct", "winograd")


def options(
    op: str,
    stride: IntOrPair,
    padding: PaddingLike,
    dilation: IntOrPair,
    groups: int,
    padding_mode: PaddingMode,
    weight: Any,
    algorithm: ConvAlgorithm = "direct",
) -> Any:
    """The checked options of a call, built once for all calls alike; weight gives "same" its kernel size."""
    kernel = as_array(weight, op, "weight").shape[-2:] if isinstance(padding, str) else (1, 1)
    try:
        return _cached(op, stride, padding, dilation, groups, padding_mode, kernel, algorithm)
    except TypeError:
        # A list is no key; what else is wrong gets its message here.
        return _make(op, stride, padding, dilation, groups, padding_mode, kernel, algorithm)


def _make(
    op: str,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
    padding_mode: Any,
    kernel: Any,
    algorithm: Any,
) -> Any:
    strides, dilations = pair(op, "stride", stride, 1), pair(op, "dilation", dilation, 1)
    cells = sides(op, padding, kernel if len(kernel) == 2 else (1, 1), strides, dilations)
    for name, numbers in (("stride", strides), ("dilation", dilations), ("padding", cells)):
        for number in numbers:
            as_int(op, name, number, maximum=LARGEST)
    count = as_int(op, "groups", groups, minimum=1, maximum=LARGEST)
    if padding_mode not in MODES:
        raise ValueError(f"[{op}] expected padding_mode to be one of {MODES}, got {padding_mode!r}")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"[{op}] expected algorithm to be one of {ALGORITHMS}, got {algorithm!r}")
    return _core.Conv2dOptions(
        stride=strides,
        padding=cells,
        dilation=dilations,
        groups=count,
        padding_mode=padding_mode,
        algorithm=algorithm,
    )


# typed: 1 and True are equal keys, but one is an int and the other an error.
_cached = lru_cache(maxsize=256, typed=True)(_make)


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingMode = "zeros",
    algorithm: ConvAlgorithm = "direct",
    activation: Literal["relu"] | None = None,
    out: Array | None = None,
) -> Array:
    """Slide filters over planes: y[n, o, i, j] = b[o] + Σ weight[o, c, a, b] · x[n, c, i·s - p + a·d, ...].

    With `activation="relu"` the result has the bits of `relu(conv2d(...))`, in one pass over memory.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    weight : array of shape (O, C / groups, kH, kW)
    bias : array of shape (O,), optional
    stride : int or (h, w)
    padding : int, (h, w), ((top, bottom), (left, right)), "same" or "valid"
        Cells added around every plane. "same" keeps its size and needs stride 1; an odd cell goes to the
        bottom and the right.
    dilation : int or (h, w)
        Distance between the cells that neighbouring taps see.
    groups : int
        Filters o of one of `groups` equal shares see that share of the channels only.
    padding_mode : "zeros", "reflect", "replicate", "circular" or "mean"
        What padding consists of; "mean" is the mean over each plane.
    algorithm : "direct" or "winograd"
        "winograd" allows Winograd's F(2x2, 3x3) where it pays: on the CPU, for 3x3 filters of stride and
        dilation 1 with at least 16 channels and filters a group. See the notes.
    activation : None or "relu"
    out : array of shape (N, O, H', W'), optional
        Takes the result.

    Returns
    -------
    array of shape (N, O, H', W') or (O, H', W')
        With H' = (H + top + bottom - dilation · (kH - 1) - 1) // stride + 1, and W' alike.

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64, and for options that are no integers.
    ValueError
        For shapes that do not fit, a window larger than the padded plane, or an option out of range.

    Notes
    -----
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.

    Winograd's algorithm takes 16 products for every four outputs in place of 36 (Lavin and Gray, "Fast
    Algorithms for Convolutional Neural Networks", CVPR 2016). It adds the cells of a 4x4 tile before it
    multiplies them, so that errors are a few roundings of the largest of these and not of the terms of a sum,
    and an infinity or NaN reaches all outputs of its tiles. The gradients of x and weight are computed alike.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> edge = np.array([[[[1.0, -1.0]]]])
    >>> F.conv2d(x, edge)[0, 0]
    array([[-1., -1.],
           [-1., -1.],
           [-1., -1.]])
    >>> F.conv2d(x, np.ones((1, 1, 3, 3)), np.array([0.5]), stride=2, padding=1)[0, 0]
    array([[ 8.5, 12.5],
           [20.5, 24.5]])
    """
    if activation is not None and activation != "relu":
        raise ValueError(f'[conv2d] expected activation to be None or "relu", got {activation!r}')
    kernels = kernels_for(x, "conv2d", "x")
    chosen = options("conv2d", stride, padding, dilation, groups, padding_mode, weight, algorithm)
    y: Array = kernels.conv2d(x, weight, bias, chosen, activation is not None, out)
    return y


def conv2d_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingMode = "zeros",
    algorithm: ConvAlgorithm = "direct",
    needs: tuple[bool, bool, bool] = (True, True, True),
    accumulate: bool = False,
    out: tuple[Array | None, Array | None, Array | None] | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `conv2d` by x, weight and bias.

    Parameters
    ----------
    grad_output : array of shape (N, O, H', W') or (O, H', W')
        Gradient by the result of `conv2d`.
    x : array of shape (N, C, H, W) or (C, H, W)
    weight : array of shape (O, C / groups, kH, kW)
    stride, padding, dilation, groups, padding_mode, algorithm
        As for `conv2d`.
    needs : three bools
        Which of grad_x, grad_weight, grad_bias are wanted. A first layer needs no grad_x.
    accumulate : bool
        Add to the grad_weight and grad_bias given in `out`, rather than overwrite them.
    out : three arrays or None, optional
        Take the gradients.

    Returns
    -------
    grad_x, grad_weight, grad_bias
        Arrays of the shapes of x, weight and (O,); None for those not wanted.

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64, and for options that are no integers.
    ValueError
        For shapes that do not fit, or an option out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x, weight = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([[[[1.0, -1.0]]]])
    >>> grad_x, grad_weight, grad_bias = F.conv2d_backward(np.array([[[[1.0, 10.0]]]]), x, weight)
    >>> grad_x
    array([[[[  1.,   9., -10.]]]])
    >>> grad_weight
    array([[[[21., 32.]]]])
    >>> grad_bias
    array([11.])
    """
    kernels = kernels_for(grad_output, "conv2d_backward", "grad_output")
    chosen = options("conv2d_backward", stride, padding, dilation, groups, padding_mode, weight, algorithm)
    grads: tuple[Array | None, Array | None, Array | None] = kernels.conv2d_backward(
        grad_output, x, weight, chosen, tuple(map(bool, needs)), accumulate, out
    )
    return grads
