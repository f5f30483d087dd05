"""The documentation is about this library: its examples run, its names exist, its pages list all of them."""

import ast
import contextlib
import doctest
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fastnn
from tests.test_layout import PLACES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
BLOCK = re.compile(r"^```(\S*).*?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAMS = [path.read_text() for path in (ROOT / "examples").rglob("*.py")]
# How the pages call the modules.
ROOTS = {"fastnn": "fastnn", "F": "fastnn.functional", "transforms": "fastnn.data.transforms"}
ROOTS |= {
    name: f"fastnn.{name}"
    for name in ("nn", "optim", "train", "data", "io", "analysis", "testing", "distributed")
}


def title(path: Path) -> str:
    return str(path.relative_to(DOCS))


def blocks(path: Path, language: str) -> list[tuple[str, int]]:
    """(text, line) of each fenced block in a language."""
    page = path.read_text()
    return [(m[2], page.count("\n", 0, m.start(2))) for m in BLOCK.finditer(page) if m[1] == language]


def examples(path: Path) -> list[doctest.Example]:
    """Of all Python blocks of a page, in order, with the numbers of their lines in it."""
    found: list[doctest.Example] = []
    for text, line in blocks(path, "python"):
        parsed = doctest.DocTestParser().get_examples(text, title(path))
        quoted = any(text in program for program in PROGRAMS)
        assert parsed or quoted, (
            f"{path}:{line}: expected examples with >>>, or lines of a program in examples/"
        )
        for example in parsed:
            example.lineno += line
        found += parsed
    return found


def resolve(name: str) -> Any:
    """What a dotted name of the pages stands for; AttributeError where there is no such thing."""
    first, *rest = name.split(".")
    found: Any = importlib.import_module(ROOTS[first])
    for part in rest:
        found = getattr(found, part)
    return found


def spans(path: Path) -> Iterator[str]:
    """Code in running text and tables; links to the API are Sphinx's to check."""
    for line in BLOCK.sub("", path.read_text()).splitlines():
        yield from (code for role, code in re.findall(r"(\{\w+\})?`([^`]+)`", line) if not role)


def names(path: Path, roots: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """(name, keywords) of each span that is a name below one of the roots, or a call of one."""
    found = []
    for span in (code for code in spans(path) if "/" not in code):
        try:
            parsed = list(ast.walk(ast.parse(re.sub(r"=(?=[,)])", "=0", span))))
        except SyntaxError:  # a path, a shape, a command
            continue
        calls = {
            id(node.func): [k.arg or "" for k in node.keywords]
            for node in parsed
            if isinstance(node, ast.Call)
        }
        dotted = [
            (ast.unparse(node), calls.get(id(node), [])) for node in parsed if isinstance(node, ast.Attribute)
        ]
        found += [(name, keywords) for name, keywords in dotted if name.split(".")[0] in roots]
    return found


def missing(library: str, path: Path) -> list[str]:
    """Names of another library on a page that it does not have."""
    found = [name for name, _ in names(path, (library,))]
    assert found
    return [name for name in found if not exists(name)]


def exists(name: str) -> bool:
    """Whether a full name leads somewhere, its modules being imported on the way."""
    first, *rest = name.split(".")
    found: Any = importlib.import_module(first)
    for part in rest:
        if inspect.ismodule(found) and not hasattr(found, part):
            with contextlib.suppress(ImportError):
                importlib.import_module(f"{found.__name__}.{part}")
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def public_modules() -> list[ModuleType]:
    """fastnn, and what `__all__` leads to from there."""
    found, rest = [], [fastnn]
    while rest:
        module = rest.pop()
        found.append(module)
        inner = [getattr(module, name) for name in module.__all__]
        rest += [value for value in inner if inspect.ismodule(value)]
    return found


@pytest.mark.parametrize("path", [path for path in PAGES if blocks(path, "python")], ids=title)
def test_examples_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom of the page, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    page = doctest.DocTest(examples(path), {"__name__": "__main__"}, path.name, str(path), 0, None)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(page, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("path", PAGES, ids=title)
def test_names_exist(path: Path) -> None:
    """With the arguments that the page gives them; of PyTorch and others, the sessions that have them ask."""
    for name, keywords in names(path, tuple(ROOTS)):
        value = resolve(name)
        unknown = set(keywords) - set(inspect.signature(value).parameters) if keywords else set()
        assert not unknown, f"{name} has no {unknown}"


@pytest.mark.parametrize("path", PAGES, ids=title)
def test_blocks_are_of_a_kind_that_is_checked(path: Path) -> None:
    kinds = {m[1] for m in BLOCK.finditer(path.read_text())}
    assert kinds <= {"python", "sh", "cpp", "{toctree}", "{eval-rst}", "{include}"}


@pytest.mark.parametrize("path", PAGES, ids=title)
def test_commands_name_what_is_there(path: Path) -> None:
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    text = path.read_text()
    assert [name for name in re.findall(r"nox -s (\w+)", text) if name not in sessions] == []
    files = re.findall(r"python ((?:examples|benchmarks)/\S+?\.py)", text)
    files += re.findall(r"`((?:csrc|python|tests|benchmarks|cmake|docs)/[\w./]+\.\w+)`", text)
    assert [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("module", public_modules(), ids=lambda module: module.__name__)
def test_page_of_the_module_lists_its_names(module: ModuleType) -> None:
    name = module.__name__.removeprefix("fastnn.")
    page = (DOCS / f"api/{name}.md").read_text()
    assert f".. module:: {module.__name__}\n" in page
    listed = re.findall(r"^\.\. auto(class|function):: (\w+)$", page, re.MULTILINE)
    public = {name: getattr(module, name) for name in module.__all__}
    kinds = {
        n: "class" if inspect.isclass(v) else "function" for n, v in public.items() if not inspect.ismodule(v)
    }
    assert sorted((name, kind) for kind, name in listed) == sorted(kinds.items())
    assert re.search(rf"^{re.escape(name)}$", (DOCS / "api/index.md").read_text(), re.MULTILINE)


def test_c_plus_plus_shown_is_the_sources() -> None:
    shown = [text for text, _ in blocks(DOCS / "dispatch.md", "cpp")]
    sources = [path.read_text() for path in (ROOT / "csrc/cpu").rglob("*.[hc]*")]
    assert shown
    assert [text for text in shown if not any(text in source for source in sources)] == []


def test_files_of_an_operation_are_those_of_the_layout() -> None:
    """Starred rows are what tests/test_layout.py asks for."""
    rows = re.findall(r"^\| `(\S+)` \* \|", (DOCS / "adding_an_op.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(
        place.format("softmax") for place in (*PLACES, "python/fastnn/functional/{}.py")
    )


def test_names_of_scikit_learn_exist() -> None:
    assert not missing("sklearn", DOCS / "from_sklearn.md")
