"""Layer normalisation as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_non_negative
from fastnn.backend import kernels_for
from fastnn.functional.layer_norm import as_shape, gradient_options
from fastnn.nn.module import Module
from fastnn.nn.parameter import Parameter, grad_targets, set_grads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from fastnn._core import Array


class LayerNorm(Module):
    """Give each row, the elements of the last axes, mean 0 and variance 1; then y = weight xhat + bias.

    Training and evaluation do the same. Ba, Kiros and Hinton, "Layer Normalization", 2016.

    Parameters
    ----------
    normalized_shape : int or sequence of ints
        The sizes of the last axes.
    eps : float
        Added to the variance, inside the root.
    elementwise_affine : bool
        Whether there are weight and bias.
    bias : bool
        False leaves out the bias.
    dtype : float32 or float64

    Attributes
    ----------
    weight, bias : Parameter of shape normalized_shape, or None
        1 and 0 at first.

    Raises
    ------
    TypeError, ValueError
        For arguments out of range; in a forward, for x of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.LayerNorm(2, dtype=np.float64)
    >>> layer
    LayerNorm((2,), eps=1e-05, elementwise_affine=True)
    >>> layer(np.array([[1.0, 3.0], [10.0, 30.0]])).round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    >>> layer.backward(np.ones((2, 2))).round(3)
    array([[0., 0.],
           [0., 0.]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape = as_shape("LayerNorm", normalized_shape)
        self.eps = as_non_negative("LayerNorm", "eps", eps)
        self.elementwise_affine = bool(elementwise_affine)
        affine = self.elementwise_affine
        self.weight = Parameter(np.empty(self.normalized_shape, dtype)) if affine else None
        self.bias = Parameter(np.empty(self.normalized_shape, dtype)) if affine and bias else None
        self._saved: tuple[Array, Array, Array] | None = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        if self.weight is not None:
            self.weight.data.fill(1.0)
        if self.bias is not None:
            self.bias.data.fill(0.0)

    def forward(self, x: Array) -> Array:
        """An x of shape `(..., *normalized_shape)` gives one of that shape."""
        kernels = kernels_for(x, "layer_norm", "x")
        weight, bias = self.weight, self.bias
        y: Array
        y, mean, rstd = kernels.layer_norm(
            x,
            self.normalized_shape,
            None if weight is None else weight._data,
            None if bias is None else bias._data,
            self.eps,
            None,
        )
        self._saved = (x, mean, rstd) if self.training else None
        return y

    def backward(self, grad_output: Array) -> Array:
        """A grad_output of the shape of x gives grad_x of that shape."""
        grad_x: Array = self._backward(grad_output, True)
        return grad_x

    def backward_parameters(self, grad_output: Array) -> None:
        """`backward` without grad_x."""
        self._backward(grad_output, False)

    def _backward(self, grad_output: Any, needs_x: bool) -> Any:
        weight, bias = self.weight, self.bias
        if self._saved is None:
            self._no_forward()
        x, mean, rstd = self._saved
        accumulate, out_weight, out_bias = (
            (False, None, None) if weight is None else grad_targets(weight, bias)
        )
        needs = (needs_x, weight is not None, bias is not None)
        kernels = kernels_for(grad_output, "layer_norm_backward", "grad_output")
        grad_x, grad_weight, grad_bias = kernels.layer_norm_backward(
            grad_output,
            x,
            (mean, rstd),
            None if weight is None else weight._data,
            gradient_options(self.normalized_shape, needs, accumulate),
            (None, out_weight, out_bias),
        )
        if weight is not None and not accumulate:
            set_grads(weight, grad_weight, bias, grad_bias)
        self._saved = None
        return grad_x

    def extra_repr(self) -> str:
        """As torch has it."""
        bias = "" if self.bias is not None or not self.elementwise_affine else ", bias=False"
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}{bias}"
