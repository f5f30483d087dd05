"""Activations made of exponentials: functions of one element, of any shape.

The backward of sigmoid and tanh takes the output y, that of the others the input x. Tiny results keep their
relative accuracy: sigmoid and tanh are within 3 units in the last place, gelu within 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from fastnn._checks import as_float
from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array

Approximate: TypeAlias = Literal["none", "tanh"]


def sigmoid(x: Array, *, out: Array | None = None) -> Array:
    """The logistic function 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : array of any shape
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64.
    ValueError
        For an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.sigmoid(np.array([-np.inf, 0.0, np.inf]))
    array([0. , 0.5, 1. ])
    """
    y: Array = kernels_for(x, "sigmoid", "x").sigmoid(x, out)
    return y


def sigmoid_backward(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """The gradient of `sigmoid` from its output: grad_output y (1 - y).

    Parameters
    ----------
    grad_output, y : arrays of one shape
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.sigmoid_backward(np.array([4.0]), np.array([0.5]))
    array([1.])
    """
    kernels = kernels_for(grad_output, "sigmoid_backward", "grad_output")
    grad_x: Array = kernels.sigmoid_backward(grad_output, y, out)
    return grad_x


def tanh(x: Array, *, out: Array | None = None) -> Array:
    """The hyperbolic tangent.

    Parameters
    ----------
    x : array of any shape
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64.
    ValueError
        For an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.tanh(np.array([-np.inf, 0.0, np.inf]))
    array([-1.,  0.,  1.])
    """
    y: Array = kernels_for(x, "tanh", "x").tanh(x, out)
    return y


def tanh_backward(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """The gradient of `tanh` from its output: grad_output (1 - y^2).

    Parameters
    ----------
    grad_output, y : arrays of one shape
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.tanh_backward(np.array([4.0]), np.array([0.5]))
    array([3.])
    """
    kernels = kernels_for(grad_output, "tanh_backward", "grad_output")
    grad_x: Array = kernels.tanh_backward(grad_output, y, out)
    return grad_x


def silu(x: Array, *, out: Array | None = None) -> Array:
    """The input times its sigmoid, x / (1 + exp(-x)) (Hendrycks and Gimpel, 2016; "swish").

    Parameters
    ----------
    x : array of any shape
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64.
    ValueError
        For an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.silu(np.array([-1000.0, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """
    y: Array = kernels_for(x, "silu", "x").silu(x, out)
    return y


def silu_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `silu` from its input: grad_output s (1 + x (1 - s)) with s = sigmoid(x).

    Parameters
    ----------
    grad_output, x : arrays of one shape
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.silu_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    kernels = kernels_for(grad_output, "silu_backward", "grad_output")
    grad_x: Array = kernels.silu_backward(grad_output, x, out)
    return grad_x


def gelu_kernel(op: str, approximate: str) -> str:
    """The name of the kernel for `approximate`; ValueError where that names no form."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"[{op}] expected approximate to be 'none' or 'tanh', got {approximate!r}")
    return "gelu_tanh" if approximate == "tanh" else "gelu"


def gelu(x: Array, approximate: Approximate = "none", *, out: Array | None = None) -> Array:
    """The input times the normal distribution function of it (Hendrycks and Gimpel, "GELU", 2016).

    As in PyTorch, -inf gives NaN, the product of -inf and 0.

    Parameters
    ----------
    x : array of any shape
    approximate : "none" or "tanh"
        The function itself, or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64.
    ValueError
        For an `out` of another shape, or an `approximate` of another name.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    >>> F.gelu(np.array([-1.0, 0.0, 1.0]), approximate="tanh").round(4)
    array([-0.1588,  0.    ,  0.8412])
    """
    name = gelu_kernel("gelu", approximate)
    y: Array = getattr(kernels_for(x, name, "x"), name)(x, out)
    return y


def gelu_backward(
    grad_output: Array, x: Array, approximate: Approximate = "none", *, out: Array | None = None
) -> Array:
    """The gradient of `gelu` from its input: grad_output (Phi(x) + x phi(x)), phi the density of Phi.

    Parameters
    ----------
    grad_output, x : arrays of one shape
    approximate : "none" or "tanh"
        What `gelu` was given.
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ, or an `approximate` of another name.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.gelu_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    name = gelu_kernel("gelu_backward", approximate) + "_backward"
    grad_x: Array = getattr(kernels_for(grad_output, name, "grad_output"), name)(grad_output, x, out)
    return grad_x


def elu(x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """`x` where it is positive, alpha (exp(x) - 1) elsewhere (Clevert, Unterthiner and Hochreiter, 2015).

    Parameters
    ----------
    x : array of any shape
    alpha : float
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or an alpha that is no number.
    ValueError
        For an `out` of another shape, or an infinite or NaN alpha.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.elu(np.array([-np.inf, -1e-20, 2.0]))
    array([-1.e+00, -1.e-20,  2.e+00])
    """
    if type(alpha) is not float:
        alpha = as_float("elu", "alpha", alpha)
    y: Array = kernels_for(x, "elu", "x").elu(x, alpha, out)
    return y


def elu_backward(grad_output: Array, x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """The gradient of `elu` from its input: grad_output where x > 0, else alpha exp(x) grad_output.

    Parameters
    ----------
    grad_output, x : arrays of one shape
    alpha : float
        What `elu` was given.
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64, or an alpha that is no number.
    ValueError
        For shapes that differ, or an infinite or NaN alpha.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.elu_backward(np.array([4.0, 4.0]), np.array([0.0, 2.0]), 0.5)
    array([2., 4.])
    """
    if type(alpha) is not float:
        alpha = as_float("elu_backward", "alpha", alpha)
    kernels = kernels_for(grad_output, "elu_backward", "grad_output")
    grad_x: Array = kernels.elu_backward(grad_output, x, alpha, out)
    return grad_x


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0, *, out: Array | None = None) -> Array:
    """The smooth rectifier log(1 + exp(beta x)) / beta (Dugas et al., 2001).

    Where beta x is above the threshold it is x itself.

    Parameters
    ----------
    x : array of any shape
    beta : float other than 0
    threshold : float
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or a beta or threshold that is no number.
    ValueError
        For an `out` of another shape, a beta that is 0, infinite or NaN, or a NaN threshold.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.softplus(np.array([-1000.0, 0.0, 1000.0])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+03])
    """
    if type(beta) is not float:
        beta = as_float("softplus", "beta", beta)
    if type(threshold) is not float:
        threshold = as_float("softplus", "threshold", threshold)
    y: Array = kernels_for(x, "softplus", "x").softplus(x, beta, threshold, out)
    return y


def softplus_backward(
    grad_output: Array, x: Array, beta: float = 1.0, threshold: float = 20.0, *, out: Array | None = None
) -> Array:
    """The gradient of `softplus` from its input: grad_output, times sigmoid(beta x) up to the threshold.

    Parameters
    ----------
    grad_output, x : arrays of one shape
    beta, threshold : float
        What `softplus` was given.
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64, or a beta or threshold that is no number.
    ValueError
        For shapes that differ, a beta that is 0, infinite or NaN, or a NaN threshold.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.softplus_backward(np.array([4.0, 4.0]), np.array([0.0, 30.0]))
    array([2., 4.])
    """
    if type(beta) is not float:
        beta = as_float("softplus_backward", "beta", beta)
    if type(threshold) is not float:
        threshold = as_float("softplus_backward", "threshold", threshold)
    kernels = kernels_for(grad_output, "softplus_backward", "grad_output")
    grad_x: Array = kernels.softplus_backward(grad_output, x, beta, threshold, out)
    return grad_x


def logsigmoid(x: Array, *, out: Array | None = None) -> Array:
    """The logarithm of `sigmoid`, -log(1 + exp(-x)), without its loss of small probabilities.

    Parameters
    ----------
    x : array of any shape
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64.
    ValueError
        For an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.logsigmoid(np.array([-1000.0, 1000.0]))
    array([-1000.,    -0.])
    """
    y: Array = kernels_for(x, "logsigmoid", "x").logsigmoid(x, out)
    return y


def logsigmoid_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `logsigmoid` from its input: grad_output sigmoid(-x).

    Parameters
    ----------
    grad_output, x : arrays of one shape
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that differ.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.logsigmoid_backward(np.array([4.0, 4.0]), np.array([0.0, 1000.0]))
    array([2., 0.])
    """
    kernels = kernels_for(grad_output, "logsigmoid_backward", "grad_output")
    grad_x: Array = kernels.logsigmoid_backward(grad_output, x, out)
    return grad_x
