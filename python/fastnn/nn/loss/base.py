"""The base of the losses: value and gradient in one pass in training mode, the value only in evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_float
from fastnn.backend import as_array, full_like, is_gpu_array, kernels_for, like_array
from fastnn.functional._reduction import loss_options, nll_options
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array, Reduction


class Loss(Module):
    """A loss of a prediction and a target; a subclass calls `_evaluate` in its `forward`.

    Every loss takes `sample_weight=`, an array of shape (N,): the losses of sample i count sample_weight[i]
    times. "mean" then divides by the weights in use (of samples, and of classes where the loss has such), so
    a weight of 2 is the sample twice; with all weights 0 the loss and its gradient are 0. For a prediction on
    a GPU the weights may lie on either side.

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
        """The loss's kernel gives losses and gradients one by one; two more weigh them."""
        op = type(self).__name__
        reduction, self.reduction = self.reduction, "none"
        try:
            losses = self.forward(*args, **kwargs)
        finally:
            self.reduction = reduction
        weight = weights_for(op, sample_weight, losses)
        shares = self._shares(*args, **kwargs) if reduction == "mean" else None
        kernels = kernels_for(losses, op, "losses")
        value, factor = kernels.weighted_loss(losses, weight, shares, loss_options(op, reduction), None)
        if self._result is not None:
            grad = self._result[1]
            self._result = value, kernels.scale(grad, factor, grad)
        return value

    def _shares(self, *args: Any, **kwargs: Any) -> Array | None:
        """What "mean" divides by, as a share for each loss of `forward` with these arguments; None: ones."""
        return None

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
            of the losses, which has to be given; for losses on a GPU on either side.

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
            op = f"{type(self).__name__}.backward"
            grad = kernels_for(grad, op, "grad").scale(grad, self._factor(op, value, grad, grad_output), grad)
        self._result = None
        return grad

    def _factor(self, op: str, value: Any, grad: Array, grad_output: Any) -> Array:
        """grad_output, checked, as an array like grad."""
        given = grad_output
        if given is not None and not (isinstance(given, np.ndarray) or is_gpu_array(given)):
            given = np.asarray(as_float(op, "grad_output", given))
        if given is None or given.shape != np.shape(value):
            expected, got = np.shape(value), None if given is None else given.shape
            raise ValueError(f"[{op}] expected grad_output of shape {expected}, as the losses, got {got}")
        if given.dtype.kind not in "fiu":
            raise TypeError(f"[{op}] expected grad_output of numbers, got {given.dtype}")
        factor: Array = like_array(given, grad)
        return factor


def weights_for(op: str, sample_weight: Any, losses: Any) -> Array:
    """The weights as an array like the losses."""
    given = sample_weight if is_gpu_array(sample_weight) else np.asarray(sample_weight)
    expected = np.shape(losses)[:1]
    if not expected or given.shape != expected:
        raise ValueError(
            f"[{op}] expected sample_weight of shape {expected or '(N,)'}, one for each sample of a batch, "
            f"got {given.shape}"
        )
    if given.dtype.kind not in "fiub":
        raise TypeError(f"[{op}] expected sample_weight of numbers, got {given.dtype}")
    weight: Array = like_array(given, losses)
    return weight


def shares_of_labels(scores: Any, target: Array, weight: Array | None, ignore_index: int) -> Array:
    """The weight of each label's class, and 0 where it is ignored: the losses of log-probabilities of -1."""
    log_p = full_like(as_array(scores, "nll_loss", "input"), -1.0)
    options = nll_options("nll_loss", ignore_index, "none")
    shares: Array = kernels_for(log_p, "nll_loss", "input").nll_loss(log_p, target, weight, options, None)
    return shares
