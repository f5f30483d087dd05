"""What callers may write for the window of a convolution or a pooling, brought into one form.

Kernel sizes, strides and dilations become (h, w); a padding becomes (top, bottom, left, right).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from fastnn._checks import as_int

Pair: TypeAlias = tuple[int, int]
Sides: TypeAlias = tuple[int, int, int, int]
IntOrPair: TypeAlias = int | Sequence[int]
# An int, (h, w), ((top, bottom), (left, right)), or a word.
PaddingLike: TypeAlias = int | Sequence[int] | Sequence[Sequence[int]] | Literal["same", "valid"]


def pair(op: str, arg: str, value: Any, minimum: int) -> Pair:
    """An int stands for both axes."""
    if _is_sequence(value):
        if len(value) != 2:
            raise ValueError(f"[{op}] expected {arg} to be an int or a pair (h, w), got {value!r}")
        return as_int(op, arg, value[0], minimum), as_int(op, arg, value[1], minimum)
    number = as_int(op, arg, value, minimum)
    return number, number


def sides(op: str, padding: Any, kernel: Pair, stride: Pair, dilation: Pair) -> Sides:
    """Padding in all its forms; "same" keeps the size, with an odd cell at the bottom and on the right."""
    if isinstance(padding, str):
        return _named(op, padding, kernel, stride, dilation)
    if _is_sequence(padding) and len(padding) == 2 and all(_is_sequence(p) and len(p) == 2 for p in padding):
        top, bottom, left, right = (as_int(op, "padding", cells, 0) for two in padding for cells in two)
        return top, bottom, left, right
    if _is_sequence(padding) and (len(padding) != 2 or any(_is_sequence(p) for p in padding)):
        raise ValueError(
            f'[{op}] expected padding to be an int, (h, w), ((top, bottom), (left, right)), "same" or '
            f'"valid", got {padding!r}'
        )
    h, w = pair(op, "padding", padding, 0)
    return h, h, w, w


def _named(op: str, padding: str, kernel: Pair, stride: Pair, dilation: Pair) -> Sides:
    if padding == "valid":
        return 0, 0, 0, 0
    if padding != "same":
        raise ValueError(f'[{op}] expected padding "same" or "valid", got {padding!r}')
    if stride != (1, 1):
        raise ValueError(f'[{op}] expected stride 1 with padding="same", got {stride}')
    h, w = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
    return h // 2, h - h // 2, w // 2, w - w // 2


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (tuple, list))
