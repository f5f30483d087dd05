"""Nested states (dicts, lists, tuples of numbers, strings and arrays) as JSON with the arrays set apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastnn._core import Array


def pack(op: str, name: str, value: Any, arrays: dict[str, Array]) -> Any:
    """`value` for `json.dumps`; its arrays go into `arrays`, named by their way from `name` on.

    TypeError for what is none of these: nothing is saved that could not be read back.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Mapping):
        items = [[_key(op, name, k), pack(op, f"{name}/{k}", v, arrays)] for k, v in value.items()]
        return {"dict": items}
    if isinstance(value, (list, tuple)):
        items = [pack(op, f"{name}/{i}", v, arrays) for i, v in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    raise TypeError(
        f"[{op}] expected {name} to be of numbers, strings, arrays, dicts, lists and tuples, "
        f"got {type(value).__name__}"
    )


def unpack(packed: Any, arrays: Mapping[str, Array]) -> Any:
    """What `pack` was given."""
    if isinstance(packed, list):
        return [unpack(item, arrays) for item in packed]
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "array":
        return arrays[content]
    if kind == "tuple":
        return tuple(unpack(item, arrays) for item in content)
    return {key: unpack(item, arrays) for key, item in content}


def _key(op: str, name: str, key: Any) -> int | str:
    if isinstance(key, (int, str)):
        return key
    raise TypeError(f"[{op}] expected {name} to have ints and strings as keys, got {key!r}")
