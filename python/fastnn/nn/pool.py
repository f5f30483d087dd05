"""Pooling layers: the windows are fixed when the layer is made, in training the places of maxima are kept.

A place is the number of an element in its window, one byte, so a layer keeps an eighth of what indices would
take. Those in one dimension run on planes of one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastnn.backend import kernels_for
from fastnn.functional.pool2d import adaptive_options, pool_options
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.functional._window import IntOrPair, PaddingLike
    from fastnn.functional.pool2d import OutputSize


class _Pool(Module):
    """What the layers share: `_options` of the kernels, and the shape of the last input."""

    # What extra_repr names, as torch does.
    _shown: ClassVar[tuple[str, ...]] = ("kernel_size", "stride", "padding")
    _options: Any
    _input_shape: tuple[int, ...] | None = None

    def _seen(self, x: Any) -> Any:
        """The input as planes."""
        return x

    def _given(self, y: Any) -> Any:
        """The planes as output."""
        return y

    def _shape_of_planes(self) -> tuple[int, ...]:
        shape = self._input_shape
        if shape is None:
            self._no_forward()
        return shape

    def extra_repr(self) -> str:
        """The window."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)


class _MaxPool(_Pool):
    _places: Array | None = None

    def forward(self, x: Array) -> Array:
        """The maxima of the windows of x."""
        kernels = kernels_for(x, type(self).__name__, "x")
        planes = self._seen(x)
        if not self.training:
            y, places = kernels.max_pool2d(planes, self._options, None), None
        else:
            y, places = kernels.max_pool2d_with_taps(planes, self._options, None)
        self._take_places(places, planes.shape)
        output: Array = self._given(y)
        return output

    def backward(self, grad_output: Array) -> Array:
        """Each element of grad_output at the place of its maximum."""
        places, shape = self._kept_places()
        kernels = kernels_for(grad_output, f"{type(self).__name__}.backward", "grad_output")
        grad_x = kernels.max_pool2d_backward_of_taps(
            self._seen(grad_output), places, shape, self._options, None
        )
        self._take_places(None, None)
        result: Array = self._given(grad_x)
        return result

    def _take_places(self, places: Array | None, shape: tuple[int, ...] | None) -> None:
        """Keep what the backward needs: where the maxima lie in planes of this shape, or None."""
        self._places, self._input_shape = places, None if places is None else shape

    def _kept_places(self) -> tuple[Array | None, tuple[int, ...]]:
        shape = self._shape_of_planes()
        return self._places, shape


class _AvgPool(_Pool):
    def forward(self, x: Array) -> Array:
        """The means of the windows of x."""
        kernels = kernels_for(x, type(self).__name__, "x")
        planes = self._seen(x)
        y = kernels.avg_pool2d(planes, self._options, None)
        self._input_shape = planes.shape if self.training else None
        output: Array = self._given(y)
        return output

    def backward(self, grad_output: Array) -> Array:
        """Each element of grad_output shared out over its window."""
        shape = self._shape_of_planes()
        kernels = kernels_for(grad_output, f"{type(self).__name__}.backward", "grad_output")
        grad_x = kernels.avg_pool2d_backward(self._seen(grad_output), shape, self._options, None)
        self._input_shape = None
        result: Array = self._given(grad_x)
        return result


class MaxPool2d(_MaxPool):
    """The maximum of each window that slides over a plane.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode
        As for `fastnn.functional.max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.MaxPool2d(2)
    >>> layer
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    >>> layer(np.arange(8.0).reshape(1, 2, 4))
    array([[[5., 7.]]])
    >>> layer.backward(np.array([[[1.0, 2.0]]]))
    array([[[0., 0., 0., 0.],
            [0., 1., 0., 2.]]])
    """

    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: PaddingLike = 0,
        dilation: IntOrPair = 1,
        ceil_mode: bool = False,
    ) -> None:
        self._options = pool_options("MaxPool2d", kernel_size, stride, padding, dilation, ceil_mode)
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.dilation, self.ceil_mode = dilation, ceil_mode


class AvgPool2d(_AvgPool):
    """The mean of each window that slides over a plane.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As for `fastnn.functional.avg_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.AvgPool2d(2)
    >>> layer
    AvgPool2d(kernel_size=2, stride=2, padding=0)
    >>> layer(np.arange(8.0).reshape(1, 2, 4))
    array([[[2.5, 4.5]]])
    >>> layer.backward(np.array([[[4.0, 8.0]]]))
    array([[[1., 1., 2., 2.],
            [1., 1., 2., 2.]]])
    """

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: PaddingLike = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self._options = pool_options(
            "AvgPool2d", kernel_size, stride, padding, 1, ceil_mode, count_include_pad, divisor_override
        )
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override


