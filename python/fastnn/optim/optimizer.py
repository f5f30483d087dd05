"""Parameter groups, per-parameter state and its saving: what all optimizers share.

State comes into being at the first step of a parameter, and each parameter counts its own steps: one
without a gradient is left out. A native call takes parameters of one step count, so a step is one call as
long as all parameters move together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from fastnn._capture import refuse_capture
from fastnn.backend import device_of, is_array, is_gpu_array, to_device
from fastnn.nn.parameter import Parameter
from fastnn.optim.saved import check_names, checked_groups, checked_state, pack_groups

if TYPE_CHECKING:
    from types import ModuleType

    import numpy as np

    from fastnn._capture import Capture
    from fastnn._core import Array

Group: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, Any]
# What one native call is given: parameter, its gradient, its state.
Cohort: TypeAlias = list[tuple[Parameter, "Array", State]]


class Optimizer:
    """The base of all optimizers. A subclass checks its options and writes `_update`.

    Parameters
    ----------
    params : iterable of Parameter, or of dicts
        A dict holds the parameters of a group under "params", and options that differ from the defaults.
    defaults : dict
        Options of a group that does not set them.

    Attributes
    ----------
    param_groups : list of dict
        Options can be changed between steps: `optimizer.param_groups[0]["lr"] = 1e-4`.
    state : dict of Parameter to dict
        Step counts and running averages.

    Raises
    ------
    TypeError
        For anything but parameters, or an option of the wrong type.
    ValueError
        For no parameters, a parameter that comes twice, an option that does not exist or is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> weight, bias = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(1))
    >>> groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [bias]}]
    >>> optimizer = optim.SGD(groups, lr=1.0)
    >>> weight.grad, bias.grad = np.zeros(2), np.full(1, 0.25)
    >>> optimizer.step()
    >>> weight.data, bias.data
    (array([0.9, 0.9]), array([0.75]))
    """

    def __init__(self, params: Iterable[Parameter] | Iterable[Group], defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Parameter, State] = {}
        self._array_type: type | None = None  # of the parameters at the last step
        groups = _as_list(type(self).__name__, params)
        if not groups:
            raise ValueError(f"[{type(self).__name__}] expected params with at least one Parameter, got none")
        if not isinstance(groups[0], Mapping):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def step(self) -> None:
        """Move every parameter that has a gradient, in place."""
        if type(self.param_groups[0]["params"][0]._data) is not self._array_type:
            self._follow()
        for group in self.param_groups:
            for cohort in self._cohorts(group["params"]):
                self._update(group, cohort)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter._grad = None

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with options of their own.

        Parameters
        ----------
        param_group : dict
            "params", and options that differ from the defaults.

        Raises
        ------
        TypeError, ValueError
            As the constructor.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=0.1)
        >>> optimizer.add_param_group({"params": [nn.Parameter(np.zeros(3))], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        name = type(self).__name__
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise TypeError(f'[{name}] expected a group to be a dict with "params", got {param_group!r}')
        unknown = [key for key in param_group if key != "params" and key not in self.defaults]
        if unknown:
            known = ", ".join(self.defaults)
            raise ValueError(f"[{name}] expected options among {known}, got {unknown[0]!r}")
        parameters = self._new_parameters(param_group["params"])
        options = self._checked({**self.defaults, **{k: v for k, v in param_group.items() if k != "params"}})
        self.param_groups.append({"params": parameters, **options})

    def state_dict(self) -> dict[str, Any]:
        """Options and state in torch's layout: {"state": {0: {...}}, "param_groups": [{...}]}.

        Parameters are numbered through all groups. The arrays are those in use, not copies.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=0.1)
        >>> optimizer.state_dict()["param_groups"][0]["params"]
        [0]
        """
        numbers = {parameter: i for i, parameter in enumerate(self._parameters())}
        state = {numbers[parameter]: dict(values) for parameter, values in self.state.items()}
        return {"state": state, "param_groups": pack_groups(self.param_groups, numbers)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take options and state from `state_dict`, of this class or of torch's class of the same name.

        Arrays are copied. Everything is checked before anything changes.

        Raises
        ------
        TypeError, ValueError
            Where groups, parameters or shapes do not fit this optimizer.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn, optim
        >>> old = optim.SGD([nn.Parameter(np.zeros(2))], lr=0.1)
        >>> new = optim.SGD([nn.Parameter(np.zeros(2))], lr=9.0)
        >>> new.load_state_dict(old.state_dict())
        >>> new.param_groups[0]["lr"]
        0.1
        """
        name = type(self).__name__
        loaded = checked_groups(name, self.param_groups, state_dict)
        options = [self._checked(group) for group in loaded]
        numbers = [number for group in loaded for number in group["params"]]
        by_number = dict(zip(numbers, self._parameters(), strict=True))
        check_names(name, state_dict["state"], self._required_state, self._optional_state)
        state = checked_state(name, by_number, state_dict["state"], self._least_saved_step)
        for group, values in zip(self.param_groups, options, strict=True):
            group.update({key: value for key, value in values.items() if key != "params"})
        self.state = state

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])

    # --- for subclasses -------------------------------------------------------------------------

    _stem = ""  # of the native functions
    # Names in the state of a parameter that has been stepped.
    _required_state: tuple[str, ...] = ()
    _optional_state: tuple[str, ...] = ()
    _least_saved_step = 1

    def _checked(self, options: Group) -> Group:
        """The options of a group with their types and ranges checked."""
        raise NotImplementedError

    def _cohort_key(self, state: State) -> Any:
        """What the parameters of one native call have in common."""
        raise NotImplementedError

    def _update(self, group: Group, cohort: Cohort) -> None:
        """One native call for all of the cohort."""
        raise NotImplementedError

    def _capture(
        self,
        capture: Capture,
        kernels: ModuleType,
        arrays: tuple[list[Array], ...],
        states: list[State],
        options: Callable[[int], Any],
    ) -> None:
        """The native call in a graph; options(number of the step) is asked before each replay.

        A replay is what makes a step, so steps are counted there.
        """
        name, captured = type(self).__name__, self.state
        if not is_gpu_array(arrays[0][0]):
            raise TypeError(f"[{name}] expected params of cupy.ndarray in a graph, got numpy.ndarray")
        constants = getattr(kernels, f"{self._stem}_constants")

        def values() -> np.ndarray:
            if self.state is not captured or len({self._cohort_key(state) for state in states}) > 1:
                raise RuntimeError(
                    f"[{name}] expected the state that was captured, in step for all parameters; "
                    "capture again after load_state_dict, and after steps of only some parameters"
                )
            packed: np.ndarray = constants(options(states[0].get("step", 0) + 1))
            for state in states:
                if "step" in state:
                    state["step"] += 1
            return packed

        memory = capture.bytes_of(values, constants(options(1)).nbytes)
        getattr(kernels, f"captured_{self._stem}_step")(*arrays, memory)

    def _cohorts(self, parameters: list[Parameter]) -> Iterable[Cohort]:
        cohorts: dict[Any, Cohort] = {}
        for parameter in parameters:
            grad = parameter._grad
            if grad is None:
                continue
            state = self.state.get(parameter)
            if state is None:
                state = {}
            key = self._cohort_key(state)
            if key in cohorts:
                cohorts[key].append((parameter, grad, state))
            else:
                cohorts[key] = [(parameter, grad, state)]
        return cohorts.values()

    def _follow(self) -> None:
        """Bring the state of parameters that were moved to another device to where they are."""
        for parameter, values in self.state.items():
            device = device_of(parameter._data)
            for name, value in values.items():
                if is_array(value):
                    values[name] = to_device(value, device)
        self._array_type = type(self.param_groups[0]["params"][0]._data)

    def _parameters(self) -> list[Parameter]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def _new_parameters(self, params: Any) -> list[Parameter]:
        name = type(self).__name__
        parameters = [params] if isinstance(params, Parameter) else _as_list(name, params)
        seen = set(self._parameters())
        for parameter in parameters:
            if not isinstance(parameter, Parameter):
                raise TypeError(f"[{name}] expected params of Parameter, got {type(parameter).__name__}")
            if parameter in seen:
                raise ValueError(f"[{name}] expected each Parameter once, got {parameter!r} again")
            seen.add(parameter)
        return parameters


def refuse_new_state(name: str) -> None:
    """Where a step makes arrays of its state: a graph would make them anew in each replay."""
    refuse_capture(name, "its state would begin anew in each replay; call the step once before")


def _as_list(name: str, params: Any) -> list[Any]:
    if isinstance(params, (Parameter, str, Mapping)) or not isinstance(params, Iterable):
        raise TypeError(
            f"[{name}] expected params to be a list of Parameter or of groups, got {type(params).__name__}"
        )
    return list(params)
