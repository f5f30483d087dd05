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
    """A loss of a prediction and a target; a subclass calls `_evaluate` in its `forward`.

    Every loss takes `sample_weight=`, an array of shape (N,): the losses of sample i count sample_weight[i]
    times. "mean" then divides by the weights in use (of samples, and of classes where the loss has such), so
    a weight of 2 is the sample twice; with all weights 0 the loss and its gradient are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> loss = nn.MSELoss()
    >>> loss(np.array([1.0, 2.0]), np.array([0.0, 0.0]), sample_weight=np.array([3.0, 1.0]))
    1.75
    >>> loss.backward()
    array([1.5, 1. ])
    """

    reduction: Reduction
    _result: tuple[Any, Array] | None = None

    def __call__(self, *args: Any, sample_weight: Array | None = None, **kwargs: Any) -> Any:
        if sample_weight is None:
            return self.forward(*args, **kwargs)
        return self._weighted(sample_weight, args, kwargs)

    def _weighted(self, sample_weight: Array, args: Any, kwargs: Any) -> Any:
        """The kernel gives losses and gradients one by one; both are scaled here."""
        reduction, self.reduction = self.reduction, "none"
        try:
            losses = self.forward(*args, **kwargs)
        finally:
            self.reduction = reduction
        factor = spread(type(self).__name__, sample_weight, losses)
        if reduction == "mean":
            shares = self._shares(args[1] if len(args) > 1 else kwargs["target"], losses)
            divisor = float((shares * factor).sum(dtype=np.float64))
            factor = factor * losses.dtype.type(1.0 / divisor if divisor else 0.0)
        losses = losses * factor
        value = losses if reduction == "none" else float(losses.sum(dtype=np.float64))
        if self._result is not None:
            grad = self._result[1]
            grad *= factor.reshape(-1, *(1,) * (grad.ndim - 1))
            self._result = value, grad
        return value

    def _shares(self, target: Array, losses: Array) -> Array:
        """What "mean" divides by, as a share for each loss."""
        return np.ones_like(losses)

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


def spread(op: str, sample_weight: Any, losses: Any) -> Array:
    """The weights in a shape that multiplies the losses."""
    weight = np.asarray(sample_weight)
    expected = np.shape(losses)[:1]
    if not expected or weight.shape != expected:
        raise ValueError(
            f"[{op}] expected sample_weight of shape {expected or '(N,)'}, one for each sample of a batch, "
            f"got {weight.shape}"
        )
    if weight.dtype.kind not in "fiub":
        raise TypeError(f"[{op}] expected sample_weight of numbers, got {weight.dtype}")
    factor: Array = weight.astype(losses.dtype).reshape(-1, *(1,) * (losses.ndim - 1))
    return factor


def shares_of_labels(target: Array, losses: Array, weight: Array | None, ignore_index: int) -> Array:
    """The weight of each label's class, and 0 where it is ignored; 1 for targets that are no labels."""
    if target.shape != losses.shape or target.dtype.kind != "i":
        return np.ones_like(losses)
    used: Array = (target != ignore_index).astype(losses.dtype)
    return used if weight is None else used * weight[np.where(used > 0, target, 0)]
