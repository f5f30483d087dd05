"""What `fit` does to gradients between the backward and the step: penalties first, then clipping."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fastnn._checks import as_float, as_non_negative
from fastnn.nn.utils import clip_grad_norm_, clip_grad_value_

if TYPE_CHECKING:
    from fastnn.nn import Module, Parameter


def make_adjustment(
    model: Module, l1: float, l2: float, clip_norm: float | None, clip_value: float | None
) -> Callable[[], None] | None:
    """One call that does all that is wanted, or None where nothing is."""
    parameters = list(model.parameters())
    actions: list[Callable[[], object]] = []
    for name, strength, penalise in (("l1", l1, _add_l1), ("l2", l2, _add_l2)):
        if as_non_negative("fit", name, strength):
            actions.append(partial(penalise, [p for p in parameters if p.data.ndim > 1], strength))
    if clip_norm is not None:
        actions.append(partial(clip_grad_norm_, parameters, as_float("fit", "clip_grad_norm", clip_norm)))
    if clip_value is not None:
        actions.append(partial(clip_grad_value_, parameters, as_float("fit", "clip_grad_value", clip_value)))
    return partial(_do_all, actions) if actions else None


def _do_all(actions: list[Callable[[], object]]) -> None:
    for action in actions:
        action()


def _add_l1(parameters: list[Parameter], strength: float) -> None:
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad += np.sign(parameter.data) * parameter.dtype.type(strength)


def _add_l2(parameters: list[Parameter], strength: float) -> None:
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad += parameter.data * parameter.dtype.type(strength)
