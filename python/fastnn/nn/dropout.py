"""Dropout as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn._checks import as_probability
from fastnn.backend import kernels_for
from fastnn.functional.dropout import dropout, dropout2d, dropout2d_backward, dropout_backward
from fastnn.nn.module import Module
from fastnn.random import next_key

if TYPE_CHECKING:
    from fastnn._core import Array


class Dropout(Module):
    """In training, set elements to 0 with probability `p` and divide the others by 1 - p.

    Each forward in training draws another mask; `fastnn.manual_seed` makes them repeatable. In evaluation
    mode the input itself is returned. Srivastava et al., "Dropout", JMLR 2014.

    Parameters
    ----------
    p : float in [0, 1]

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.Dropout(0.25)
    >>> sorted(set(layer(np.full(1000, 3.0)).tolist()))
    [0.0, 4.0]
    >>> layer.eval()(np.full(2, 3.0))
    array([3., 3.])
    """

    _drop, _drop_backward = staticmethod(dropout), staticmethod(dropout_backward)
    parameter_free = True
    _key: tuple[int, int] | Array | None = None

    def __init__(self, p: float = 0.5) -> None:
        self.p = as_probability(type(self).__name__, "p", p)

    def forward(self, x: Array) -> Array:
        """An array of any shape gives one of that shape."""
        if not self.training:
            kernels_for(x, type(self).__name__, "x")
            self._key = None
            return x
        key = next_key()
        y: Array = self._drop(x, self.p, key=key)
        self._key = key
        return y

    def backward(self, grad_output: Array) -> Array:
        """grad_output under the mask of the forward."""
        key = self._key
        if key is None:
            self._no_forward()
        grad_x: Array = self._drop_backward(grad_output, self.p, key)
        self._key = None
        return grad_x

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Dropout2d(Dropout):
    """`Dropout` of whole channels of x (N, C, H, W): all cells of one are kept or dropped together.

    Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.

    Parameters
    ----------
    p : float in [0, 1]

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn
    >>> fastnn.manual_seed(0)
    >>> y = fastnn.nn.Dropout2d(0.5)(np.ones((4, 8, 3, 3)))
    >>> sorted(set(y.sum(axis=(2, 3)).ravel().tolist()))
    [0.0, 18.0]
    """

    parameter_free = True
    _drop, _drop_backward = staticmethod(dropout2d), staticmethod(dropout2d_backward)
