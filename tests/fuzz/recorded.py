"""Right calls of the functional and of the native functions: those of the table of operations, noted."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

import fastnn
from fastnn import _core
from tests.fuzz.call import Call, copied, leaves, of_function
from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample

# A function keeps this many of its calls, and only those with few elements.
CALLS, ELEMENTS = 40, 20_000
# Measures of the machine, which run as long as they are told to.
BY_TIME = {"fma_peak", "triad"}


class Recorder:
    """A module that notes the calls of its functions and classes."""

    def __init__(self, module: ModuleType, noted: dict[str, list[Call]]) -> None:
        self._module, self._noted = module, noted

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if not callable(value):
            return value
        label = f"{self._module.__name__}.{name}"

        def noting(*args: Any, **kwargs: Any) -> Any:
            self._note(label, of_function(label, value, copied(args), copied(kwargs)))
            return value(*args, **kwargs)

        return noting

    def _note(self, label: str, call: Call) -> None:
        kept = self._noted.setdefault(label, [])
        if len(kept) < CALLS and size(call) <= ELEMENTS:
            kept.append(call)


def size(call: Call) -> int:
    return sum(leaf.size for leaf in leaves(call.groups) if isinstance(leaf, np.ndarray))


@contextmanager
def recorded_core(recorder: Recorder) -> Iterator[None]:
    """Every module of the package that calls the native functions calls the recorder meanwhile."""
    package = [module for name, module in sys.modules.items() if name.startswith("fastnn")]
    users = [module for module in package if "_core" in vars(module)]
    for value in [value for module in package for value in vars(module).values()]:
        if hasattr(value, "cache_clear"):  # or options that an earlier call made would not be noted
            value.cache_clear()
    for module in users:
        module._core = recorder  # type: ignore[attr-defined]
    yield
    for module in users:
        module._core = _core  # type: ignore[attr-defined]


def run_sample(function: Function, backend: Backend, sample: Sample, dtype: str) -> None:
    """Without `out=`, and with it."""
    results = function.run(backend, sample.cast(dtype), None)
    if function.outs and function.takes_out(sample):
        out = tuple(np.zeros_like(results[i]) for i in function.outs)
        function.run(backend, sample.cast(dtype), out)


def table_calls() -> dict[str, list[Call]]:
    noted: dict[str, list[Call]] = {}
    core = Recorder(_core, noted)
    backend = Backend("recorder", Recorder(fastnn.functional, noted), core, copied, copied, lambda: None)
    with recorded_core(core):
        for function in FUNCTIONS:
            samples = function.fresh()
            for i, sample in enumerate(samples[:: max(1, len(samples) // CALLS)]):
                run_sample(function, backend, sample, DTYPES[i % 2])
    return noted


def by_signature(name: str, function: Callable[..., object]) -> list[Call]:
    """Calls of which only the form is right: for each argument without a default an array of some ndim."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # a native function
        return [of_function(name, function, [], {})]
    required = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    options = {p.name: p.default for p in parameters if p.default is not p.empty}
    return [
        of_function(name, function, [np.ones(shape) for _ in required], options)
        for shape in ((4,), (3, 4), (2, 4, 8), (2, 4, 8, 8))
    ]


def functions_of(module: ModuleType) -> list[str]:
    return [name for name in module.__all__ if inspect.isfunction(getattr(module, name))]


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    parts = [getattr(fastnn.nn, name) for name in fastnn.nn.__all__]
    modules = [fastnn.functional, fastnn.random, fastnn.optim, *filter(inspect.ismodule, parts)]
    for module, names in (
        *((module, functions_of(module)) for module in modules),
        (_core, [name for name in dir(_core) if not name.startswith("_")]),
        (fastnn, ["set_num_threads", "threads", "manual_seed"]),
        (fastnn.nn, ["Parameter"]),
    ):
        for name in names:
            value = getattr(module, name)
            if callable(value) and name not in BY_TIME:
                yield f"{module.__name__}.{name}", value


def function_calls() -> dict[str, list[Call]]:
    """By name, for every public and every native function."""
    noted = table_calls()
    return {name: noted.get(name) or by_signature(name, function) for name, function in public_functions()}
