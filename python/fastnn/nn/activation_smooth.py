"""Activations made of exponentials, as layers."""

from __future__ import annotations

from fastnn._checks import as_float
from fastnn.functional.activation_smooth import Approximate, gelu_kernel
from fastnn.nn.activation import Activation


class Sigmoid(Activation):
    """1 / (1 + exp(-x)), element by element; keeps its output for the backward.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Sigmoid()
    >>> layer(np.array([0.0, np.inf]))
    array([0.5, 1. ])
    >>> layer.backward(np.array([4.0, 4.0]))
    array([1., 0.])
    """

    parameter_free = True
    _op = "sigmoid"
    _by_output = True


class Tanh(Activation):
    """The hyperbolic tangent, element by element; keeps its output for the backward.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Tanh()
    >>> layer(np.array([0.0, np.inf]))
    array([0., 1.])
    >>> layer.backward(np.array([4.0, 4.0]))
    array([4., 0.])
    """

    parameter_free = True
    _op = "tanh"
    _by_output = True


class SiLU(Activation):
    """x / (1 + exp(-x)), element by element; keeps its input for the backward.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.SiLU()
    >>> layer(np.array([0.0, 1000.0]))
    array([   0., 1000.])
    >>> layer.backward(np.array([4.0, 4.0]))
    array([2., 4.])
    """

    parameter_free = True
    _op = "silu"


class LogSigmoid(Activation):
    """-log(1 + exp(-x)), element by element; keeps its input for the backward.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.LogSigmoid()
    >>> layer(np.array([-1000.0, 0.0])).round(4)
    array([-1.000e+03, -6.931e-01])
    >>> layer.backward(np.array([4.0, 4.0]))
    array([4., 2.])
    """

    parameter_free = True
    _op = "logsigmoid"


class GELU(Activation):
    """x Phi(x), Phi the normal distribution function; keeps its input for the backward.

    Parameters
    ----------
    approximate : "none" or "tanh"
        The function itself, or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.GELU()
    >>> layer(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8413])
    >>> layer.backward(np.array([4.0, 4.0])).round(4)
    array([2.    , 4.3333])
    """

    parameter_free = True

    def __init__(self, approximate: Approximate = "none") -> None:
        self._op = gelu_kernel("GELU", approximate)
        self.approximate = approximate

    def extra_repr(self) -> str:
        """The form."""
        return f"approximate={self.approximate!r}"


class ELU(Activation):
    """`x` where it is positive, alpha (exp(x) - 1) elsewhere; keeps its input for the backward.

    Parameters
    ----------
    alpha : float

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.ELU(0.5)
    >>> layer(np.array([-np.inf, 2.0]))
    array([-0.5,  2. ])
    >>> layer.backward(np.array([4.0, 4.0]))
    array([0., 4.])
    """

    parameter_free = True
    _op = "elu"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = as_float("ELU", "alpha", alpha)

    def _options(self) -> tuple[float, ...]:
        return (self.alpha,)

    def extra_repr(self) -> str:
        """The factor."""
        return f"alpha={self.alpha}"


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, and x where beta x is above the threshold; keeps its input.

    Parameters
    ----------
    beta : float other than 0
    threshold : float

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Softplus()
    >>> layer(np.array([0.0, 30.0])).round(4)
    array([ 0.6931, 30.    ])
    >>> layer.backward(np.array([4.0, 4.0]))
    array([2., 4.])
    """

    parameter_free = True
    _op = "softplus"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = as_float("Softplus", "beta", beta)
        self.threshold = as_float("Softplus", "threshold", threshold)

    def _options(self) -> tuple[float, ...]:
        return (self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The two numbers."""
        return f"beta={self.beta}, threshold={self.threshold}"
