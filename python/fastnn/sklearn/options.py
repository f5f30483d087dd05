"""The ranges of the estimators' parameters: scikit-learn checks them in `fit`, not in the constructor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any

Check = tuple[Callable[[Any], bool], str]


def _is_bool(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_")


def _number(test: Callable[[Any], bool], expected: str) -> Check:
    return lambda value: isinstance(value, Real) and not _is_bool(value) and test(value), expected


def _whole(least: int) -> Check:
    return (
        lambda value: isinstance(value, Integral) and not _is_bool(value) and int(value) >= least,
        f"an int >= {least}",
    )


def _one_of(*choices: str) -> Check:
    return lambda value: isinstance(value, str) and value in choices, f"one of {list(choices)}"


_BOOL: Check = (_is_bool, "True or False")
_WHOLE_OR_INF: Check = (lambda value: value == math.inf or _whole(1)[0](value), "an int >= 1, or infinity")
_BATCH: Check = (lambda value: value == "auto" or _whole(1)[0](value), '"auto" or an int >= 1')

CHECKS: Mapping[str, Check] = {
    "activation": _one_of("identity", "logistic", "tanh", "relu"),
    "solver": _one_of("lbfgs", "sgd", "adam"),
    "loss": _one_of("squared_error", "poisson"),
    "learning_rate": _one_of("constant", "invscaling", "adaptive"),
    "batch_size": _BATCH,
    "n_iter_no_change": _WHOLE_OR_INF,
    **dict.fromkeys(("shuffle", "warm_start", "nesterovs_momentum", "early_stopping", "batch_norm"), _BOOL),
    **dict.fromkeys(("max_iter", "max_fun", "kernel_size"), _whole(1)),
    **dict.fromkeys(("alpha", "power_t", "tol"), _number(lambda v: 0 <= v < math.inf, "a number >= 0")),
    **dict.fromkeys(("learning_rate_init", "epsilon"), _number(lambda v: 0 < v < math.inf, "a number > 0")),
    **dict.fromkeys(
        ("beta_1", "beta_2", "validation_fraction", "dropout"),
        _number(lambda v: 0 <= v < 1, "a number in [0, 1)"),
    ),
    "momentum": _number(lambda v: 0 <= v <= 1, "a number in [0, 1]"),
}


def check_options(op: str, options: Mapping[str, Any]) -> None:
    """ValueError for the first option that is out of its range."""
    for name, value in options.items():
        test, expected = CHECKS.get(name, (lambda _: True, ""))
        if not test(value):
            raise ValueError(f"[{op}] expected {name} to be {expected}, got {value!r}")


def as_sizes(op: str, name: str, sizes: Any) -> list[int]:
    """One int or several, all of them at least 1."""
    several = list(sizes) if isinstance(sizes, Iterable) and not isinstance(sizes, str) else [sizes]
    if not all(_whole(1)[0](size) for size in several):
        raise ValueError(f"[{op}] expected {name} to be ints >= 1, got {sizes!r}")
    return [int(size) for size in several]
