"""Activations and their derivatives from the formulas; NaN stays NaN where no clamp says otherwise.

s is the logistic function, Phi and phi the distribution function and the density of the standard normal.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def wide(*arrays: Any) -> list[Array]:
    return [np.asarray(a, dtype=np.float64) for a in arrays]


def logistic(x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))


def relu(x: NDArray) -> Array:
    (x,) = wide(x)
    return np.where(x < 0, 0.0, x)


def relu_backward(grad_output: NDArray, y: NDArray) -> Array:
    """The gradient passes where the output is above 0; torch's rule, which also passes it at NaN."""
    g, y = wide(grad_output, y)
    return np.where(y <= 0, 0.0, g)


def relu6(x: NDArray) -> Array:
    return hardtanh(x, 0.0, 6.0)


def relu6_backward(grad_output: NDArray, x: NDArray) -> Array:
    return hardtanh_backward(grad_output, x, 0.0, 6.0)


def leaky_relu(x: NDArray, negative_slope: float = 0.01) -> Array:
    (x,) = wide(x)
    with np.errstate(all="ignore"):
        return np.where(x > 0, x, x * negative_slope)


def leaky_relu_backward(grad_output: NDArray, x: NDArray, negative_slope: float = 0.01) -> Array:
    g, x = wide(grad_output, x)
    with np.errstate(all="ignore"):
        return np.where(x > 0, g, g * negative_slope)


def hardtanh(x: NDArray, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    (x,) = wide(x)
    return np.minimum(np.maximum(x, min_val), max_val)


def hardtanh_backward(grad_output: NDArray, x: NDArray, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    g, x = wide(grad_output, x)
    return np.where((x > min_val) & (x < max_val), g, 0.0)


def hardsigmoid(x: NDArray, alpha: float = 1 / 6, beta: float = 0.5) -> Array:
    (x,) = wide(x)
    return np.minimum(np.maximum(alpha * x + beta, 0.0), 1.0)


def hardsigmoid_backward(grad_output: NDArray, x: NDArray, alpha: float = 1 / 6, beta: float = 0.5) -> Array:
    g, x = wide(grad_output, x)
    line = alpha * x + beta
    return np.where((line > 0) & (line < 1), alpha * g, 0.0)


def sigmoid(x: NDArray) -> Array:
    return logistic(*wide(x))


def sigmoid_backward(grad_output: NDArray, y: NDArray) -> Array:
    g, y = wide(grad_output, y)
    with np.errstate(all="ignore"):
        return g * (1 - y) * y


def tanh(x: NDArray) -> Array:
    return np.tanh(*wide(x))


def tanh_backward(grad_output: NDArray, y: NDArray) -> Array:
    g, y = wide(grad_output, y)
    with np.errstate(all="ignore"):
        return g * (1 - y * y)


def silu(x: NDArray) -> Array:
    (x,) = wide(x)
    with np.errstate(all="ignore"):
        return x * logistic(x)


def silu_backward(grad_output: NDArray, x: NDArray) -> Array:
    g, x = wide(grad_output, x)
    with np.errstate(all="ignore"):
        return g * (logistic(x) * (1 + x * logistic(-x)))


def normal_cdf(x: Array) -> Array:
    """Phi by erfc, which does not cancel at the left."""
    return np.asarray(np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2))) / 2


def gelu(x: NDArray) -> Array:
    (x,) = wide(x)
    with np.errstate(all="ignore"):
        return x * normal_cdf(x)


def gelu_backward(grad_output: NDArray, x: NDArray) -> Array:
    g, x = wide(grad_output, x)
    with np.errstate(all="ignore"):
        return g * (normal_cdf(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def tanh_argument(x: Array) -> Array:
    return math.sqrt(8 / math.pi) * (x + 0.044715 * x**3)


def gelu_tanh(x: NDArray) -> Array:
    """x/2 (1 + tanh(a/2)) = x s(a)."""
    (x,) = wide(x)
    with np.errstate(all="ignore"):
        return x * logistic(tanh_argument(x))


def gelu_tanh_backward(grad_output: NDArray, x: NDArray) -> Array:
    g, x = wide(grad_output, x)
    with np.errstate(all="ignore"):
        a, slope = tanh_argument(x), math.sqrt(8 / math.pi) * (1 + 0.134145 * x * x)
        return g * (logistic(a) * (1 + x * logistic(-a) * slope))


def elu(x: NDArray, alpha: float = 1.0) -> Array:
    (x,) = wide(x)
    with np.errstate(all="ignore"):
        return np.where(x > 0, x, alpha * np.expm1(x))


def elu_backward(grad_output: NDArray, x: NDArray, alpha: float = 1.0) -> Array:
    g, x = wide(grad_output, x)
    with np.errstate(all="ignore"):
        return np.where(x > 0, g, g * alpha * np.exp(x))


def softplus(x: NDArray, beta: float = 1.0, threshold: float = 20.0) -> Array:
    (x,) = wide(x)
    with np.errstate(all="ignore"):
        return np.where(beta * x > threshold, x, np.logaddexp(0.0, beta * x) / beta)


def softplus_backward(grad_output: NDArray, x: NDArray, beta: float = 1.0, threshold: float = 20.0) -> Array:
    g, x = wide(grad_output, x)
    with np.errstate(all="ignore"):
        return np.where(beta * x > threshold, g, g * logistic(beta * x))


def logsigmoid(x: NDArray) -> Array:
    (x,) = wide(x)
    with np.errstate(all="ignore"):
        return -np.logaddexp(0.0, -x)


def logsigmoid_backward(grad_output: NDArray, x: NDArray) -> Array:
    g, x = wide(grad_output, x)
    with np.errstate(all="ignore"):
        return g * logistic(-x)
