"""Packages that fastnn uses where they are installed and does not need otherwise."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require(op: str, module: str) -> Any:
    """`module`, imported; ImportError saying what to install where it is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise ImportError(f"[{op}] needs the package {package}: pip install {package}") from error
