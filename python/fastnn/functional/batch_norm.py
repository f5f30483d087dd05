"""Batch normalisation by channel, and its three gradients."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from fastnn import _core
from fastnn._checks import as_bool, as_float, as_non_negative
from fastnn.backend import kernels_for

if TYPE_CHECKING:
    from fastnn._core import Array


def make_options(op: str, training: bool, momentum: float, eps: float, activation: str | None) -> Any:
    """The checked options of a forward."""
    return _core.BatchNormOptions(
        training=as_bool(op, "training", training),
        momentum=as_float(op, "momentum", momentum),
        eps=as_non_negative(op, "eps", eps),
        relu=_is_relu(op, activation),
    )


# Built once for all calls alike. typed: 1 and True are equal keys, but one is a number, the other an error.
options = lru_cache(maxsize=64, typed=True)(make_options)


@lru_cache(maxsize=64, typed=True)
def gradient_options(
    op: str, training: bool, activation: str | None, needs: tuple[bool, bool, bool], accumulate: bool
) -> Any:
    """The checked options of a backward."""
    return _core.BatchNormGradientOptions(
        training=as_bool(op, "training", training),
        relu=_is_relu(op, activation),
        needs=needs,
        accumulate=accumulate,
    )


def _is_relu(op: str, activation: Any) -> bool:
    if activation is not None and activation != "relu":
        raise ValueError(f'[{op}] expected activation to be None or "relu", got {activation!r}')
    return activation is not None


def batch_norm(
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None = None,
    bias: Array | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    activation: Literal["relu"] | None = None,
    out: Array | None = None,
) -> Array:
    """Give each channel mean 0 and variance 1, then scale it by weight and shift it by bias.

    y = weight (x - mean) / sqrt(var + eps) + bias, with the mean and the biased variance of the channel over
    the batch where `training`, and with the running ones otherwise. Training also moves the running
    statistics, in place: running = (1 - momentum) running + momentum batch, where the batch's variance is
    the unbiased one. Ioffe and Szegedy, "Batch Normalization", ICML 2015.

    Parameters
    ----------
    x : array of shape (N, C) or (N, C, ...)
    running_mean, running_var : arrays of shape (C,), or both None where `training`
    weight, bias : arrays of shape (C,), optional
    training : bool
    momentum : float
    eps : float
    activation : None or "relu"
        "relu" gives the bits of `relu(batch_norm(...))`, in one pass over memory.
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
        For shapes that do not fit, one value a channel in training, running statistics that are missing or
        cannot be written, or an option out of range. The running statistics are as before then.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> mean, var = np.zeros(2), np.ones(2)
    >>> F.batch_norm(x, mean, var, training=True).round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> mean, var
    (array([0.2, 2. ]), array([ 1.1, 20.9]))
    """
    chosen = options("batch_norm", training, momentum, eps, activation)
    kernels = kernels_for(x, "batch_norm", "x")
    y: Array = kernels.batch_norm(x, (running_mean, running_var), weight, bias, chosen, out)[0]
    return y


def batch_norm_with_stats(
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None = None,
    bias: Array | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    activation: Literal["relu"] | None = None,
    out: Array | None = None,
) -> tuple[Array, Array, Array]:
    """`batch_norm` and the statistics that it used, which `batch_norm_backward` takes.

    Parameters
    ----------
    x, running_mean, running_var, weight, bias, training, momentum, eps, activation, out
        As for `batch_norm`.

    Returns
    -------
    y : array of the shape of x
    save_mean, save_invstd : arrays of shape (C,)
        The mean and 1 / sqrt(var + eps) of each channel.

    Raises
    ------
    TypeError, ValueError
        As `batch_norm`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> y, save_mean, save_invstd = F.batch_norm_with_stats(x, None, None, training=True)
    >>> save_mean, save_invstd.round(3)
    (array([ 2., 20.]), array([1. , 0.1]))
    """
    chosen = options("batch_norm", training, momentum, eps, activation)
    kernels = kernels_for(x, "batch_norm", "x")
    results: tuple[Array, Array, Array] = kernels.batch_norm(
        x, (running_mean, running_var), weight, bias, chosen, out
    )
    return results


def batch_norm_backward(
    grad_output: Array,
    x: Array,
    weight: Array | None,
    save_mean: Array,
    save_invstd: Array,
    training: bool,
    *,
    activation: Literal["relu"] | None = None,
    bias: Array | None = None,
    needs: tuple[bool, bool, bool] = (True, True, True),
    accumulate: bool = False,
    out: tuple[Array | None, Array | None, Array | None] | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `batch_norm`.

    With the n values of a channel, xhat = (x - save_mean) save_invstd: grad_bias = sum dy,
    grad_weight = sum dy xhat, and grad_x = weight save_invstd (dy - grad_bias / n - xhat grad_weight / n)
    in training; in evaluation, where the statistics are constants, grad_x = weight save_invstd dy.

    Parameters
    ----------
    grad_output, x : arrays of one shape (N, C, ...)
        Gradient by the result of `batch_norm`, and its input.
    weight : array of shape (C,), or None
    save_mean, save_invstd : arrays of shape (C,)
        From `batch_norm_with_stats`.
    training : bool
        As the forward was given.
    activation : None or "relu"
        As the forward was given: with "relu", the part of `grad_output` that passes it is found from x,
        and the forward's output is not needed.
    bias : array of shape (C,), optional
        As the forward was given; only "relu" asks for it.
    needs : three bools
        Which of grad_x, grad_weight, grad_bias are wanted.
    accumulate : bool
        Add to the grad_weight and grad_bias given in `out`, rather than overwrite them.
    out : three arrays or None, optional
        Take the gradients.

    Returns
    -------
    grad_x, grad_weight, grad_bias
        Arrays of the shapes of x, (C,) and (C,); None for those not wanted.

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
    >>> x, weight = np.array([[1.0], [2.0], [6.0]]), np.array([2.0])
    >>> y, mean, invstd = F.batch_norm_with_stats(x, None, None, weight, training=True)
    >>> grad_output = np.array([[1.0], [0.0], [0.0]])
    >>> grad_x, grad_weight, grad_bias = F.batch_norm_backward(grad_output, x, weight, mean, invstd, True)
    >>> grad_x.round(3).ravel()
    array([ 0.353, -0.441,  0.088])
    >>> grad_weight.round(3), grad_bias
    (array([-0.926]), array([1.]))
    """
    wanted = tuple(map(bool, needs))
    chosen = gradient_options("batch_norm_backward", training, activation, wanted, bool(accumulate))
    kernels = kernels_for(grad_output, "batch_norm_backward", "grad_output")
    grads: tuple[Array | None, Array | None, Array | None] = kernels.batch_norm_backward(
        grad_output, x, (weight, bias), (save_mean, save_invstd), chosen, out
    )
    return grads
