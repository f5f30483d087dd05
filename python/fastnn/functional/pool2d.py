"""Pooling: the maximum or the mean of windows that slide over the planes of an image.

Sliding windows have a size and a stride of the caller's; adaptive ones divide the plane into as many parts as
the result is to have; a global one is the whole plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from fastnn import _core
from fastnn._checks import as_bool, as_int
from fastnn.backend import kernels_for
from fastnn.functional._window import IntOrPair, PaddingLike, pair, sides

if TYPE_CHECKING:
    from fastnn._core import AdaptivePool2dOptions, Array, Pool2dOptions

# For backwards, whose grad_output says how many windows there are.
_AS_GRAD_OUTPUT = _core.AdaptivePool2dOptions(output_size=(-2, -2))
# None keeps the size of the input.
OutputSize: TypeAlias = int | Sequence[int | None] | None


def pool_options(
    op: str,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: Any = False,
    count_include_pad: Any = True,
    divisor_override: Any = None,
) -> Pool2dOptions:
    """The checked options of a call, built once for all calls alike."""
    sizes = (kernel_size, stride, padding, dilation)
    # Equal keys may differ in kind, as (1, 1) and (True, 1.0) do, and lists are no keys.
    build = _pool_options if all(map(_is_key, sizes)) else _pool_options.__wrapped__
    return build(op, *sizes, ceil_mode, count_include_pad, divisor_override)


def _is_key(value: Any) -> bool:
    if type(value) is tuple:
        return all(type(number) is int for number in value)
    return value is None or type(value) in (int, str)


@lru_cache(maxsize=256, typed=True)
def _pool_options(
    op: str,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor_override: Any,
) -> Pool2dOptions:
    kernel = pair(op, "kernel_size", kernel_size, 1)
    step = kernel if stride is None else pair(op, "stride", stride, 1)
    apart = pair(op, "dilation", dilation, 1)
    cells = sides(op, padding, kernel, step, apart)
    for name, numbers in (("kernel_size", kernel), ("stride", step), ("dilation", apart), ("padding", cells)):
        if max(numbers) > 2**40:
            raise ValueError(f"[{op}] expected {name} up to 2**40, got {numbers}")
    return _core.Pool2dOptions(
        kernel_size=kernel,
        stride=step,
        padding=cells,
        dilation=apart,
        ceil_mode=as_bool(op, "ceil_mode", ceil_mode),
        count_include_pad=as_bool(op, "count_include_pad", count_include_pad),
        divisor=_divisor(op, divisor_override),
    )


def _divisor(op: str, divisor_override: Any) -> int:
    """0 stands for none."""
    if divisor_override is None:
        return 0
    divisor = as_int(op, "divisor_override", divisor_override, -(2**62), 2**62)
    if divisor == 0:
        raise ValueError(f"[{op}] expected divisor_override other than 0, got 0")
    return divisor


def adaptive_options(op: str, output_size: Any) -> AdaptivePool2dOptions:
    """The checked options of an adaptive pooling."""
    both = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(both) != 2:
        raise ValueError(f"[{op}] expected output_size to be an int or a pair (h, w), got {output_size!r}")
    sizes = tuple(-1 if n is None else as_int(op, "output_size", n, 0, 2**31 - 1) for n in both)
    return _core.AdaptivePool2dOptions(output_size=sizes)


def _shape(op: str, input_shape: Any) -> tuple[int, ...]:
    if not isinstance(input_shape, (tuple, list)):
        raise TypeError(f"[{op}] expected input_shape to be a tuple of ints, got {input_shape!r}")
    return tuple(as_int(op, "input_shape", n, 0, 2**62) for n in input_shape)


@overload
def max_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
    *,
    out: Array | None = None,
) -> Array: ...
@overload
def max_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
    out: Array | None = None,
) -> tuple[Array, Array]: ...
def max_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    """The largest element of each window of each plane.

    Padding counts as -inf and never wins. Of equal elements the first one wins, row by row, and a NaN wins
    over all numbers, the last one of several.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    kernel_size : int or (h, w)
    stride : int or (h, w), optional
        That of the kernel by default.
    padding : int, (h, w), ((top, bottom), (left, right)), "same" or "valid"
        Anything smaller than dilation * (kernel_size - 1) + 1, the size of the window.
    dilation : int or (h, w)
        Distance between the elements of a window.
    ceil_mode : bool
        Whether a last window may reach over the end; it has to start before the padding there.
    return_indices : bool
        Whether the places of the maxima are wanted, too, for `max_pool2d_backward`.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    y : array of shape (N, C, OH, OW) or (C, OH, OW)
        OH = floor((H + top + bottom - dilation * (kernel_size - 1) - 1) / stride) + 1.
    indices : int64 array of that shape, where wanted
        H * W elements of a plane numbered row by row; -1 for a window of padding alone.

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or a size that is no int.
    ValueError
        For sizes out of range, a window that does not fit, or "same" with a stride.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> F.max_pool2d(x, 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    >>> y, indices = F.max_pool2d(x, 3, stride=2, padding=1, return_indices=True)
    >>> indices
    array([[[[ 5,  7],
             [13, 15]]]])
    """
    kernels = kernels_for(x, "max_pool2d", "x")
    options = pool_options("max_pool2d", kernel_size, stride, padding, dilation, ceil_mode)
    if as_bool("max_pool2d", "return_indices", return_indices):
        pair_of_arrays: tuple[Array, Array] = kernels.max_pool2d_with_indices(x, options, out)
        return pair_of_arrays
    y: Array = kernels.max_pool2d(x, options, out)
    return y


def max_pool2d_backward(
    grad_output: Array,
    indices: Array,
    input_shape: Sequence[int],
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    *,
    out: Array | None = None,
) -> Array:
    """The gradient of `max_pool2d`: each element of grad_output goes to the place of its maximum.

    Parameters
    ----------
    grad_output : array of shape (N, C, OH, OW) or (C, OH, OW)
    indices : int64 array of that shape
        As `max_pool2d` returned them.
    input_shape : tuple of ints
        The shape of x.
    kernel_size, stride, padding, dilation, ceil_mode
        As for `max_pool2d`.
    out : array of shape input_shape, optional
        Takes the result.

    Returns
    -------
    array of shape input_shape

    Raises
    ------
    TypeError
        For anything but a grad_output of float32 or float64 and indices of int64.
    ValueError
        For shapes that do not fit, and as `max_pool2d`.
    IndexError
        For an index outside the rows of its window, before anything is written.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.array([[[1.0, 2.0, 0.0, 5.0]]])
    >>> y, indices = F.max_pool2d(x, (1, 2), return_indices=True)
    >>> F.max_pool2d_backward(np.array([[[10.0, 20.0]]]), indices, x.shape, (1, 2))
    array([[[ 0., 10.,  0., 20.]]])
    """
    op = "max_pool2d_backward"
    kernels = kernels_for(grad_output, op, "grad_output")
    options = pool_options(op, kernel_size, stride, padding, dilation, ceil_mode)
    shape = _shape(op, input_shape)
    grad_x: Array = kernels.max_pool2d_backward(grad_output, indices, shape, options, out)
    return grad_x


def avg_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: PaddingLike = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Array | None = None,
) -> Array:
    """The mean of each window of each plane, padding counting as 0.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, ceil_mode
        As for `max_pool2d`.
    count_include_pad : bool
        Whether the sum is divided by all cells of the window, padding included, or by those inside x. What
        reaches over the padding, with `ceil_mode`, never counts.
    divisor_override : int other than 0, optional
        What the sum is divided by instead.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, C, OH, OW) or (C, OH, OW)

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.ones((1, 1, 3, 3))
    >>> F.avg_pool2d(x, 2, padding=1)
    array([[[[0.25, 0.5 ],
             [0.5 , 1.  ]]]])
    >>> F.avg_pool2d(x, 2, padding=1, count_include_pad=False)
    array([[[[1., 1.],
             [1., 1.]]]])
    """
    op = "avg_pool2d"
    kernels = kernels_for(x, op, "x")
    options = pool_options(
        op, kernel_size, stride, padding, 1, ceil_mode, count_include_pad, divisor_override
    )
    y: Array = kernels.avg_pool2d(x, options, out)
    return y


def avg_pool2d_backward(
    grad_output: Array,
    input_shape: Sequence[int],
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: PaddingLike = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Array | None = None,
) -> Array:
    """The gradient of `avg_pool2d`: each element of grad_output is shared out evenly over its window.

    Parameters
    ----------
    grad_output : array of shape (N, C, OH, OW) or (C, OH, OW)
    input_shape : tuple of ints
        The shape of x.
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As for `avg_pool2d`.
    out : array of shape input_shape, optional
        Takes the result.

    Returns
    -------
    array of shape input_shape

    Raises
    ------
    TypeError, ValueError
        As `avg_pool2d`, and for shapes that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.avg_pool2d_backward(np.array([[[4.0, 8.0]]]), (1, 2, 4), 2)
    array([[[1., 1., 2., 2.],
            [1., 1., 2., 2.]]])
    """
    op = "avg_pool2d_backward"
    kernels = kernels_for(grad_output, op, "grad_output")
    options = pool_options(
        op, kernel_size, stride, padding, 1, ceil_mode, count_include_pad, divisor_override
    )
    grad_x: Array = kernels.avg_pool2d_backward(grad_output, _shape(op, input_shape), options, out)
    return grad_x


@overload
def adaptive_max_pool2d(
    x: Array, output_size: OutputSize, return_indices: Literal[False] = False, *, out: Array | None = None
) -> Array: ...
@overload
def adaptive_max_pool2d(
    x: Array, output_size: OutputSize, return_indices: Literal[True], *, out: Array | None = None
) -> tuple[Array, Array]: ...
def adaptive_max_pool2d(
    x: Array, output_size: OutputSize, return_indices: bool = False, *, out: Array | None = None
) -> Array | tuple[Array, Array]:
    """The largest element of each part of a plane that is divided into output_size parts.

    Row o of the result sees the rows floor(o * H / OH) to ceil((o + 1) * H / OH) - 1 of x, and columns alike.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    output_size : int, None, or a pair of these
        OH and OW; None keeps H or W.
    return_indices : bool
        Whether the places of the maxima are wanted, too.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    y : array of shape (N, C, OH, OW) or (C, OH, OW)
    indices : int64 array of that shape, where wanted
        As of `max_pool2d`.

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.adaptive_max_pool2d(np.arange(10.0).reshape(1, 2, 5), (1, 3))
    array([[[6., 8., 9.]]])
    """
    op = "adaptive_max_pool2d"
    kernels = kernels_for(x, op, "x")
    options = adaptive_options(op, output_size)
    if as_bool(op, "return_indices", return_indices):
        pair_of_arrays: tuple[Array, Array] = kernels.max_pool2d_with_indices(x, options, out)
        return pair_of_arrays
    y: Array = kernels.max_pool2d(x, options, out)
    return y


def adaptive_max_pool2d_backward(
    grad_output: Array, indices: Array, input_shape: Sequence[int], *, out: Array | None = None
) -> Array:
    """The gradient of `adaptive_max_pool2d`.

    Parameters
    ----------
    grad_output : array of shape (N, C, OH, OW) or (C, OH, OW)
    indices : int64 array of that shape
    input_shape : tuple of ints
        The shape of x.
    out : array of shape input_shape, optional
        Takes the result.

    Returns
    -------
    array of shape input_shape

    Raises
    ------
    TypeError, ValueError, IndexError
        As `max_pool2d_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.array([[[1.0, 3.0, 2.0]]])
    >>> y, indices = F.adaptive_max_pool2d(x, (1, 2), return_indices=True)
    >>> F.adaptive_max_pool2d_backward(np.array([[[10.0, 20.0]]]), indices, x.shape)
    array([[[ 0., 30.,  0.]]])
    """
    op = "adaptive_max_pool2d_backward"
    kernels = kernels_for(grad_output, op, "grad_output")
    shape = _shape(op, input_shape)
    grad_x: Array = kernels.max_pool2d_backward(grad_output, indices, shape, _AS_GRAD_OUTPUT, out)
    return grad_x


def adaptive_avg_pool2d(x: Array, output_size: OutputSize, *, out: Array | None = None) -> Array:
    """The mean of each part of a plane that is divided into output_size parts.

    The parts are those of `adaptive_max_pool2d`.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    output_size : int, None, or a pair of these
        OH and OW; None keeps H or W.
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, C, OH, OW) or (C, OH, OW)

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.adaptive_avg_pool2d(np.arange(10.0).reshape(1, 2, 5), (1, 3))
    array([[[3. , 4.5, 6. ]]])
    """
    op = "adaptive_avg_pool2d"
    kernels = kernels_for(x, op, "x")
    y: Array = kernels.avg_pool2d(x, adaptive_options(op, output_size), out)
    return y


def adaptive_avg_pool2d_backward(
    grad_output: Array, input_shape: Sequence[int], *, out: Array | None = None
) -> Array:
    """The gradient of `adaptive_avg_pool2d`.

    Parameters
    ----------
    grad_output : array of shape (N, C, OH, OW) or (C, OH, OW)
    input_shape : tuple of ints
        The shape of x.
    out : array of shape input_shape, optional
        Takes the result.

    Returns
    -------
    array of shape input_shape

    Raises
    ------
    TypeError, ValueError
        As `avg_pool2d_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.adaptive_avg_pool2d_backward(np.array([[[4.0, 8.0]]]), (1, 1, 3))
    array([[[2., 6., 4.]]])
    """
    op = "adaptive_avg_pool2d_backward"
    kernels = kernels_for(grad_output, op, "grad_output")
    grad_x: Array = kernels.avg_pool2d_backward(grad_output, _shape(op, input_shape), _AS_GRAD_OUTPUT, out)
    return grad_x


def global_max_pool2d(x: Array, *, out: Array | None = None) -> Array:
    """The largest element of each plane, as ONNX's GlobalMaxPool; its gradient is that of the adaptive form.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, C, 1, 1) or (C, 1, 1)

    Raises
    ------
    TypeError, ValueError
        As `adaptive_max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.global_max_pool2d(np.arange(6.0).reshape(1, 2, 3))
    array([[[5.]]])
    """
    return adaptive_max_pool2d(x, 1, out=out)


def global_avg_pool2d(x: Array, *, out: Array | None = None) -> Array:
    """The mean of each plane, as ONNX's GlobalAveragePool; its gradient is that of the adaptive form.

    Parameters
    ----------
    x : array of shape (N, C, H, W) or (C, H, W)
    out : array of the shape of the result, optional
        Takes the result.

    Returns
    -------
    array of shape (N, C, 1, 1) or (C, 1, 1)

    Raises
    ------
    TypeError, ValueError
        As `adaptive_avg_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.global_avg_pool2d(np.arange(6.0).reshape(1, 2, 3))
    array([[[2.5]]])
    """
    return adaptive_avg_pool2d(x, 1, out=out)
