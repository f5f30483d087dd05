"""A trained array and its gradient.

Clearing a gradient keeps its memory: the next backward overwrites it, the ones after that add to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastnn.backend import copy_to, empty_like, is_array, is_gpu_array, to_device, zeros_like

if TYPE_CHECKING:
    from fastnn._core import Array


class Parameter:
    """An array that is trained, with the gradient that a backward leaves at it.

    Parameters
    ----------
    data : array of float32 or float64, C-contiguous and writable
        Kept, not copied: optimizers change it in place.

    Attributes
    ----------
    data : array
        Another array can be assigned; one of another shape or dtype drops the gradient.
    grad : array of the shape and dtype of data, or None
        None until a backward has run since the last `zero_grad()`. Its memory is used again after
        `zero_grad()`: copy it to keep the values. Another array, or None, can be assigned.

    Raises
    ------
    TypeError
        For anything but an array of float32 or float64.
    ValueError
        For an array that is not contiguous or not writable, or a gradient of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.nn import Parameter
    >>> weight = Parameter(np.zeros((2, 3)))
    >>> weight
    Parameter(shape=(2, 3), dtype=float64)
    >>> weight.grad is None
    True
    >>> weight.grad = np.ones((2, 3))
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_memory")

    _data: Array
    _grad: Array | None
    _memory: Array | None  # where the next first write goes; never an array that a user assigned

    def __init__(self, data: Array) -> None:
        self._data = _checked("data", data)
        self._grad = self._memory = None

    @property
    def data(self) -> Array:
        """The array itself."""
        return self._data

    @data.setter
    def data(self, value: Array) -> None:
        former, self._data = self._data, _checked("data", value)
        if (former.shape, former.dtype) != (value.shape, value.dtype):
            self._grad = self._memory = None

    @property
    def grad(self) -> Array | None:
        """The gradient, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Array | None) -> None:
        if value is not None:
            _checked("grad", value)
            if value.shape != self._data.shape:
                raise ValueError(
                    f"[Parameter] expected grad of shape {self._data.shape}, as data has, got {value.shape}"
                )
            if value.dtype != self._data.dtype:
                raise TypeError(
                    f"[Parameter] expected grad of dtype {self._data.dtype}, as data has, got {value.dtype}; "
                    f"call .astype(numpy.{self._data.dtype}) first"
                )
        self._grad = value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of data."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of data."""
        return self._data.dtype

    def to(self, device: str) -> Self:
        """Move data and gradient to `device`, "cpu", "cuda" or "cuda:1"; returns the parameter."""
        self._data = to_device(self._data, device)
        self._grad = None if self._grad is None else to_device(self._grad, device)
        self._memory = None
        return self

    def zero_grad(self) -> None:
        """Forget the gradient: `grad` is None until the next backward.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.nn import Parameter
        >>> weight = Parameter(np.zeros(2))
        >>> weight.grad = np.ones(2)
        >>> weight.zero_grad()
        >>> weight.grad is None
        True
        """
        self._grad = None

    def add_grad(self, grad: Array) -> None:
        """Add `grad` to the gradient: what the backward of a layer of your own calls.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.nn import Parameter
        >>> scale = Parameter(np.ones(2))
        >>> scale.add_grad(np.array([1.0, 2.0]))
        >>> scale.add_grad(np.array([1.0, 2.0]))
        >>> scale.grad
        array([2., 4.])
        """
        if grad.shape != self._data.shape:
            raise ValueError(f"[add_grad] expected grad of shape {self._data.shape}, got {grad.shape}")
        if self._grad is not None:
            self._grad += grad
            return
        if self._memory is None:
            self._memory = empty_like(self._data)
        copy_to(self._memory, grad)
        self._grad = self._memory

    def __repr__(self) -> str:
        return f"Parameter(shape={self.shape}, dtype={self.dtype})"


def _checked(name: str, value: Any) -> Array:
    if not is_array(value):
        raise TypeError(
            f"[Parameter] expected {name} to be a numpy.ndarray, got {type(value).__name__}; "
            "call numpy.asarray first"
        )
    if value.dtype not in (np.float32, np.float64):  # in native byte order
        raise TypeError(
            f"[Parameter] expected {name} of dtype float32 or float64, got {value.dtype}; "
            "call .astype(numpy.float32) first"
        )
    if not (value.flags.c_contiguous and (is_gpu_array(value) or value.flags.behaved)):
        raise ValueError(
            f"[Parameter] expected {name} to be C-contiguous, aligned and writable; call numpy.copy first"
        )
    array: Array = value
    return array


def grad_targets(weight: Parameter, bias: Parameter | None) -> tuple[bool, Array | None, Array | None]:
    """(accumulate, array for grad_weight, array for grad_bias): what a native backward is given.

    None for an array means that the backward makes one. `set_grads` has to follow, once it succeeded.
    """
    accumulate = weight._grad is not None
    if bias is None:
        return accumulate, weight._grad if accumulate else weight._memory, None
    if accumulate != (bias._grad is not None):  # only after a user cleared or set one of the two
        accumulate = True
        for parameter in (weight, bias):
            if parameter._grad is None:
                parameter._grad = zeros_like(parameter._data)
    if accumulate:
        return True, weight._grad, bias._grad
    return False, weight._memory, bias._memory


def set_grads(
    weight: Parameter, grad_weight: Array | None, bias: Parameter | None, grad_bias: Array | None
) -> None:
    """Take what a native backward wrote for the first time since `zero_grad`."""
    weight._grad = weight._memory = grad_weight
    if bias is not None:
        bias._grad = bias._memory = grad_bias


def joined(parameters: list[Parameter]) -> Parameter:
    """One flat parameter whose data and gradient are those of all: they become views of it.

    Its gradient is the memory of theirs, so it holds what a backward of all of them has written.
    """
    data = np.concatenate([parameter._data.ravel() for parameter in parameters])
    whole = Parameter(data)
    grad = whole._grad = np.zeros_like(data)
    at = 0
    for parameter in parameters:
        size, shape = parameter._data.size, parameter._data.shape
        parameter._data = data[at : at + size].reshape(shape)
        parameter._memory = grad[at : at + size].reshape(shape)
        parameter._grad = None
        at += size
    return whole
