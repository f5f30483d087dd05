"""Activations that are straight lines between kinks: functions of one element, of any shape.

Of all activations, here and in `activation_smooth`, the backward of relu, sigmoid and tanh takes the output
y, by which their derivative is cheapest; that of all others takes the input x. Values and gradients at kinks,
NaN and infinities are those of `torch.nn.functional`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn._checks import as_float
from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array


def relu(x: Array, *, out: Array | None = None) -> Array:
    """The rectifier max(x, 0); NaN stays NaN.

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
    >>> F.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    y: Array = kernels_for(x, "relu", "x").relu(x, out)
    return y


def relu_backward(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """The gradient of `relu`: 0 where y <= 0, and grad_output elsewhere.

    `y` is the output of `relu`; its input does as well, both are positive (or NaN) at the same places.

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
    >>> F.relu_backward(np.array([5.0, 6.0, 7.0]), np.array([0.0, 0.0, 2.0]))
    array([0., 0., 7.])
    """
    kernels = kernels_for(grad_output, "relu_backward", "grad_output")
    grad_x: Array = kernels.relu_backward(grad_output, y, out)
    return grad_x


def relu6(x: Array, *, out: Array | None = None) -> Array:
    """The rectifier held at 6, min(max(x, 0), 6) (Howard et al., "MobileNets", 2017).

    Parameters, result and errors are those of `relu`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.relu6(np.array([-1.0, 2.0, 8.0]))
    array([0., 2., 6.])
    """
    y: Array = kernels_for(x, "relu6", "x").relu6(x, out)
    return y


def relu6_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """The gradient of `relu6` from its input: grad_output where 0 < x < 6, else 0.

    Parameters, result and errors are those of `relu_backward`, but for `x`, the input.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.relu6_backward(np.array([5.0, 5.0, 5.0]), np.array([-1.0, 2.0, 8.0]))
    array([0., 5., 0.])
    """
    kernels = kernels_for(grad_output, "relu6_backward", "grad_output")
    grad_x: Array = kernels.relu6_backward(grad_output, x, out)
    return grad_x


def leaky_relu(x: Array, negative_slope: float = 0.01, *, out: Array | None = None) -> Array:
    """`x` where it is positive, negative_slope x elsewhere (Maas, Hannun and Ng, 2013).

    Parameters
    ----------
    x : array of any shape
    negative_slope : float
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or a slope that is no number.
    ValueError
        For an infinite or NaN slope, or an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.leaky_relu(np.array([-1.0, 2.0]), 0.5)
    array([-0.5,  2. ])
    """
    if type(negative_slope) is not float:
        negative_slope = as_float("leaky_relu", "negative_slope", negative_slope)
    y: Array = kernels_for(x, "leaky_relu", "x").leaky_relu(x, negative_slope, out)
    return y


def leaky_relu_backward(
    grad_output: Array, x: Array, negative_slope: float = 0.01, *, out: Array | None = None
) -> Array:
    """The gradient of `leaky_relu` from its input: grad_output where x > 0, else negative_slope grad_output.

    Parameters
    ----------
    grad_output, x : arrays of one shape
    negative_slope : float
        What `leaky_relu` was given.
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64, or a slope that is no number.
    ValueError
        For shapes that differ, or an infinite or NaN slope.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.leaky_relu_backward(np.array([4.0, 4.0]), np.array([-1.0, 2.0]), 0.5)
    array([2., 4.])
    """
    if type(negative_slope) is not float:
        negative_slope = as_float("leaky_relu_backward", "negative_slope", negative_slope)
    kernels = kernels_for(grad_output, "leaky_relu_backward", "grad_output")
    grad_x: Array = kernels.leaky_relu_backward(grad_output, x, negative_slope, out)
    return grad_x


def hardtanh(x: Array, min_val: float = -1.0, max_val: float = 1.0, *, out: Array | None = None) -> Array:
    """`x` held between min_val and max_val (Collobert, 2004).

    Parameters
    ----------
    x : array of any shape
    min_val, max_val : float
        min_val <= max_val; both may be infinite.
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or bounds that are no numbers.
    ValueError
        For min_val > max_val or a NaN among them, or an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.hardtanh(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    """
    if type(min_val) is not float:
        min_val = as_float("hardtanh", "min_val", min_val)
    if type(max_val) is not float:
        max_val = as_float("hardtanh", "max_val", max_val)
    y: Array = kernels_for(x, "hardtanh", "x").hardtanh(x, min_val, max_val, out)
    return y


def hardtanh_backward(
    grad_output: Array, x: Array, min_val: float = -1.0, max_val: float = 1.0, *, out: Array | None = None
) -> Array:
    """The gradient of `hardtanh` from its input: grad_output where min_val < x < max_val, else 0.

    Parameters
    ----------
    grad_output, x : arrays of one shape
    min_val, max_val : float
        What `hardtanh` was given.
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64, or bounds that are no numbers.
    ValueError
        For shapes that differ, or min_val > max_val or a NaN among them.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.hardtanh_backward(np.array([5.0, 5.0, 5.0]), np.array([-3.0, 0.5, 1.0]))
    array([0., 5., 0.])
    """
    if type(min_val) is not float:
        min_val = as_float("hardtanh_backward", "min_val", min_val)
    if type(max_val) is not float:
        max_val = as_float("hardtanh_backward", "max_val", max_val)
    kernels = kernels_for(grad_output, "hardtanh_backward", "grad_output")
    grad_x: Array = kernels.hardtanh_backward(grad_output, x, min_val, max_val, out)
    return grad_x


def hardsigmoid(x: Array, alpha: float = 1 / 6, beta: float = 0.5, *, out: Array | None = None) -> Array:
    """The line alpha x + beta held between 0 and 1; by default relu6(x + 3) / 6.

    The names are those of ONNX's HardSigmoid, whose default for alpha is 0.2.

    Parameters
    ----------
    x : array of any shape
    alpha : float above 0
    beta : float
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, or an alpha or beta that is no number.
    ValueError
        For alpha <= 0, an infinite or NaN alpha or beta, or an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.hardsigmoid(np.array([-4.0, 0.0, 1.5, 4.0]))
    array([0.  , 0.5 , 0.75, 1.  ])
    """
    if type(alpha) is not float:
        alpha = as_float("hardsigmoid", "alpha", alpha)
    if type(beta) is not float:
        beta = as_float("hardsigmoid", "beta", beta)
    y: Array = kernels_for(x, "hardsigmoid", "x").hardsigmoid(x, alpha, beta, out)
    return y


def hardsigmoid_backward(
    grad_output: Array, x: Array, alpha: float = 1 / 6, beta: float = 0.5, *, out: Array | None = None
) -> Array:
    """The gradient of `hardsigmoid` from its input: alpha grad_output where 0 < alpha x + beta < 1, else 0.

    Parameters
    ----------
    grad_output, x : arrays of one shape
    alpha, beta : float
        What `hardsigmoid` was given.
    out : array of that shape, optional
        Takes the result; it may be `grad_output` itself.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64, or an alpha or beta that is no number.
    ValueError
        For shapes that differ, alpha <= 0, or an infinite or NaN alpha or beta.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.hardsigmoid_backward(np.array([6.0, 6.0, 6.0]), np.array([-3.0, 0.0, 4.0]))
    array([0., 1., 0.])
    """
    if type(alpha) is not float:
        alpha = as_float("hardsigmoid_backward", "alpha", alpha)
    if type(beta) is not float:
        beta = as_float("hardsigmoid_backward", "beta", beta)
    kernels = kernels_for(grad_output, "hardsigmoid_backward", "grad_output")
    grad_x: Array = kernels.hardsigmoid_backward(grad_output, x, alpha, beta, out)
    return grad_x
