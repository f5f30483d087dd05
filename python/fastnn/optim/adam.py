"""Adam and AdamW: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastnn._capture import current_capture
from fastnn._checks import as_bool, as_float, as_non_negative
from fastnn.backend import kernels_for, zeros_like
from fastnn.optim.optimizer import Cohort, Group, Optimizer, State, refuse_new_state

if TYPE_CHECKING:
    from types import ModuleType

    from fastnn._core import Array
    from fastnn.nn.parameter import Parameter


class Adam(Optimizer):
    """p <- p - lr m̂ / (sqrt(v̂) + eps), with the bias-corrected averages m̂ of g and v̂ of g².

    Weight decay adds weight_decay p to g (L2). Kingma and Ba, "Adam: A Method for Stochastic Optimization",
    ICLR 2015; amsgrad uses the largest v so far: Reddi, Kale and Kumar, "On the Convergence of Adam and
    Beyond", ICLR 2018.

    Parameters
    ----------
    params : iterable of Parameter, or of groups
    lr : float
    betas : two floats in [0, 1)
        How much of m and of v stays at each step.
    eps, weight_decay : float
    amsgrad : bool
    maximize : bool
        Go up the gradient rather than down.
    decoupled_weight_decay : bool
        Decay as `AdamW` does.

    Raises
    ------
    TypeError, ValueError
        For an option of the wrong type or out of range; see `Optimizer` for params.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> weight = nn.Parameter(np.array([1.0, 2.0]))
    >>> optimizer = optim.Adam([weight], lr=0.5)
    >>> weight.grad = np.array([100.0, -1.0])
    >>> optimizer.step()
    >>> weight.data.round(6)  # the first step is lr, whatever the scale of the gradient
    array([0.5, 2.5])
    """

    _stem = "adam"
    _required_state = ("step", "exp_avg", "exp_avg_sq")
    _optional_state = ("max_exp_avg_sq",)

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, self._checked(defaults))

    def _checked(self, options: Group) -> Group:
        name, checked = type(self).__name__, {**options}
        for key in ("lr", "eps", "weight_decay"):
            checked[key] = as_non_negative(name, key, options[key])
        for key in ("amsgrad", "maximize", "decoupled_weight_decay"):
            checked[key] = as_bool(name, key, options[key])
        checked["betas"] = _as_betas(name, options["betas"])
        return checked

    def _cohort_key(self, state: State) -> Any:
        return state.get("step", 0)

    def _update(self, group: Group, cohort: Cohort) -> None:
        amsgrad = group["amsgrad"]
        params: list[Array] = []
        grads: list[Array] = []
        averages: list[Array] = []
        squares: list[Array] = []
        states: list[State] = []
        for parameter, grad, kept in cohort:
            state = kept or _new_state(parameter)
            params.append(parameter._data)
            grads.append(grad)
            averages.append(state["exp_avg"])
            squares.append(state["exp_avg_sq"])
            states.append(state)
        if amsgrad:
            _add_maxima(states)
        maxima = [state["max_exp_avg_sq"] for state in states] if amsgrad else []
        kernels = kernels_for(params[0], type(self).__name__, "params")
        arrays = (params, grads, averages, squares, maxima)
        if (capture := current_capture()) is not None:
            self._capture(capture, kernels, arrays, states, lambda step: _options(kernels, group, step))
            return
        step = states[0]["step"] + 1
        kernels.adam_step(*arrays, _options(kernels, group, step))
        for state in states:
            state["step"] = step
        if step == 1:
            self.state.update(
                (parameter, state) for (parameter, *_), state in zip(cohort, states, strict=True)
            )


class AdamW(Adam):
    """Adam with the weight decay apart from the gradient: p <- p - lr weight_decay p before each step.

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019. All else is as in `Adam`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> weight = nn.Parameter(np.array([1.0]))
    >>> optimizer = optim.AdamW([weight], lr=0.5, weight_decay=0.1)
    >>> weight.grad = np.zeros(1)
    >>> optimizer.step()
    >>> weight.data
    array([0.95])
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )

    def _checked(self, options: Group) -> Group:
        # Also for a group saved by a torch in which the option did not exist.
        return {**super()._checked(options), "decoupled_weight_decay": True}


def _options(kernels: ModuleType, group: Group, step: int) -> Any:
    beta1, beta2 = group["betas"]
    return kernels.AdamOptions(
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        eps=group["eps"],
        weight_decay=group["weight_decay"],
        step=step,
        decoupled=group["decoupled_weight_decay"],
        maximize=group["maximize"],
    )


def _new_state(parameter: Parameter) -> State:
    refuse_new_state("Adam")
    data = parameter._data
    return {"step": 0, "exp_avg": zeros_like(data), "exp_avg_sq": zeros_like(data)}


def _add_maxima(states: list[State]) -> None:
    """Room for the maxima, also where amsgrad was switched on after some steps."""
    for state in states:
        if "max_exp_avg_sq" not in state:
            refuse_new_state("Adam")
            state["max_exp_avg_sq"] = zeros_like(state["exp_avg_sq"])


def _as_betas(name: str, betas: Any) -> tuple[float, float]:
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise TypeError(f"[{name}] expected betas to be a pair of numbers, got {betas!r}")
    first, second = (as_float(name, f"betas[{i}]", beta) for i, beta in enumerate(betas))
    if not (0.0 <= first < 1.0 and 0.0 <= second < 1.0):
        raise ValueError(f"[{name}] expected betas in [0, 1), got {(first, second)}")
    return first, second
