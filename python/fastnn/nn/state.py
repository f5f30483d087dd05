"""Copying saved arrays into those in use: all is checked first, so nothing is ever half loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastnn.backend import copy_to, to_host

if TYPE_CHECKING:
    from fastnn._core import Array


class IncompatibleKeys(NamedTuple):
    """The names that `load_state_dict(strict=False)` found on one side only."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load_into(
    owner: str, targets: dict[str, Array], saved: Mapping[str, Any], strict: bool
) -> IncompatibleKeys:
    """Copy `saved` into `targets` by name; ValueError with all complaints, and nothing written."""
    if not isinstance(saved, Mapping):
        raise TypeError(f"[load_state_dict] expected a dict of arrays, got {type(saved).__name__}")
    missing = [name for name in targets if name not in saved]
    unexpected = [name for name in saved if name not in targets]
    values = {name: np.asarray(to_host(saved[name])) for name in targets if name in saved}
    complaints = [text for name, value in values.items() for text in _misfits(name, value, targets[name])]
    if strict and missing:
        complaints.insert(0, f"missing keys: {', '.join(missing)}")
    if strict and unexpected:
        complaints.insert(0, f"unexpected keys: {', '.join(map(str, unexpected))}")
    if complaints:
        raise ValueError(f"[load_state_dict] {owner} cannot take this state:\n  " + "\n  ".join(complaints))
    for name, value in values.items():
        copy_to(targets[name], value)
    return IncompatibleKeys(missing, unexpected)


def _misfits(name: str, value: Array, target: Array) -> list[str]:
    if value.shape != target.shape:
        return [f"expected {name} of shape {target.shape}, got {value.shape}"]
    if not np.can_cast(value.dtype, target.dtype, casting="same_kind"):
        return [f"expected {name} of a dtype that casts to {target.dtype}, got {value.dtype}"]
    return []
