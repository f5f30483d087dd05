"""Activations that are straight lines between kinks, as layers, and what all activations share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fastnn._checks import as_float
from fastnn.backend import kernels_for
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array

    _Output = TypeVar("_Output", Array, None)


class Activation(Module):
    """A function of one element; the subclasses name it. Keeps for the backward what that takes, x or y."""

    _op: str
    _by_output = False
    _kept: Array | None = None

    def forward(self, x: Array) -> Array:
        """An array of any shape gives one of that shape."""
        y: Array = getattr(kernels_for(x, self._op, "x"), self._op)(x, *self._options(), None)
        self._kept = (y if self._by_output else x) if self.training else None
        return y

    def backward(self, grad_output: Array) -> Array:
        """grad_output times the derivative."""
        kept = self._kept
        if kept is None:
            self._no_forward()
        op = self._op + "_backward"
        kernels = kernels_for(grad_output, op, "grad_output")
        grad_x: Array = getattr(kernels, op)(grad_output, kept, *self._options(), None)
        self._kept = None
        return grad_x

    def _options(self) -> tuple[float, ...]:
        """The kernels' other arguments."""
        return ()


class ReLU(Activation):
    """max(x, 0), element by element; keeps its output for the backward.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.ReLU()
    >>> layer(np.array([-1.0, 2.0]))
    array([0., 2.])
    >>> layer.backward(np.array([5.0, 7.0]))
    array([0., 7.])
    """

    parameter_free = True
    _op = "relu"
    _by_output = True

    def _take_output(self, y: _Output) -> _Output:
        """Stand for `forward` where the layer before has applied the rectifier; None: and kept nothing."""
        self._kept = y if self.training else None
        return y

    def _use_up_output(self) -> None:
        """Stand for `backward` where the layer before does it."""
        if self._kept is None:
            self._no_forward()
        self._kept = None


class ReLU6(Activation):
    """min(max(x, 0), 6), element by element; keeps its input for the backward.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.ReLU6()
    >>> layer(np.array([-1.0, 2.0, 8.0]))
    array([0., 2., 6.])
    >>> layer.backward(np.array([5.0, 7.0, 9.0]))
    array([0., 7., 0.])
    """

    parameter_free = True
    _op = "relu6"


class LeakyReLU(Activation):
    """`x` where it is positive, negative_slope x elsewhere; keeps its input for the backward.

    Parameters
    ----------
    negative_slope : float

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.LeakyReLU(0.5)
    >>> layer(np.array([-1.0, 2.0]))
    array([-0.5,  2. ])
    >>> layer.backward(np.array([4.0, 4.0]))
    array([2., 4.])
    """

    parameter_free = True
    _op = "leaky_relu"

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = as_float("LeakyReLU", "negative_slope", negative_slope)

    def _options(self) -> tuple[float, ...]:
        return (self.negative_slope,)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class Hardtanh(Activation):
    """`x` held between min_val and max_val; keeps its input for the backward.

    Parameters
    ----------
    min_val, max_val : float
        min_val < max_val; both may be infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Hardtanh()
    >>> layer(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    >>> layer.backward(np.array([4.0, 5.0, 6.0]))
    array([0., 5., 0.])
    """

    parameter_free = True
    _op = "hardtanh"

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = as_float("Hardtanh", "min_val", min_val)
        self.max_val = as_float("Hardtanh", "max_val", max_val)
        if not self.min_val < self.max_val:
            raise ValueError(f"[Hardtanh] expected min_val < max_val, got {min_val} and {max_val}")

    def _options(self) -> tuple[float, ...]:
        return (self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class Hardsigmoid(Activation):
    """The line alpha x + beta held between 0 and 1; keeps its input for the backward.

    Parameters
    ----------
    alpha : float above 0
    beta : float
        The names are those of ONNX; by default the function is relu6(x + 3) / 6.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Hardsigmoid()
    >>> layer(np.array([-4.0, 0.0, 4.0]))
    array([0. , 0.5, 1. ])
    >>> layer.backward(np.array([6.0, 6.0, 6.0]))
    array([0., 1., 0.])
    """

    parameter_free = True
    _op = "hardsigmoid"

    def __init__(self, alpha: float = 1 / 6, beta: float = 0.5) -> None:
        self.alpha = as_float("Hardsigmoid", "alpha", alpha)
        self.beta = as_float("Hardsigmoid", "beta", beta)

    def _options(self) -> tuple[float, ...]:
        return (self.alpha, self.beta)

    def extra_repr(self) -> str:
        """The line."""
        return f"alpha={self.alpha}, beta={self.beta}"
