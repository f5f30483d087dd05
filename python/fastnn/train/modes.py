"""Training and evaluation modes that are undone at the end, however the block ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastnn.nn import Module


@contextmanager
def in_mode(training: bool, *modules: Any) -> Iterator[None]:
    """Put modules and all they contain into a mode; afterwards each part is back in its own.

    An object that is no module, as a loss may be, has no mode and stays as it is.
    """
    changed = [module for module in modules if isinstance(module, Module)]
    former = [(part, part.training) for module in changed for part in module.modules()]
    try:
        for module in changed:
            module.train(training)
        yield
    finally:
        for part, mode in former:
            part.training = mode
