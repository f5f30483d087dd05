"""Clipping of gradients, between backward and the step of the optimizer; one native call for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from fastnn._checks import as_bool, as_float
from fastnn.backend import kernels_for
from fastnn.nn.parameter import Parameter

if TYPE_CHECKING:
    from fastnn._core import Array

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_norm_(
    parameters: Parameter | Iterable[Parameter],
    max_norm: float,
    norm_type: float | Literal["inf"] = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale all gradients by one factor, in place, so that their common norm is at most `max_norm`.

    The norm is that of all gradients as one vector, `(sum |g|^p)^(1/p)`, summed in float64; the factor is
    min(1, max_norm / (norm + 1e-6)). Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent
    neural networks", ICML 2013.

    Parameters
    ----------
    parameters : Parameter or iterable of them, of any shapes, float32 and float64
        Those without a gradient are left out.
    max_norm : float
        At least 0; infinity only measures.
    norm_type : float or "inf"
        p > 0, infinity for the largest absolute value.
    error_if_nonfinite : bool
        Refuse a norm that is infinite or NaN, before any gradient changes. Without it, such a norm makes the
        gradients 0 and NaN.

    Returns
    -------
    float
        The norm before the clipping; 0.0 without gradients.

    Raises
    ------
    TypeError
        For anything but parameters and numbers.
    ValueError
        For max_norm < 0, norm_type <= 0, and with error_if_nonfinite for a norm that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> weight, bias = nn.Parameter(np.zeros(2)), nn.Parameter(np.zeros(1))
    >>> weight.grad, bias.grad = np.array([2.0, 3.0]), np.array([6.0])
    >>> nn.utils.clip_grad_norm_([weight, bias], max_norm=0.7)
    7.0
    >>> weight.grad.round(3), bias.grad.round(3)
    (array([0.2, 0.3]), array([0.6]))
    """
    op = "clip_grad_norm_"
    grads = _gradients(op, parameters)
    largest = as_float(op, "max_norm", max_norm)
    p = math.inf if norm_type == "inf" else as_float(op, "norm_type", norm_type)
    strict = as_bool(op, "error_if_nonfinite", error_if_nonfinite)
    if not grads:
        return 0.0
    norm: float = kernels_for(grads[0], op, "gradients").clip_grad_norm(grads, largest, p, strict)
    return norm


def clip_grad_value_(parameters: Parameter | Iterable[Parameter], clip_value: float) -> None:
    """Clamp every element of all gradients to [-clip_value, clip_value], in place. NaN stays.

    Parameters
    ----------
    parameters : Parameter or iterable of them, of any shapes, float32 and float64
        Those without a gradient are left out.
    clip_value : float
        At least 0.

    Raises
    ------
    TypeError
        For anything but parameters and a number.
    ValueError
        For clip_value < 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> weight = nn.Parameter(np.zeros(3))
    >>> weight.grad = np.array([-5.0, 0.25, 2.0])
    >>> nn.utils.clip_grad_value_(weight, 1.0)
    >>> weight.grad
    array([-1.  ,  0.25,  1.  ])
    """
    op = "clip_grad_value_"
    grads = _gradients(op, parameters)
    limit = as_float(op, "clip_value", clip_value)
    if grads:
        kernels_for(grads[0], op, "gradients").clip_grad_value(grads, limit)


def _gradients(op: str, parameters: Any) -> list[Array]:
    if not isinstance(parameters, (Parameter, Iterable)):
        raise TypeError(f"[{op}] expected parameters to be Parameters, got {type(parameters).__name__}")
    several = [parameters] if isinstance(parameters, Parameter) else list(parameters)
    for parameter in several:
        if not isinstance(parameter, Parameter):
            raise TypeError(f"[{op}] expected parameters to be Parameters, got {type(parameter).__name__}")
    # By identity: an array that two parameters share is scaled once.
    return list({id(p._grad): p._grad for p in several if p._grad is not None}.values())
