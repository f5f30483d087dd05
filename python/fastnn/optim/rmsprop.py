"""RMSprop: steps scaled by a running average of the squared gradient."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastnn._capture import current_capture
from fastnn._checks import as_bool, as_non_negative, as_probability
from fastnn.backend import kernels_for, zeros_like
from fastnn.optim.optimizer import Cohort, Group, Optimizer, State, refuse_new_state

if TYPE_CHECKING:
    from fastnn.nn.parameter import Parameter


class RMSprop(Optimizer):
    """p <- p - lr g / (sqrt(v) + eps), where v <- alpha v + (1 - alpha) g².

    With momentum, p <- p - lr b, where b <- momentum b + g / (sqrt(v) + eps). Centered, v - a² takes the
    place of v under the root, with the running average a of g: an estimate of the variance, at least 0.
    Weight decay adds weight_decay p to g (L2). Tieleman and Hinton, "Neural Networks for Machine Learning",
    lecture 6.5, 2012; centered: Graves, "Generating Sequences With Recurrent Neural Networks", 2013.

    Parameters
    ----------
    params : iterable of Parameter, or of groups
    lr : float
    alpha : float in [0, 1]
        How much of v stays at each step.
    eps, weight_decay, momentum : float
    centered : bool
    maximize : bool
        Go up the gradient rather than down.

    Raises
    ------
    TypeError, ValueError
        For an option of the wrong type or out of range; see `Optimizer` for params.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> weight = nn.Parameter(np.array([1.0, 2.0]))
    >>> optimizer = optim.RMSprop([weight], lr=0.5, alpha=0.75)
    >>> weight.grad = np.array([100.0, -1.0])
    >>> optimizer.step()
    >>> weight.data.round(6)  # v is a quarter of g², so the first step is 2 lr, whatever the scale of g
    array([0., 3.])
    """

    _stem = "rmsprop"
    _required_state = ("step", "square_avg")
    _optional_state = ("momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, self._checked(defaults))

    def _checked(self, options: Group) -> Group:
        checked = {**options}
        for key in ("lr", "eps", "weight_decay", "momentum"):
            checked[key] = as_non_negative("RMSprop", key, options[key])
        checked["alpha"] = as_probability("RMSprop", "alpha", options["alpha"])
        for key in ("centered", "maximize"):
            checked[key] = as_bool("RMSprop", key, options[key])
        return checked

    def _cohort_key(self, state: State) -> None:
        """The step count is kept for torch's sake: nothing depends on it, so all parameters go together."""

    def _update(self, group: Group, cohort: Cohort) -> None:
        states = [_completed(group, parameter, state) for parameter, _, state in cohort]
        params = [parameter._data for parameter, _, _ in cohort]
        kernels = kernels_for(params[0], "RMSprop", "params")
        arrays = (
            params,
            [grad for _, grad, _ in cohort],
            [state["square_avg"] for state in states],
            [state["grad_avg"] for state in states] if group["centered"] else [],
            [state["momentum_buffer"] for state in states] if group["momentum"] != 0.0 else [],
        )
        if (capture := current_capture()) is not None:
            self._capture(capture, kernels, arrays, states, lambda _: _options(kernels, group))
            return
        kernels.rmsprop_step(*arrays, _options(kernels, group))
        for (parameter, _, _), state in zip(cohort, states, strict=True):
            state["step"] += 1
            if state["step"] == 1:
                self.state[parameter] = state


def _completed(group: Group, parameter: Parameter, state: State) -> State:
    """The state with all arrays that the options ask for, also those switched on after some steps."""
    if not state:
        refuse_new_state("RMSprop")
        state = {"step": 0, "square_avg": zeros_like(parameter._data)}
    if group["momentum"] != 0.0 and "momentum_buffer" not in state:
        refuse_new_state("RMSprop")
        state["momentum_buffer"] = zeros_like(parameter._data)
    if group["centered"] and "grad_avg" not in state:
        refuse_new_state("RMSprop")
        state["grad_avg"] = zeros_like(parameter._data)
    return state


def _options(kernels: ModuleType, group: Group) -> Any:
    return _native_options(
        kernels,
        group["lr"],
        group["alpha"],
        group["eps"],
        group["weight_decay"],
        group["momentum"],
        group["centered"],
        group["maximize"],
    )


@lru_cache(maxsize=64)
def _native_options(
    kernels: ModuleType,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> Any:
    return kernels.RMSpropOptions(
        lr=lr,
        alpha=alpha,
        eps=eps,
        weight_decay=weight_decay,
        momentum=momentum,
        centered=centered,
        maximize=maximize,
    )
