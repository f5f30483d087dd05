"""Convolutions as layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastnn._checks import as_int
from fastnn.backend import kernels_for
from fastnn.functional.conv1d import as_planes, plane_options
from fastnn.functional.conv2d import options as conv2d_options
from fastnn.nn.init import kaiming_uniform_, uniform_
from fastnn.nn.module import Module
from fastnn.nn.parameter import Parameter, grad_targets, set_grads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from fastnn._core import Array, ConvAlgorithm, PaddingMode
    from fastnn.functional._window import IntOrPair, PaddingLike
    from fastnn.functional.conv1d import IntOrOne, PaddingOfOne


class _Convolution(Module):
    """What convolutions along any number of axes have in common; the kernels see all of them as planes."""

    _axes: ClassVar[int]
    algorithm: ConvAlgorithm = "direct"
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: PaddingMode,
        dtype: DTypeLike,
    ) -> None:
        name = type(self).__name__
        self.in_channels = as_int(name, "in_channels", in_channels, minimum=1)
        self.out_channels = as_int(name, "out_channels", out_channels, minimum=1)
        self.groups = as_int(name, "groups", groups, minimum=1)
        for arg, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels % self.groups:
                raise ValueError(
                    f"[{name}] expected {arg} to be a multiple of groups={groups}, got {channels}"
                )
        self.kernel_size = self._for_axes("kernel_size", kernel_size)
        self.stride = self._for_axes("stride", stride)
        self.padding = (
            _as_tuples(padding) if isinstance(padding, (str, tuple, list)) else (padding,) * self._axes
        )
        self.dilation = self._for_axes("dilation", dilation)
        self.padding_mode = padding_mode
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        self.weight = Parameter(np.empty(shape, dtype))
        self.bias = Parameter(np.empty(self.out_channels, dtype)) if bias else None
        self._x: Array | None = None
        self._options(name)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias again.

        Examples
        --------
        >>> import fastnn
        >>> layer = fastnn.nn.Conv2d(1, 2, 3)
        >>> before = layer.weight.data.copy()
        >>> layer.reset_parameters()
        >>> bool((layer.weight.data == before).any())
        False
        """
        kaiming_uniform_(self.weight.data, a=math.sqrt(5.0))
        if self.bias is not None:
            bound = 1.0 / math.sqrt(self.weight.data[0].size)
            uniform_(self.bias.data, -bound, bound)

    def forward(self, x: Array) -> Array:
        """An x of shape (N, in_channels, ...) gives (N, out_channels, ...); both may lack N."""
        return self._forward(x, False)

    def forward_relu(self, x: Array) -> Array:
        """`forward` with ReLU on top, in one kernel; the same bits as one after the other."""
        return self._forward(x, True)

    def backward(self, grad_output: Array) -> Array:
        """A grad_output of the shape of the output gives grad_x of the shape of the input."""
        grad_x: Array = self._backward(grad_output, True)
        return grad_x

    def backward_parameters(self, grad_output: Array) -> None:
        """`backward` without the products that give grad_x."""
        self._backward(grad_output, False)

    def _forward(self, x: Any, relu: bool) -> Array:
        kernels = kernels_for(x, "conv2d", "x")
        planes, bias = self._planes("x", x), self.bias
        filters = self._filters(self.weight._data)
        bias_data = None if bias is None else bias._data
        y: Array = kernels.conv2d(planes, filters, bias_data, self._options("conv2d"), relu, None)
        self._x = planes if self.training else None
        return self._signals(y)

    def _backward(self, grad_output: Any, needs_x: bool) -> Any:
        x, weight, bias = self._x, self.weight, self.bias
        if x is None:
            self._no_forward()
        accumulate, out_weight, out_bias = grad_targets(weight, bias)
        kernels = kernels_for(grad_output, "conv2d_backward", "grad_output")
        grad_x, grad_weight, grad_bias = kernels.conv2d_backward(
            self._planes("grad_output", grad_output),
            x,
            self._filters(weight._data),
            self._options("conv2d_backward"),
            (needs_x, True, bias is not None),
            accumulate,
            (None, None if out_weight is None else self._filters(out_weight), out_bias),
        )
        if not accumulate:
            made = self._signals(grad_weight) if out_weight is None else out_weight
            set_grads(weight, made, bias, grad_bias)
        self._x = None
        return None if grad_x is None else self._signals(grad_x)

    # --- the same arrays as planes, and back ----------------------------------------------------

    def _planes(self, arg: str, array: Array) -> Array:
        return array

    def _filters(self, weight: Array) -> Array:
        return weight

    def _signals(self, planes: Array) -> Array:
        return planes

    def _options(self, op: str) -> Any:
        """The kernels' options; made once for all layers and calls alike."""
        return conv2d_options(
            op,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.padding_mode,
            self.weight._data,
            self.algorithm,
        )

    # --- arguments ------------------------------------------------------------------------------

    def _for_axes(self, arg: str, value: Any) -> tuple[int, ...]:
        """One number for each axis; a single one stands for all."""
        name, axes = type(self).__name__, self._axes
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
        if len(values) != axes:
            wanted = "a pair (h, w)" if axes == 2 else "(int,)"
            raise ValueError(f"[{name}] expected {arg} to be an int or {wanted}, got {value!r}")
        return tuple(as_int(name, arg, number, minimum=1) for number in values)

    def extra_repr(self) -> str:
        """As torch has it: what is not the default."""
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        parts.append(f"stride={self.stride}")
        one = (1,) * self._axes
        if self.padding != (0,) * self._axes:
            parts.append(f"padding={self.padding}")
        if self.dilation != one:
            parts.append(f"dilation={self.dilation}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        if self.algorithm != "direct":
            parts.append(f"algorithm={self.algorithm}")
        return ", ".join(parts)


class Conv2d(_Convolution):
    """Filters that slide over planes, as `fastnn.functional.conv2d` has it.

    Weight and bias are drawn from the uniform distribution on ±1/sqrt(n), n the weights of one filter, as
    torch draws them (He et al., "Delving Deep into Rectifiers", ICCV 2015, with slope sqrt(5)).

    Parameters
    ----------
    in_channels, out_channels : int
        Multiples of `groups`.
    kernel_size, stride, dilation : int or (h, w)
    padding : int, (h, w), ((top, bottom), (left, right)), "same" or "valid"
        "same" needs stride 1.
    groups : int
        Filters of one of so many equal shares see that share of the channels only.
    bias : bool
    padding_mode : "zeros", "reflect", "replicate", "circular" or "mean"
    dtype : float32 or float64
    algorithm : "direct" or "winograd"
        Allows Winograd's algorithm, of other roundings and about half of the time for 3x3 filters on the CPU.

    Attributes
    ----------
    weight : Parameter of shape (out_channels, in_channels / groups, kH, kW)
    bias : Parameter of shape (out_channels,), or None

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Conv2d(1, 8, 3, padding=1)
    >>> layer
    Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> layer(np.ones((5, 1, 28, 28), np.float32)).shape
    (5, 8, 28, 28)
    >>> layer.backward(np.ones((5, 8, 28, 28), np.float32)).shape
    (5, 1, 28, 28)
    >>> layer.bias.grad[:2]
    array([3920., 3920.], dtype=float32)
    """

    _axes = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: PaddingLike = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        dtype: DTypeLike = np.float32,
        *,
        algorithm: ConvAlgorithm = "direct",
    ) -> None:
        self.algorithm = algorithm
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
        )


