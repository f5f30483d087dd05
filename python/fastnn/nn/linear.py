"""The dense layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_int
from fastnn.backend import kernels_for
from fastnn.nn.init import kaiming_uniform_, uniform_
from fastnn.nn.module import Module
from fastnn.nn.parameter import Parameter, grad_targets, set_grads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from fastnn._core import Array


class Linear(Module):
    """y = x Wᵀ + b on the last axis.

    Weight and bias are drawn from the uniform distribution on ±1/sqrt(in_features), as torch draws them
    (He et al., "Delving Deep into Rectifiers", ICCV 2015, with slope sqrt(5)).

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    dtype : float32 or float64

    Attributes
    ----------
    weight : Parameter of shape (out_features, in_features)
    bias : Parameter of shape (out_features,), or None

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> layer.backward(np.ones((5, 2), np.float32)).shape
    (5, 3)
    >>> layer.bias.grad
    array([5., 5.], dtype=float32)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, dtype: DTypeLike = np.float32
    ) -> None:
        self.in_features = as_int("Linear", "in_features", in_features, minimum=1)
        self.out_features = as_int("Linear", "out_features", out_features, minimum=1)
        self.weight = Parameter(np.empty((self.out_features, self.in_features), dtype))
        self.bias = Parameter(np.empty(self.out_features, dtype)) if bias else None
        self._x: Array | None = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias again.

        Examples
        --------
        >>> import fastnn
        >>> layer = fastnn.nn.Linear(3, 2)
        >>> before = layer.weight.data.copy()
        >>> layer.reset_parameters()
        >>> bool((layer.weight.data == before).any())
        False
        """
        kaiming_uniform_(self.weight.data, a=math.sqrt(5.0))
        if self.bias is not None:
            bound = 1.0 / math.sqrt(self.in_features)
            uniform_(self.bias.data, -bound, bound)

    def forward(self, x: Array) -> Array:
        """An x of shape (..., in_features) gives (..., out_features)."""
        return self._forward(x, False)

    def forward_relu(self, x: Array) -> Array:
        """`forward` with ReLU on top, in one kernel; the same bits as one after the other."""
        return self._forward(x, True)

    def _forward(self, x: Any, relu: bool) -> Array:
        bias = self.bias
        kernels = kernels_for(x, "linear", "x")
        y: Array = kernels.linear(x, self.weight._data, None if bias is None else bias._data, relu, None)
        self._x = x if self.training else None
        return y

    def backward(self, grad_output: Array) -> Array:
        """A grad_output of shape (..., out_features) gives grad_x of shape (..., in_features)."""
        grad_x: Array = self._backward(grad_output, True)
        return grad_x

    def backward_parameters(self, grad_output: Array) -> None:
        """`backward` without the product that gives grad_x."""
        self._backward(grad_output, False)

    def _backward(self, grad_output: Array, needs_x: bool) -> Any:
        x, weight, bias = self._x, self.weight, self.bias
        if x is None:
            self._no_forward()
        accumulate, out_weight, out_bias = grad_targets(weight, bias)
        kernels = kernels_for(grad_output, "linear_backward", "grad_output")
        grad_x, grad_weight, grad_bias = kernels.linear_backward(
            grad_output,
            x,
            weight._data,
            (needs_x, True, bias is not None),
            accumulate,
            (None, out_weight, out_bias),
        )
        if not accumulate:
            set_grads(weight, grad_weight, bias, grad_bias)
        self._x = None
        return grad_x

    def extra_repr(self) -> str:
        """As torch has it."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"
