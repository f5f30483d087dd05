"""Checks of the options of schedulers, by the signature check(op, arg, value) -> value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from fastnn._checks import as_int, as_non_negative
from fastnn.optim.optimizer import Optimizer

Check: TypeAlias = Callable[[str, str, Any], Any]

as_count = partial(as_int, minimum=1)
as_index = partial(as_int, minimum=0)


def checks(**by_name: Check) -> Mapping[str, Check]:
    """What a scheduler saves: the name of each value, and what checks it."""
    return by_name


def as_numbers(op: str, arg: str, value: Any) -> list[float]:
    """`value` as a list of finite floats of at least 0."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"[{op}] expected {arg} to be a list of numbers, got {value!r}")
    return [as_non_negative(op, f"{arg}[{i}]", number) for i, number in enumerate(value)]


def as_positive(op: str, arg: str, value: Any) -> float:
    """`value` as a finite float above 0."""
    number = as_non_negative(op, arg, value)
    if number == 0.0:
        raise ValueError(f"[{op}] expected {arg} > 0, got {value}")
    return number


def as_one_of(*choices: str) -> Check:
    """A check for one of these words."""

    def check(op: str, arg: str, value: Any) -> str:
        if value not in choices:
            raise ValueError(f"[{op}] expected {arg} to be one of {', '.join(choices)}, got {value!r}")
        return str(value)

    return check


def per_group(op: str, arg: str, value: Any, groups: int) -> list[float]:
    """One number for each group, from a list of them or from one for all."""
    if not isinstance(value, (list, tuple)):
        return [as_non_negative(op, arg, value)] * groups
    if len(value) != groups:
        raise ValueError(f"[{op}] expected {arg} of {groups} numbers, one a parameter group, got {value}")
    return as_numbers(op, arg, value)


def as_optimizer(name: str, optimizer: Any) -> Optimizer:
    """`optimizer`, which has to be one."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"[{name}] expected optimizer to be an Optimizer, got {type(optimizer).__name__}")
    return optimizer