class AdaptiveMaxPool2d(_MaxPool):
    """The maximum of each part of a plane that is divided into output_size parts.

    Parameters
    ----------
    output_size : int, None, or a pair of these
        As for `fastnn.functional.adaptive_max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.AdaptiveMaxPool2d((1, 2))
    >>> layer
    AdaptiveMaxPool2d(output_size=(1, 2))
    >>> layer(np.arange(6.0).reshape(1, 2, 3))
    array([[[4., 5.]]])
    """

    _shown = ("output_size",)

    def __init__(self, output_size: OutputSize) -> None:
        self._options = adaptive_options("AdaptiveMaxPool2d", output_size)
        self.output_size = output_size


class AdaptiveAvgPool2d(_AvgPool):
    """The mean of each part of a plane that is divided into output_size parts.

    Parameters
    ----------
    output_size : int, None, or a pair of these
        As for `fastnn.functional.adaptive_avg_pool2d`; 1 is the mean of the plane.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.AdaptiveAvgPool2d(1)
    >>> layer
    AdaptiveAvgPool2d(output_size=1)
    >>> layer(np.arange(6.0).reshape(1, 2, 3))
    array([[[2.5]]])
    """

    _shown = ("output_size",)

    def __init__(self, output_size: OutputSize) -> None:
        self._options = adaptive_options("AdaptiveAvgPool2d", output_size)
        self.output_size = output_size


def _one(op: str, arg: str, value: Any) -> Any:
    """The number in a sequence of one, which stands for the number itself."""
    if not isinstance(value, (tuple, list)):
        return value
    if len(value) != 1:
        raise ValueError(f"[{op}] expected {arg} to be an int or a sequence of one, got {value!r}")
    return value[0]


def _row(op: str, arg: str, value: Any) -> Any:
    """A size along the row as the pair for a plane of one row."""
    return None if value is None else (1, _one(op, arg, value))


def _row_padding(op: str, padding: Any) -> Any:
    if isinstance(padding, str):
        return padding
    side = _one(op, "padding", padding)
    return ((0, 0), side if isinstance(side, (tuple, list)) else (side, side))


def _as_planes(op: str, x: Any) -> Any:
    if x.ndim not in (2, 3):
        raise ValueError(f"[{op}] expected an array of shape (C, L) or (N, C, L), got {x.shape}")
    return x[..., None, :]


class MaxPool1d(_MaxPool):
    """The maximum of each window that slides over a sequence, of shape (N, C, L) or (C, L).

    Parameters
    ----------
    kernel_size, stride, dilation : int, or a sequence of one
    padding : int, a sequence of one, ((before, after),), "same" or "valid"
    ceil_mode : bool

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.MaxPool1d(2)
    >>> layer
    MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    >>> layer(np.array([[1.0, 4.0, 3.0, 2.0]]))
    array([[4., 3.]])
    >>> layer.backward(np.array([[10.0, 20.0]]))
    array([[ 0., 10., 20.,  0.]])
    """

    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        op = "MaxPool1d"
        sizes = (_row(op, "kernel_size", kernel_size), _row(op, "stride", stride))
        self._options = pool_options(
            op, *sizes, _row_padding(op, padding), _row(op, "dilation", dilation), ceil_mode
        )
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.dilation, self.ceil_mode = dilation, ceil_mode

    def _seen(self, x: Any) -> Any:
        return _as_planes("MaxPool1d", x)

    def _given(self, y: Any) -> Any:
        return y[..., 0, :]


class AvgPool1d(_AvgPool):
    """The mean of each window that slides over a sequence, of shape (N, C, L) or (C, L).

    Parameters
    ----------
    kernel_size, stride : int, or a sequence of one
    padding : int, a sequence of one, ((before, after),), "same" or "valid"
    ceil_mode, count_include_pad : bool

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.AvgPool1d(2)
    >>> layer
    AvgPool1d(kernel_size=2, stride=2, padding=0)
    >>> layer(np.array([[1.0, 4.0, 3.0, 2.0]]))
    array([[2.5, 2.5]])
    >>> layer.backward(np.array([[10.0, 20.0]]))
    array([[ 5.,  5., 10., 10.]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        op = "AvgPool1d"
        sizes = (_row(op, "kernel_size", kernel_size), _row(op, "stride", stride))
        self._options = pool_options(op, *sizes, _row_padding(op, padding), 1, ceil_mode, count_include_pad)
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def _seen(self, x: Any) -> Any:
        return _as_planes("AvgPool1d", x)

    def _given(self, y: Any) -> Any:
        return y[..., 0, :]
