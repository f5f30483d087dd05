"""Dropout with a mask that is a function of a key, so that no mask is stored.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns the key and the
position of an element into the decision about it, whatever the number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn._checks import as_int, as_probability
from fastnn.backend import is_gpu_array, kernels_for
from fastnn.random import next_key

if TYPE_CHECKING:
    from types import ModuleType

    from fastnn._core import Array


def dropout(
    x: Array,
    p: float = 0.5,
    training: bool = True,
    *,
    key: tuple[int, int] | Array | None = None,
    out: Array | None = None,
) -> Array:
    """Set each element to 0 with probability `p` and divide the others by 1 - p.

    The result keeps the expectation of x (Srivastava et al., "Dropout", JMLR 2014, in its inverted form).

    Parameters
    ----------
    x : array of any shape
    p : float in [0, 1]
    training : bool
        False gives a copy of x.
    key : (seed, call), optional
        Names the mask; by default `fastnn.random.next_key()`, an array in a graph. Pass one where you need
        the backward.
    out : array of the shape of x, optional
        Takes the result.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64, a `p` that is no number, or a `key` of no two ints.
    ValueError
        For `p` outside [0, 1], a `key` outside [0, 2**64), or an `out` of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn
    >>> import fastnn.functional as F
    >>> fastnn.manual_seed(0)
    >>> x, key = np.ones(1000), fastnn.random.next_key()
    >>> y = F.dropout(x, 0.5, key=key)
    >>> np.unique(y)
    array([0., 2.])
    >>> bool((F.dropout_backward(x, 0.5, key) == y).all())  # the same elements
    True
    """
    return _dropout("dropout", x, p, training, key, out)


def dropout_backward(
    grad_output: Array, p: float, key: tuple[int, int] | Array, *, out: Array | None = None
) -> Array:
    """The gradient of `dropout` with the same `p` and `key`: the same mask and scale.

    Parameters
    ----------
    grad_output : array of any shape
    p : float in [0, 1]
    key : (seed, call)
    out : array of the shape of grad_output, optional
        Takes the result.

    Returns
    -------
    array of the shape of grad_output

    Raises
    ------
    TypeError, ValueError
        As `dropout`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.dropout_backward(np.ones(3), 0.0, (1, 0))
    array([1., 1., 1.])
    """
    return _dropout_backward("dropout", grad_output, p, key, out)


def dropout2d(
    x: Array,
    p: float = 0.5,
    training: bool = True,
    *,
    key: tuple[int, int] | Array | None = None,
    out: Array | None = None,
) -> Array:
    """`dropout` of whole channels: all cells of one share a decision.

    Neighbouring cells of a feature map say much the same, so that a lost one is no loss (Tompson et al.,
    "Efficient object localization using convolutional networks", CVPR 2015).

    Parameters
    ----------
    x : array of shape (N, C, H, W), or (N, C, ...)
    p, training, key, out
        As for `dropout`.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError, ValueError
        As `dropout`, and for an x of fewer than three axes.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> y = F.dropout2d(np.ones((4, 8, 3, 3)), 0.5, key=(1, 0))
    >>> sorted(set(y.sum(axis=(2, 3)).ravel().tolist()))
    [0.0, 18.0]
    """
    return _dropout("dropout2d", x, p, training, key, out)


def dropout2d_backward(
    grad_output: Array, p: float, key: tuple[int, int] | Array, *, out: Array | None = None
) -> Array:
    """The gradient of `dropout2d` with the same `p` and `key`.

    Parameters
    ----------
    grad_output : array of shape (N, C, H, W), or (N, C, ...)
    p, key, out
        As for `dropout_backward`.

    Returns
    -------
    array of the shape of grad_output

    Raises
    ------
    TypeError, ValueError
        As `dropout2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> F.dropout2d_backward(np.ones((1, 1, 1, 2)), 0.0, (1, 0))
    array([[[[1., 1.]]]])
    """
    return _dropout_backward("dropout2d", grad_output, p, key, out)


def _dropout(
    op: str, x: Array, p: float, training: bool, key: tuple[int, int] | Array | None, out: Array | None
) -> Array:
    p = as_probability(op, "p", p)
    kernels = kernels_for(x, op, "x")
    if not training:
        p, key = 0.0, (0, 0)
    return _apply(op, op, kernels, x, p, next_key() if key is None else key, out)


def _dropout_backward(
    op: str, grad_output: Array, p: float, key: tuple[int, int] | Array, out: Array | None
) -> Array:
    name = f"{op}_backward"
    p = as_probability(name, "p", p)
    return _apply(name, op, kernels_for(grad_output, name, "grad_output"), grad_output, p, key, out)


def _apply(
    name: str,
    op: str,
    kernels: ModuleType,
    x: Array,
    p: float,
    key: tuple[int, int] | Array,
    out: Array | None,
) -> Array:
    y: Array
    if is_gpu_array(key) and is_gpu_array(x):
        y = getattr(kernels, f"captured_{op}")(x, p, key, out)
    else:
        seed, call = _as_key(name, key)
        y = getattr(kernels, op)(x, p, seed, call, out)
    return y


def _as_key(op: str, key: tuple[int, int] | Array) -> tuple[int, int]:
    if not isinstance(key, (tuple, list)) or len(key) != 2:
        raise TypeError(f"[{op}] expected key to be a pair (seed, call), got {_shown(key)}")
    seed, call = as_int(op, "key[0]", key[0], minimum=0), as_int(op, "key[1]", key[1], minimum=0)
    if max(seed, call) >= 2**64:
        raise ValueError(f"[{op}] expected key of integers below 2**64, got {key!r}")
    return seed, call


def _shown(key: Any) -> str:
    return "that of a graph, which only a cupy.ndarray takes" if is_gpu_array(key) else repr(key)
