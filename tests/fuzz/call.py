"""A call that is not made yet: groups of arguments, and a function that takes the groups and calls."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn import nn

Group = list[Any] | dict[str, Any]
Groups = tuple[Group, ...]

# Beyond these a call may run out of memory; the samples of the table are smaller by far.
HUGE_NUMBER, HUGE_BYTES = 2**20, 2**26


@dataclass(frozen=True)
class Call:
    name: str
    run: Callable[[Groups], object]
    groups: Groups

    def copy(self) -> "Call":
        """With arrays and layers of its own, as a call may change them."""
        return replace(self, groups=copied(self.groups))

    def is_huge(self) -> bool:
        return any(is_huge(leaf) for leaf in leaves(self.groups))

    def __str__(self) -> str:
        return f"{self.name}({'; '.join(described(group)[1:-1] for group in self.groups)})"


def of_function(name: str, function: Callable[..., object], args: Any, kwargs: Any) -> Call:
    return Call(name, lambda groups: function(*groups[0], **groups[1]), (list(args), dict(kwargs)))


def copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, nn.Module):
        return copy.deepcopy(value)
    if type(value) in (tuple, list):
        return type(value)(copied(item) for item in value)
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return value


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (tuple, list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def is_huge(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.nbytes > HUGE_BYTES or any(n > HUGE_NUMBER for n in value.shape)
    return isinstance(value, (int, float, np.number)) and bool(abs(value) > HUGE_NUMBER)


def described(value: Any) -> str:
    """Enough of a value to see what was wrong with it."""
    if isinstance(value, np.ndarray):
        flags = "".join(
            mark
            for mark, holds in (
                (" read-only", not value.flags.writeable),
                (" unaligned", not value.flags.aligned),
                (f" {type(value).__name__}", type(value) is not np.ndarray),
            )
            if holds
        )
        return f"<{value.dtype.str} {value.shape} strides {value.strides}{flags}>"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={described(item)}' for key, item in value.items())}}}"
    if isinstance(value, (tuple, list)):
        inside = ", ".join(described(item) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    text = re.sub(r" object at 0x\w+", "", repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
