"""The base of the losses: value and gradient in one pass in training mode, the value only in evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_float
from fastnn.backend import kernels_for
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


class Loss(Module):
    """A loss of a prediction and a target; a subclass calls `_evaluate` in its `forward`."""

    reduction: Reduction
    _result: tuple[Any, Array] | None = None

    def _evaluate(self, op: str, name: str, x: Array, *arguments: Any) -> Any:
        """The kernel `op`, or `op`_with_grad, of x, which messages call `name`, and the other arguments."""
        kernels = kernels_for(x, op, name)
        if not self.training:
            self._result = None
            return getattr(kernels, op)(x, *arguments, None)
        self._result = getattr(kernels, f"{op}_with_grad")(x, *arguments, None)
        return self._result[0]

    def backward(self, grad_output: Any = None) -> Array:
        """The gradient by the prediction.

        Parameters
        ----------
        grad_output : optional
            The gradient by the value: a number, 1 by default, or for reduction "none" an array of the shape
            of the losses, which has to be given.

        Raises
        ------
        RuntimeError
            Where no call in training mode went before.
        ValueError
            For a grad_output of another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn
        >>> loss = nn.CrossEntropyLoss(reduction="none")
        >>> losses = loss(np.zeros((2, 2)), np.array([0, 1]))
        >>> loss.backward(np.array([2.0, 0.0]))
        array([[-1.,  1.],
               [ 0., -0.]])
        """
        if self._result is None:
            self._no_forward()
        value, grad = self._result
        if grad_output is not None or self.reduction == "none":
            grad *= self._factor(value, grad, grad_output)
        self._result = None
        return grad

    def _factor(self, value: Any, grad: Array, grad_output: Any) -> Array:
        """grad_output in a shape that spreads over the classes, where those lie along axis 1 of grad."""
        op, given = f"{type(self).__name__}.backward", grad_output
        if grad_output is not None and not isinstance(grad_output, np.ndarray):
            given = np.float64(as_float(op, "grad_output", grad_output))
        if given is None or given.shape != np.shape(value):
            expected, got = np.shape(value), None if given is None else given.shape
            raise ValueError(f"[{op}] expected grad_output of shape {expected}, as the losses, got {got}")
        if given.dtype.kind not in "fiu":
            raise TypeError(f"[{op}] expected grad_output of numbers, got {given.dtype}")
        factor: Array = given.astype(grad.dtype)
        return np.expand_dims(factor, 1) if 0 < factor.ndim < grad.ndim else factor
