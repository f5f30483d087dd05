"""A right call with one argument or a few changed, left out, exchanged or added."""

from contextlib import suppress
from random import Random
from typing import Any

import numpy as np

from tests.fuzz import odd
from tests.fuzz.call import Call, Group, is_huge, leaves


def mutated(rng: Random, call: Call) -> Call:
    call = call.copy()
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3))):
        group = rng.choice([g for g in call.groups if g] or call.groups)
        change = rng.random()
        if change < 0.85 and group:
            change_one(rng, call, group)
        elif change < 0.9 and group:
            drop(rng, group)
        elif isinstance(group, list):
            group.insert(rng.randint(0, len(group)), odd.scalar(rng))
        else:
            group[rng.choice(("out", "axis", "no_such_argument"))] = odd.scalar(rng)
    return call


def change_one(rng: Random, call: Call, group: Group) -> None:
    keys = list(range(len(group))) if isinstance(group, list) else list(group)
    key = rng.choice(keys)
    arrays = [leaf for leaf in leaves(call.groups) if isinstance(leaf, np.ndarray)]
    group[key] = changed(rng, group[key], arrays)  # type: ignore[index, call-overload]


def drop(rng: Random, group: Group) -> None:
    if isinstance(group, list):
        del group[rng.randrange(len(group))]
    else:
        del group[rng.choice(list(group))]


def changed(rng: Random, value: Any, arrays: list[np.ndarray]) -> Any:
    if rng.random() < 0.15:
        return odd.scalar(rng)
    if arrays and rng.random() < (0.1 if isinstance(value, np.ndarray) else 0.05):
        return another_argument(rng, rng.choice(arrays))
    if isinstance(value, np.ndarray):
        for _ in range(rng.choice((1, 1, 2))):
            value = changed_array(rng, value)
        return value
    if isinstance(value, (tuple, list)) and value:
        return changed_container(rng, value, arrays)
    return odd.scalar(rng)


def changed_array(rng: Random, value: Any) -> Any:
    """Once changed it may be no array any more, and some arrays have no values or strides to change."""
    if not isinstance(value, np.ndarray) or is_huge(value):
        return value
    with suppress(TypeError, ValueError, OverflowError):
        return rng.choice(odd.ARRAY_CHANGES)(rng, value)
    return value


def changed_container(rng: Random, value: Any, arrays: list[np.ndarray]) -> Any:
    items = list(value)
    at = rng.randrange(len(items))
    kind = rng.randrange(10)
    if kind < 6:
        items[at] = changed(rng, items[at], arrays)
    elif kind == 6:
        del items[at]
    elif kind == 7:
        items.append(items[at])
    elif kind == 8:
        return rng.choice((list, tuple, iter))(items)
    else:
        return rng.choice((set, dict.fromkeys, reversed))(range(len(items)))
    return type(value)(items)


def another_argument(rng: Random, a: np.ndarray) -> Any:
    """The same memory a second time: all of it, or a part."""
    if rng.random() < 0.5 or a.ndim == 0:
        return a
    return a[rng.choice((slice(1, None), slice(None, None, -1), slice(None, -1)))]
