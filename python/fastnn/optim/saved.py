"""The saved form of an optimizer, as torch lays it out: checked in full before any of it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnn._checks import as_int
from fastnn.backend import device_of, to_device, to_host
from fastnn.nn.parameter import Parameter


def pack_groups(groups: list[dict[str, Any]], numbers: dict[Parameter, int]) -> list[dict[str, Any]]:
    """The groups with numbers in place of parameters."""
    return [{**group, "params": [numbers[p] for p in group["params"]]} for group in groups]


def checked_groups(name: str, groups: list[dict[str, Any]], saved: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The saved groups, completed by options that only the present groups have."""
    if not isinstance(saved, Mapping) or not {"state", "param_groups"} <= saved.keys():
        raise TypeError(f'[{name}.load_state_dict] expected a dict with "state" and "param_groups"')
    op, loaded = f"{name}.load_state_dict", saved["param_groups"]
    if len(loaded) != len(groups):
        raise ValueError(f"[{op}] expected {len(groups)} parameter groups, got {len(loaded)}")
    for i, (group, new) in enumerate(zip(groups, loaded, strict=True)):
        if len(new["params"]) != len(group["params"]):
            raise ValueError(
                f"[{op}] expected {len(group['params'])} parameters in group {i}, got {len(new['params'])}"
            )
    return [{**group, **new} for group, new in zip(groups, loaded, strict=True)]


def check_names(
    name: str, saved: Mapping[Any, Any], required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    """Refuse the state of another kind of optimizer."""
    for number, values in saved.items():
        present = {key for key in values if values[key] is not None}  # torch saves empty slots as None
        if not set(required) <= present <= {*required, *optional}:
            raise ValueError(
                f"[{name}.load_state_dict] expected state[{number}] with {', '.join(required) or 'no entry'} "
                f"and perhaps {', '.join(optional)}, got {', '.join(sorted(present)) or 'none'}"
            )


def checked_state(
    name: str, by_number: dict[Any, Parameter], saved: Mapping[Any, Any], least_step: int
) -> dict[Parameter, dict[str, Any]]:
    """The saved state by parameter, with arrays copied into the dtype of their parameter."""
    op = f"{name}.load_state_dict"
    state: dict[Parameter, dict[str, Any]] = {}
    for number, values in saved.items():
        if number not in by_number:
            raise ValueError(f"[{op}] expected state of parameters {list(by_number)}, got {number!r}")
        parameter = by_number[number]
        for key, value in values.items():
            if value is not None:
                arg = f"state[{number}][{key!r}]"
                checked = (
                    as_int(
                        op, arg, int(value), minimum=least_step
                    )  # torch keeps it as a 0-d tensor of float32
                    if key == "step"
                    else _checked_array(op, arg, value, parameter)
                )
                state.setdefault(parameter, {})[key] = checked
    return state


def _checked_array(op: str, arg: str, value: Any, parameter: Parameter) -> Any:
    # asarray first: a tensor's __array__ knows nothing of copies.
    array = np.array(np.asarray(to_host(value)), dtype=parameter.dtype, order="C")
    if array.shape != parameter.shape:
        raise ValueError(f"[{op}] expected {arg} of shape {parameter.shape}, got {array.shape}")
    return to_device(array, device_of(parameter.data))
