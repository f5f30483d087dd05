"""Finds the families of configurations, and runs their cases by number.

A family is a module here with a tuple DRAWS. Each case is a function of (seed, draw, dtype, number), so a
failing one can be run again alone.
"""

import importlib
import pkgutil
import zlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch

from tests.peers.differential.case import TOLERANCE, Case, Draw, compare

PACKAGE = "tests.peers.differential"
torch.set_num_threads(1)  # the cases are small


@dataclass(frozen=True)
class Source:
    """Where cases come from: one function that draws them, in one dtype."""

    name: str
    draw: Draw
    dtype: str

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}"

    def case(self, seed: int, number: int) -> Case:
        return self.draw(np.random.default_rng([seed, zlib.crc32(str(self).encode()), number]), self.dtype)

    def check(self, seed: int, number: int) -> None:
        label = "a case that could not be drawn"
        try:
            case = self.case(seed, number)
            label = case.label
            compare(case)
        except Exception as error:
            again = f"python -m {PACKAGE} --seed {seed} --only '{self}' --number {number}"
            raise AssertionError(f"{label}\nagain: {again}\n{type(error).__name__}: {error}") from error


def sources() -> list[Source]:
    """Every draw of every family, in float32 and float64."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [importlib.import_module(f"{PACKAGE}.{name}") for name in names if name != "__main__"]
    draws = [
        (f"{module.__name__.rpartition('.')[2]}.{draw.__name__}", draw)
        for module in modules
        for draw in getattr(module, "DRAWS", ())
    ]
    return [Source(name, draw, dtype) for (name, draw), dtype in product(draws, TOLERANCE)]


def share(cases: int, among: int) -> int:
    """How many cases each source makes, so that all together make as many as wanted or a few more."""
    return -(-cases // among)
