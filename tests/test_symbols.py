"""No unit of an instruction set leaks a symbol that the linker could pick for the whole program.

A weak symbol, of a template or an inline function, that an AVX-512 unit emits may be kept in place of the
portable one; so every weak symbol of a unit lies inside its own namespace. FASTNN_BUILD_DIR names a build
whose objects are looked at; without it they are those that pip has left here, and where there are none, or
older ones than the sources, the units are compiled.
"""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = os.environ.get("FASTNN_BUILD_DIR")
FOREIGN = {"x86_64": {"neon"}, "aarch64": {"avx2", "avx512"}}
UNITS = sorted({path.stem for path in (ROOT / "csrc/cpu/isa").glob("*.cpp")} - FOREIGN[platform.machine()])
TYPES = {"f32": "float", "f64": "double"}
# V and W have a definition; v and w are references to what other libraries may lack.
WEAK = "VWu"
COMPILER = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
pytestmark = pytest.mark.skipif(
    COMPILER is None or shutil.which("nm") is None, reason="wants nm and a compiler"
)


def flags(isa: str) -> list[str]:
    """Those that cmake/isa.cmake gives the unit."""
    call = re.search(
        rf"fastnn_isa\({isa}\s+\"(?:[^\"\\]|\\.)*\"([^)]*)\)", (ROOT / "cmake/isa.cmake").read_text()
    )
    assert call
    return call[1].split()


def compile_unit(isa: str, dtype: str, folder: Path) -> Path:
    unit = folder / f"{isa}_{dtype}.o"
    source = ROOT / f"csrc/cpu/isa/{isa}.cpp"
    # Without optimisation nothing is inlined away: more symbols to look at, in less time.
    command = [COMPILER, "-std=c++20", "-O1", "-fPIC", f"-I{ROOT / 'csrc'}", *flags(isa)]
    names = [f"-DFASTNN_DTYPE={dtype}", f"-DFASTNN_TYPE={TYPES[dtype]}"]
    subprocess.run([*command, *names, "-c", str(source), "-o", str(unit)], check=True)
    return unit


def built(isa: str, dtype: str) -> str:
    """The end of an object's path in a build."""
    return f"fastnn_isa_{isa}_{dtype}.dir/csrc/cpu/isa/{isa}.cpp.o"


def left_by_pip(isa: str, dtype: str) -> list[Path]:
    sources = [ROOT / f"csrc/cpu/isa/{isa}.cpp", *(ROOT / "csrc").rglob("*.h")]
    changed = max(path.stat().st_mtime for path in sources)
    found = ROOT.glob(f"build/cp*/**/{built(isa, dtype)}")
    return sorted(path for path in found if path.stat().st_mtime > changed)


def objects(isa: str, dtype: str, folder: Path) -> list[Path]:
    if BUILD:
        return sorted(Path(BUILD).rglob(built(isa, dtype)))
    return left_by_pip(isa, dtype) or [compile_unit(isa, dtype, folder)]


def symbols(unit: Path, kinds: str) -> list[str]:
    """Mangled names: demangled ones begin with their return types."""
    listed = subprocess.run(["nm", str(unit)], capture_output=True, text=True, check=True).stdout
    return re.findall(rf"^[0-9a-f ]* [{kinds}] (.*)$", listed, re.MULTILINE)


def own(name: str, isa: str) -> bool:
    """fastnn::cpu::<isa>::..., a lambda in such a function, or its guard variable."""
    return re.match(rf"_Z(GV)?Z*NK?6fastnn3cpu{len(isa)}{isa}", name) is not None


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("isa", UNITS)
def test_unit_exports_its_table_only(isa: str, dtype: str, tmp_path: Path) -> None:
    found = objects(isa, dtype, tmp_path)
    assert found, f"no object of {isa} and {dtype} under {BUILD}"
    for unit in found:
        assert [name for name in symbols(unit, WEAK) if not own(name, isa)] == []
        assert symbols(unit, "TDBRGS") == [f"_ZN6fastnn3cpu{len(isa)}{isa}3{dtype}E"]


def test_a_leak_is_seen(tmp_path: Path) -> None:
    """The case that this is about: a container in a unit, compiled with the flags of the unit."""
    source = tmp_path / "leak.cpp"
    source.write_text("#include <vector>\nvoid grow(std::vector<int>& v) { v.push_back(1); }\n")
    subprocess.run(
        [COMPILER, "-std=c++20", "-O0", "-c", str(source), "-o", str(tmp_path / "leak.o")], check=True
    )
    leaked = [name for name in symbols(tmp_path / "leak.o", WEAK) if not own(name, "avx2")]
    assert any("vector" in name for name in leaked)
