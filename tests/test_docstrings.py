"""Every public function and class says what it does, with an example that runs."""

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import fastnn

FOLDERS = ["functional", "nn", "optim", "data", "train", "distributed", "io"]
FOLDERS += ["analysis", "sklearn", "testing"]
PACKAGES = {name: importlib.import_module(f"fastnn.{name}") for name in FOLDERS}


def public_objects() -> list[tuple[str, object]]:
    """(name, object) for what `__all__` lists, and for what public submodules such as nn.init list."""
    found: list[tuple[str, object]] = []
    for package in [fastnn, *PACKAGES.values()]:
        for name in package.__all__:
            value = getattr(package, name)
            if not inspect.ismodule(value):
                found.append((f"{package.__name__}.{name}", value))
            elif hasattr(value, "__all__") and value is not package and name not in FOLDERS:
                found += [(f"{value.__name__}.{inner}", getattr(value, inner)) for inner in value.__all__]
    return found


def all_modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(fastnn.__path__, "fastnn.")
    return [
        fastnn,
        *(importlib.import_module(m.name) for m in found if not m.name.startswith("fastnn._core")),
    ]


OBJECTS = public_objects()
EXAMPLES = [
    test
    for module in all_modules()
    for test in doctest.DocTestFinder(exclude_empty=True).find(module)
    if test.examples
]


def test_the_list_is_not_empty():
    names = {name for name, _ in OBJECTS}
    assert {"fastnn.functional.linear", "fastnn.nn.Sequential", "fastnn.nn.init.uniform_"} <= names
    assert {"fastnn.optim.Adam", "fastnn.data.ArrayLoader", "fastnn.train.fit", "fastnn.threads"} <= names


@pytest.mark.parametrize("value", [value for _, value in OBJECTS], ids=[name for name, _ in OBJECTS])
def test_is_documented_with_an_example(value):
    text = inspect.getdoc(value) or ""
    assert len(text.split()) > 5
    assert ">>> " in text
    bare = [
        name
        for name, part in inspect.getmembers(value, callable)
        if name[0] != "_" and not inspect.getdoc(part)
    ]
    assert bare == []


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_example_runs(example):
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    failures, tried = runner.run(example, out=said.append)
    assert tried > 0
    assert failures == 0, "".join(said)
