"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastnn._capture import current_capture
from fastnn._checks import as_bool, as_float, as_non_negative
from fastnn.backend import empty_like, kernels_for
from fastnn.optim.optimizer import Cohort, Group, Optimizer, State, refuse_new_state

if TYPE_CHECKING:
    from fastnn.nn.parameter import Parameter


class SGD(Optimizer):
    """p <- p - lr b, where b <- momentum b + (1 - dampening) g and the first b is g.

    With nesterov, p <- p - lr (g + momentum b). Weight decay adds weight_decay p to g (L2). Sutskever et al.,
    "On the importance of initialization and momentum in deep learning", ICML 2013, in torch's form: lr stays
    outside of b.

    Parameters
    ----------
    params : iterable of Parameter, or of groups
    lr : float
    momentum, dampening, weight_decay : float
    nesterov : bool
        Needs momentum > 0 and dampening 0.
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
    >>> optimizer = optim.SGD([weight], lr=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     weight.grad = np.array([1.0, 0.0])
    ...     optimizer.step()
    >>> weight.data  # 1 - 0.5 * 1 - 0.5 * 1.5
    array([-0.25,  2.  ])
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, self._checked(defaults))

    def _checked(self, options: Group) -> Group:
        checked = {**options}
        for key in ("lr", "momentum", "weight_decay"):
            checked[key] = as_non_negative("SGD", key, options[key])
        checked["dampening"] = as_float("SGD", "dampening", options["dampening"])
        for key in ("nesterov", "maximize"):
            checked[key] = as_bool("SGD", key, options[key])
        if checked["nesterov"] and (checked["momentum"] == 0.0 or checked["dampening"] != 0.0):
            raise ValueError(
                "[SGD] expected momentum > 0 and dampening = 0 with nesterov, "
                f"got momentum={checked['momentum']}, dampening={checked['dampening']}"
            )
        return checked

    _stem = "sgd"
    _optional_state = ("momentum_buffer",)

    def _cohort_key(self, state: State) -> bool:
        return "momentum_buffer" in state

    def _update(self, group: Group, cohort: Cohort) -> None:
        first = "momentum_buffer" not in cohort[0][2]
        buffers = []
        if group["momentum"] != 0.0:
            if first:
                refuse_new_state("SGD")
            # The first step overwrites the buffer, whatever is in it.
            buffers = [empty_like(p._data) if first else state["momentum_buffer"] for p, _, state in cohort]
        params, grads = [p._data for p, _, _ in cohort], [grad for _, grad, _ in cohort]
        kernels = kernels_for(params[0], "SGD", "params")
        if (capture := current_capture()) is not None:
            states = [state for _, _, state in cohort]
            self._capture(
                capture, kernels, (params, grads, buffers), states, lambda _: _options(kernels, group, first)
            )
            return
        kernels.sgd_step(params, grads, buffers, _options(kernels, group, first))
        if first:
            for (parameter, _, _), buffer in zip(cohort, buffers, strict=False):
                self.state[parameter] = {"momentum_buffer": buffer}


def _options(kernels: ModuleType, group: Group, first: bool) -> Any:
    return _native_options(
        kernels,
        group["lr"],
        group["momentum"],
        group["dampening"],
        group["weight_decay"],
        group["nesterov"],
        group["maximize"],
        first,
    )


@lru_cache(maxsize=64)
def _native_options(
    kernels: ModuleType,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first_step: bool,
) -> Any:
    return kernels.SGDOptions(
        lr=lr,
        momentum=momentum,
        dampening=dampening,
        weight_decay=weight_decay,
        nesterov=nesterov,
        maximize=maximize,
        first_step=first_step,
    )
