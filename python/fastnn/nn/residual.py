"""Layers with a way around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.nn.container import Sequential
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array


class Residual(Module):
    """body(x) + shortcut(x), where the shortcut is x itself by default.

    He et al., "Deep residual learning for image recognition", CVPR 2016.

    Parameters
    ----------
    *body : Module
        Run one after the other, as in `Sequential`.
    shortcut : Module, optional
        Brings x to the shape of the body's output where the two differ.

    Raises
    ------
    TypeError
        For anything but modules.
    ValueError
        For no body, a module that stands in two places, or, in a call, outputs of different shapes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> block = nn.Residual(nn.ReLU())
    >>> block(np.array([[-1.0, 2.0]]))
    array([[-1.,  4.]])
    >>> block.backward(np.ones((1, 2)))
    array([[1., 2.]])
    """

    def __init__(self, *body: Module, shortcut: Module | None = None) -> None:
        if not body:
            raise ValueError("[Residual] expected at least one module for the body, got none")
        if shortcut is not None and not isinstance(shortcut, Module):
            raise TypeError(f"[Residual] expected shortcut to be a module, got {type(shortcut).__name__}")
        self.body = Sequential(*body)
        self.shortcut = shortcut
        inside = set(self.body.modules())
        for module in () if shortcut is None else shortcut.modules():
            if module in inside:
                raise ValueError(
                    f"[Residual] expected each module in one place, got the same {type(module).__name__} in "
                    "body and shortcut"
                )

    def forward(self, x: Array) -> Array:
        """What body and shortcut make of x, added."""
        y = self.body.forward(x)
        around = x if self.shortcut is None else self.shortcut.forward(x)
        if y.shape != around.shape:
            raise ValueError(
                f"[Residual] expected body and shortcut to give one shape, got {y.shape} and {around.shape}"
            )
        total: Array = y + around
        return total

    def backward(self, grad_output: Array) -> Array:
        """The gradients by the two ways, added."""
        grad_x: Any = self.body.backward(grad_output)
        grad_around = grad_output if self.shortcut is None else self.shortcut.backward(grad_output)
        total: Array = grad_x + grad_around
        return total

    def backward_parameters(self, grad_output: Array) -> None:
        """`backward` of both ways without the gradients by x."""
        self.body.backward_parameters(grad_output)
        if self.shortcut is not None:
            self.shortcut.backward_parameters(grad_output)
