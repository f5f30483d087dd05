"""The stubs of the extension say what it has: the same names, and the same parameters in the same order."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import fastnn
from fastnn import _core

TREE = ast.parse((Path(fastnn.__file__).parent / "_core.pyi").read_text())
FUNCTIONS = {node.name: node for node in TREE.body if isinstance(node, ast.FunctionDef)}
CONSTANTS = {
    node.target.id
    for node in TREE.body
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is None
}
CLASSES = {node.name: node for node in TREE.body if isinstance(node, ast.ClassDef)}


def stub_parameters(node: ast.FunctionDef) -> list[str]:
    """Names as written; keyword-only ones with a * before the first, defaults marked by =."""
    arguments = node.args
    plain = [a.arg for a in arguments.args if a.arg != "self"]
    keyword = [
        a.arg + ("" if default is None else f"={ast.literal_eval(default)!r}")
        for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return plain + (["*", *keyword] if keyword else [])


def native_parameters(doc: str) -> list[str]:
    """The same from the first line of pybind11's docstring: name(a: type, *, b: type = default) -> type."""
    inside = re.match(r"\w+\((.*)\) -> ", doc.splitlines()[0])
    assert inside, doc
    bare = re.sub(r"\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", inside[1]))
    found = []
    for part in filter(None, (p.strip() for p in bare.split(","))):
        name, _, rest = part.partition(":")
        default = rest.partition("=")[2].strip()
        if name != "self":
            found.append(name + (f"={ast.literal_eval(default)!r}" if default else ""))
    return found


def test_same_names() -> None:
    public = {name for name in dir(_core) if not name.startswith("_")}
    assert public == FUNCTIONS.keys() | CLASSES.keys() | CONSTANTS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_parameters(name: str) -> None:
    doc = inspect.getdoc(getattr(_core, name))
    assert doc
    assert native_parameters(doc) == stub_parameters(FUNCTIONS[name])


@pytest.mark.parametrize("name", CLASSES)
def test_same_options(name: str) -> None:
    (init,) = (n for n in CLASSES[name].body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    doc = inspect.getdoc(getattr(_core, name).__init__)
    assert doc
    assert native_parameters(doc) == stub_parameters(init)


@pytest.mark.parametrize("name", CLASSES)
def test_options_are_final(name: str) -> None:
    """The stub says that they cannot be subclassed."""
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Sub", (getattr(_core, name),), {})
