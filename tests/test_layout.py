"""The tree keeps its plan: one stem an operation in every folder, one list of instruction sets, no pickle."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What csrc/ops holds besides one header an operation.
SHARED = {
    "activation_list",
    "backend",
    "check",
    "conv_geometry",
    "labels",
    "optimizer_constants",
    "pool_window",
    "reduction",
    "tensor",
}
OPS = sorted({path.stem for path in (ROOT / "csrc/ops").glob("*.h")} - SHARED)
# Operations that users reach through nn, optim and data.
NOT_FUNCTIONAL = {"adagrad", "adam", "batch_norm_max_pool2d", "clip_grad", "gather", "rmsprop", "sgd"}
PLACES = (
    "csrc/cpu/{}.cpp",
    "csrc/bindings/bind_{}.h",
    "tests/opinfo/{}.py",
    "tests/reference/{}.py",
    "tests/ops/test_{}.py",
    "benchmarks/bench_{}.py",
)
SUFFIXES = {".py", ".pyi", ".cpp", ".h", ".cmake", ".toml", ".md", ".txt", ".json", ".yml", ".yaml", ".sh"}


def sources() -> Iterator[tuple[Path, str]]:
    for folder in ("cmake", "csrc", "python", "tests", "benchmarks", "examples", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and (path.suffix in SUFFIXES or folder == ".ci"):
                yield path.relative_to(ROOT), path.read_text()


def test_operations_are_found() -> None:
    assert {"linear", "softmax", "cross_entropy", "activation", "dropout", "sgd", "adam", "gather"} <= set(
        OPS
    )


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("place", PLACES)
def test_operation_has_its_file(op: str, place: str) -> None:
    assert (ROOT / place.format(op)).is_file()


@pytest.mark.parametrize("op", sorted(set(OPS) - NOT_FUNCTIONAL))
def test_public_operation_has_its_module(op: str) -> None:
    assert (ROOT / f"python/fastnn/functional/{op}.py").is_file()


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("csrc/bindings", r"bind_(\w+)\.h"),
        ("tests/ops", r"test_(\w+)\.py"),
        ("tests/reference", r"([a-z]\w+)\.py"),
    ],
)
def test_no_file_of_an_operation_that_is_none(folder: str, pattern: str) -> None:
    """Each is an operation's, or that of a part of one: conv2d_winograd."""
    names = {m[1] for path in (ROOT / folder).iterdir() if (m := re.fullmatch(pattern, path.name))}
    names -= {"runtime", "cuda_runtime"}
    assert set(OPS) <= names
    assert [name for name in names if not any(name == op or name.startswith(f"{op}_") for op in OPS)] == []


def test_isa_units_are_thin() -> None:
    units = sorted((ROOT / "csrc/cpu/isa").glob("*.cpp"))
    assert units
    for unit in units:
        assert len(unit.read_text().splitlines()) <= 30, unit


def test_isas_are_listed_once() -> None:
    """cmake/isa.cmake names them; what else is a list of two or more of them is a second one."""
    isas = re.findall(r"^\s*fastnn_isa\((\w+)", (ROOT / "cmake/isa.cmake").read_text(), re.MULTILINE)
    assert set(isas) == {path.stem for path in (ROOT / "csrc/cpu/isa").glob("*.cpp")}
    names = "|".join(isas)
    two = re.compile(rf"\b({names})\b\W+\b(?!\1\b)({names})\b")
    offenders = {
        str(path)
        for path, text in sources()
        if path.parts[0] in ("cmake", "csrc", "python") and path.suffix in (".cmake", ".cpp", ".h", ".txt")
        for line in text.splitlines()
        if two.search(re.sub(r"(//|#).*", "", line))
    }
    assert offenders <= {"cmake/isa.cmake"}


def test_nothing_loads_code() -> None:
    """No pickle, eval or exec of data, and never allow_pickle."""
    modules = r"\b(c?pickle|dill|joblib|marshal|shelve|allow_pickle)\b"
    banned = re.compile(rf"{modules}|(?<![\w.])(?<!def )(eval|exec)\(\s*[^)\s]")
    here = Path(__file__).resolve().relative_to(ROOT)
    offenders = [
        f"{path}:{number}: {line.strip()}"
        for path, text in sources()
        if path.suffix in (".py", ".pyi") and path != here
        for number, line in enumerate(text.splitlines(), 1)
        if banned.search(line.partition("#")[0])
    ]
    assert offenders == []


def test_kernels_never_see_python() -> None:
    """Dependencies point one way: bindings -> ops <- cpu."""
    for path, text in sources():
        if path.parts[:2] in (("csrc", "ops"), ("csrc", "cpu")):
            assert "Python.h" not in text, path
            assert "pybind11" not in text, path
            assert "bindings/" not in text, path
        if path.parts[:2] == ("csrc", "ops"):
            assert '#include "cpu/' not in text, path
            assert "immintrin" not in text, path


def test_no_fast_math() -> None:
    """It would flip the handling of subnormals for the whole process."""
    banned = re.compile(r"-ffast-math|-Ofast|-march=native|-funsafe-math")
    here = Path(__file__).resolve().relative_to(ROOT)
    assert [str(path) for path, text in sources() if path != here and banned.search(text)] == []
