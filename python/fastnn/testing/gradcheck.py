"""Analytic gradients against central differences.

(f(x + h) - f(x - h)) / 2h is off by h² f'''/6 and by the rounding of f over h; h = 1e-5 makes both about
1e-10 in float64, and neither small enough in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastnn._core import Array


def gradcheck(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    inputs: Mapping[str, Array] | Sequence[Array],
    *,
    grad_output: Array | None = None,
    h: float = 1e-5,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    seed: int = 0,
) -> None:
    """Hold the gradients of `backward` against central differences of `forward`.

    Both are compared as gradients of `sum(forward(*inputs) * grad_output)`. Keep away from kinks, such as
    relu's at 0: there is no derivative to find.

    Parameters
    ----------
    forward : callable
        `forward(*inputs)` gives an array or a number.
    backward : callable
        `backward(grad_output, *inputs)` gives a gradient for each input, or None for one that has none; a
        single array where there is one input.
    inputs : dict of str to array, or sequence of arrays
        In float64; the names of a dict are used in messages. Arrays of integers are passed on as they are.
    grad_output : array of the shape of the result, optional
        Random by default.
    h, rtol, atol : float
        The step, and `|analytic - numeric| <= atol + rtol |numeric|`.
    seed : int
        Of the random grad_output.

    Raises
    ------
    AssertionError
        Naming the input, the position and both values, where a gradient differs, has another shape or is
        missing.
    TypeError
        For floating inputs of another dtype than float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastnn.functional as F
    >>> from fastnn.testing import gradcheck
    >>> rng = np.random.default_rng(0)
    >>> inputs = {"x": rng.standard_normal((3, 4)), "weight": rng.standard_normal((2, 4))}
    >>> def backward(grad_output, x, weight):
    ...     return F.linear_backward(grad_output, x, weight)[:2]
    >>> gradcheck(F.linear, backward, inputs)

    A gradient that lacks a factor:

    >>> gradcheck(np.sin, lambda grad_output, x: grad_output, [np.zeros(2) + np.pi], grad_output=np.ones(2))
    Traceback (most recent call last):
        ...
    AssertionError: [gradcheck] the gradient by input 0 differs at (0,): analytic 1, numeric -1 (2 of 2)
    """
    named = dict(inputs) if isinstance(inputs, Mapping) else {f"input {i}": a for i, a in enumerate(inputs)}
    arrays = {name: _checked(name, array).copy() for name, array in named.items()}
    values = list(arrays.values())
    y = np.asarray(forward(*values))
    if grad_output is None:
        grad_output = np.random.default_rng(seed).standard_normal(y.shape)
    gradients = _as_list(backward(grad_output, *(a.copy() for a in values)), len(values))

    def objective() -> float:
        return float(np.sum(np.asarray(forward(*values)) * grad_output))

    for (name, array), gradient in zip(arrays.items(), gradients, strict=True):
        if gradient is not None:
            _compare(name, np.asarray(gradient), _central_differences(objective, array, h), rtol, atol)


def _checked(name: str, array: Any) -> Array:
    if not isinstance(array, np.ndarray) or (array.dtype.kind == "f" and array.dtype != np.float64):
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"[gradcheck] expected {name} to be an array of float64, got {kind}")
    return array


def _as_list(gradients: Any, count: int) -> list[Any]:
    found = list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]
    if len(found) != count:
        raise AssertionError(f"[gradcheck] expected backward to give {count} gradients, got {len(found)}")
    return found


def _central_differences(objective: Callable[[], float], array: Array, h: float) -> Array:
    """The derivatives by every element of `array`, which `objective` reads."""
    numeric = np.empty_like(array)
    for at in np.ndindex(array.shape):
        value = array[at]
        array[at] = value + h
        above = objective()
        array[at] = value - h
        below = objective()
        array[at] = value
        numeric[at] = (above - below) / (2 * h)
    return numeric


def _compare(name: str, analytic: Array, numeric: Array, rtol: float, atol: float) -> None:
    if analytic.shape != numeric.shape:
        raise AssertionError(
            f"[gradcheck] expected the gradient by {name} of shape {numeric.shape}, got {analytic.shape}"
        )
    wrong = ~(np.abs(analytic - numeric) <= atol + rtol * np.abs(numeric))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"[gradcheck] the gradient by {name} differs at {at}: analytic {analytic[at]:.9g}, "
            f"numeric {numeric[at]:.9g} ({wrong.sum()} of {wrong.size})"
        )
