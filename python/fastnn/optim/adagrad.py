"""Adagrad: steps scaled by all squared gradients so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastnn._capture import current_capture
from fastnn._checks import as_bool, as_non_negative
from fastnn.backend import full_like, kernels_for
from fastnn.optim.optimizer import Cohort, Group, Optimizer, State, refuse_new_state

if TYPE_CHECKING:
    from types import ModuleType

    from fastnn.nn.parameter import Parameter


class Adagrad(Optimizer):
    """p <- p - lr_t g / (sqrt(s) + eps), where s is the sum of all g² and lr_t = lr / (1 + (t - 1) lr_decay).

    With average, the root mean square sqrt(s / t) takes the place of sqrt(s), so the steps do not shrink only
    because time passes; lr / sqrt(t) as the learning rate gives the usual form back. Weight decay adds
    weight_decay p to g (L2). Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization", JMLR 2011.

    Parameters
    ----------
    params : iterable of Parameter, or of groups
    lr, lr_decay, weight_decay : float
    initial_accumulator_value : float
        What s starts with; each group may have its own.
    eps : float
    maximize : bool
        Go up the gradient rather than down.
    average : bool
        Divide by the root of the mean of the squares, not of their sum. torch has only the sum.

    Raises
    ------
    TypeError, ValueError
        For an option of the wrong type or out of range; see `Optimizer` for params.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> weight, rms = nn.Parameter(np.array([0.0])), nn.Parameter(np.array([0.0]))
    >>> optimizer = optim.Adagrad([{"params": [weight]}, {"params": [rms], "average": True}], lr=1.0)
    >>> for _ in range(4):
    ...     weight.grad = rms.grad = np.array([-3.0])
    ...     optimizer.step()
    >>> weight.data.round(6)  # 1 + 1/sqrt(2) + 1/sqrt(3) + 1/sqrt(4)
    array([2.784457])
    >>> rms.data.round(6)
    array([4.])
    """

    _stem = "adagrad"
    _required_state = ("step", "sum")
    _least_saved_step = 0  # torch makes the state with the optimizer, before any step

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        average: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "maximize": maximize,
            "average": average,
        }
        super().__init__(params, self._checked(defaults))

    def _checked(self, options: Group) -> Group:
        checked = {**options}
        for key in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            checked[key] = as_non_negative("Adagrad", key, options[key])
        for key in ("maximize", "average"):
            checked[key] = as_bool("Adagrad", key, options[key])
        return checked

    def _cohort_key(self, state: State) -> Any:
        return state.get("step", 0)

    def _update(self, group: Group, cohort: Cohort) -> None:
        states = [state or _new_state(p, group) for p, _, state in cohort]
        params = [parameter._data for parameter, _, _ in cohort]
        kernels = kernels_for(params[0], "Adagrad", "params")
        arrays = (params, [grad for _, grad, _ in cohort], [state["sum"] for state in states])
        if (capture := current_capture()) is not None:
            self._capture(capture, kernels, arrays, states, lambda step: _options(kernels, group, step))
            return
        step = states[0]["step"] + 1
        kernels.adagrad_step(*arrays, _options(kernels, group, step))
        for (parameter, _, _), state in zip(cohort, states, strict=True):
            state["step"] = step
            if step == 1:
                self.state[parameter] = state


def _new_state(parameter: Parameter, group: Group) -> State:
    refuse_new_state("Adagrad")
    return {"step": 0, "sum": full_like(parameter._data, group["initial_accumulator_value"])}


def _options(kernels: ModuleType, group: Group, step: int) -> Any:
    return kernels.AdagradOptions(
        lr=group["lr"],
        lr_decay=group["lr_decay"],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        step=step,
        average=group["average"],
        maximize=group["maximize"],
    )