class Conv1d(_Convolution):
    """Filters that slide along signals, as `fastnn.functional.conv1d` has it.

    Weight and bias are drawn as those of `Conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        Multiples of `groups`.
    kernel_size, stride, dilation : int or (int,)
    padding : int, (cells,), ((left, right),), "same" or "valid"
        "same" needs stride 1.
    groups, bias, padding_mode, dtype
        As for `Conv2d`.

    Attributes
    ----------
    weight : Parameter of shape (out_channels, in_channels / groups, k)
    bias : Parameter of shape (out_channels,), or None

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Conv1d(4, 6, 5, stride=2)
    >>> layer
    Conv1d(4, 6, kernel_size=(5,), stride=(2,))
    >>> layer(np.ones((3, 4, 21), np.float32)).shape
    (3, 6, 9)
    >>> layer.backward(np.ones((3, 6, 9), np.float32)).shape
    (3, 4, 21)
    """

    _axes = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrOne,
        stride: IntOrOne = 1,
        padding: PaddingOfOne = 0,
        dilation: IntOrOne = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
        )

    def _planes(self, arg: str, array: Array) -> Array:
        return as_planes("conv1d", arg, array, (2, 3))

    def _filters(self, weight: Array) -> Array:
        return weight[:, :, None]

    def _signals(self, planes: Array) -> Array:
        signals: Array = planes[..., 0, :]
        return signals

    def _options(self, op: str) -> Any:
        filters = self._filters(self.weight._data)
        return plane_options(
            op, self.stride, self.padding, self.dilation, self.groups, self.padding_mode, filters
        )


def _as_tuples(value: Any) -> Any:
    """Lists as tuples, inside and outside: only those can be keys of the options made before."""
    return tuple(map(_as_tuples, value)) if isinstance(value, (tuple, list)) else value
