"""Layer normalisation of the last axes, and its three gradients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastnn import _core
from fastnn._checks import as_float, as_int
from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array


def as_shape(op: str, normalized_shape: Any) -> tuple[int, ...]:
    """`normalized_shape` as a tuple of ints of at least 0; one int stands for one axis."""
    given = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if not given:
        raise ValueError(
            f"[{op}] expected normalized_shape to name at least one axis, got {normalized_shape}"
        )
    return tuple(as_int(op, "normalized_shape", n, minimum=0) for n in given)


# typed: 1 and True are equal keys, but one is a size and the other an error.
@lru_cache(maxsize=64, typed=True)
def gradient_options(normalized_shape: tuple[int, ...], needs: tuple[bool, ...], accumulate: bool) -> Any:
    """The options of a backward, built once for all calls alike."""
    three: Any = needs
    return _core.LayerNormGradientOptions(
        normalized_shape=normalized_shape, needs=three, accumulate=accumulate
    )


def layer_norm(
    x: Array,
    normalized_shape: int | Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    *,
    out: Array | None = None,
) -> Array:
    """Give each row, the elements of the last axes, mean 0 and variance 1, then scale and shift its elements.

    y = weight (x - mean) / sqrt(var + eps) + bias, with the mean and the biased variance of the row.
    Ba, Kiros and Hinton, "Layer Normalization", 2016.

    Parameters
    ----------
    x : array of shape (..., *normalized_shape)
    normalized_shape : int or sequence of ints
    weight, bias : arrays of shape normalized_shape, optional
    eps : float
    out : array of the shape of x, optional
        Takes the result; it may be `x` itself.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that do not fit, or an eps that is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), 2).round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    return layer_norm_with_stats(x, normalized_shape, weight, bias, eps, out=out)[0]


def layer_norm_with_stats(
    x: Array,
    normalized_shape: int | Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    *,
    out: Array | None = None,
) -> tuple[Array, Array, Array]:
    """`layer_norm` and the statistics of the rows, which `layer_norm_backward` takes.

    Parameters
    ----------
    x, normalized_shape, weight, bias, eps, out
        As for `layer_norm`.

    Returns
    -------
    y : array of the shape of x
    mean, rstd : arrays of the shape of x with 1 for each normalised axis
        The mean and 1 / sqrt(var + eps) of each row.

    Raises
    ------
    TypeError, ValueError
        As `layer_norm`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> y, mean, rstd = F.layer_norm_with_stats(np.array([[1.0, 3.0], [10.0, 30.0]]), 2)
    >>> mean.ravel(), rstd.ravel().round(3)
    (array([ 2., 20.]), array([1. , 0.1]))
    """
    if type(normalized_shape) is not tuple:
        normalized_shape = as_shape("layer_norm", normalized_shape)
    if type(eps) is not float:
        eps = as_float("layer_norm", "eps", eps)
    kernels = kernels_for(x, "layer_norm", "x")
    results: tuple[Array, Array, Array] = kernels.layer_norm(x, normalized_shape, weight, bias, eps, out)
    return results


def layer_norm_backward(
    grad_output: Array,
    x: Array,
    normalized_shape: int | Sequence[int],
    mean: Array,
    rstd: Array,
    weight: Array | None = None,
    *,
    needs: tuple[bool, bool, bool] = (True, True, True),
    accumulate: bool = False,
    out: tuple[Array | None, Array | None, Array | None] | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `layer_norm`.

    With u = dy weight, xhat = (x - mean) rstd and the n elements of a row:
    grad_x = rstd (u - sum u / n - xhat sum(u xhat) / n), and over all rows grad_weight = sum dy xhat,
    grad_bias = sum dy.

    Parameters
    ----------
    grad_output, x : arrays of one shape (..., *normalized_shape)
        Gradient by the result of `layer_norm`, and its input.
    normalized_shape : int or sequence of ints
    mean, rstd : arrays of the shape of x with 1 for each normalised axis
        From `layer_norm_with_stats`.
    weight : array of shape normalized_shape, optional
    needs : three bools
        Which of grad_x, grad_weight, grad_bias are wanted.
    accumulate : bool
        Add to the grad_weight and grad_bias given in `out`, rather than overwrite them.
    out : three arrays or None, optional
        Take the gradients.

    Returns
    -------
    grad_x, grad_weight, grad_bias
        Arrays of the shapes of x, normalized_shape and normalized_shape; None for those not wanted.

    Raises
    ------
    TypeError
        For anything but arrays of one dtype, float32 or float64.
    ValueError
        For shapes that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.array([[1.0, 2.0, 6.0]])
    >>> y, mean, rstd = F.layer_norm_with_stats(x, 3)
    >>> grad_x, grad_weight, grad_bias = F.layer_norm_backward(np.array([[1.0, 0.0, 0.0]]), x, 3, mean, rstd)
    >>> grad_x.round(3)
    array([[ 0.176, -0.22 ,  0.044]])
    >>> grad_weight.round(3), grad_bias
    (array([-0.926,  0.   ,  0.   ]), array([1., 0., 0.]))
    """
    if type(normalized_shape) is not tuple:
        normalized_shape = as_shape("layer_norm_backward", normalized_shape)
    chosen = gradient_options(normalized_shape, tuple(map(bool, needs)), bool(accumulate))
    kernels = kernels_for(grad_output, "layer_norm_backward", "grad_output")
    grads: tuple[Array | None, Array | None, Array | None] = kernels.layer_norm_backward(
        grad_output, x, (mean, rstd), weight, chosen, out
    )
    return grads
