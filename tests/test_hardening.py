"""The built extension resists what an error could be used for: readelf says how it was compiled and linked.

Sanitized builds have their own checks in the place of the compiler's.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastnn
from fastnn import _core

COMPILER = shutil.which("c++") or shutil.which("g++")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="readelf reads ELF files"),
    pytest.mark.skipif(
        shutil.which("readelf") is None or COMPILER is None, reason="wants readelf and a compiler"
    ),
]
EXTENSIONS = sorted(Path(_core.__file__).parent.glob("_c*.so"))
# Each linker flag's opposite, to see the fault that it makes.
FAULTS = {
    "no read-only relocations": ["-Wl,-z,norelro"],
    "symbols bound late": ["-Wl,-z,lazy"],
    "executable stack": ["-Wl,-z,execstack"],
    "run path /somewhere": ["-Wl,-rpath,/somewhere"],
    "no stack protector": ["-fno-stack-protector"],
    "exports leak": ["-DLEAK"],
}
SOURCE = """
extern "C" void fill(char*);
#ifdef LEAK
extern "C" __attribute__((visibility("default"))) void leak() {}
#endif
extern "C" __attribute__((visibility("default"))) char PyInit_module() {
  char text[64];
  fill(text);
  return text[0];
}
"""


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def faults(library: Path, sanitized: bool = False) -> list[str]:
    """What is wrong with a library, in the words of FAULTS."""
    segments, dynamic = said("readelf", "-lW", str(library)), said("readelf", "-dW", str(library))
    symbols = said("nm", "-D", str(library))
    exported = set(re.findall(r"^[0-9a-f]+ [A-Za-z] (\S+)$", symbols, re.MULTILINE))
    stack = re.search(r"GNU_STACK(?:\s+0x\w+){5}\s+(\S+)", segments)
    found = {
        "no read-only relocations": "GNU_RELRO" not in segments,
        "symbols bound late": re.search(r"\(FLAGS\).*BIND_NOW", dynamic) is None,
        "executable stack": stack is None or "E" in stack[1],
        "no stack protector": not sanitized and "__stack_chk_fail" not in symbols,
    }
    paths = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic)
    foreign = {name for name in exported if not name.startswith("PyInit_")} if not sanitized else set()
    return [
        *(fault for fault, is_there in found.items() if is_there),
        *(f"run path {path}" for path in paths),
        *(f"exports {name}" for name in sorted(foreign)),
    ]


def is_sanitized(library: Path) -> bool:
    return re.search(r"__[at]san_init", said("nm", "-D", str(library))) is not None


@pytest.mark.parametrize("library", EXTENSIONS, ids=lambda path: path.name)
def test_extension_is_hardened(library: Path) -> None:
    assert faults(library, is_sanitized(library)) == []


def test_calls_of_libc_are_fortified() -> None:
    build = fastnn.show_config(mode="dict")["build"]
    optimised = build["build_type"] == "Release"
    assert build["fortify"] == (2 if optimised else 0)


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_each_fault_is_seen(fault: str | None, tmp_path: Path) -> None:
    """A small library with all that is asked for, and with one thing left out."""
    source, library = tmp_path / "module.cpp", tmp_path / "module.so"
    source.write_text(SOURCE)
    hardened = ["-fstack-protector-strong", "-fvisibility=hidden", "-Wl,-z,relro,-z,now,-z,noexecstack"]
    flags = ["-O1", "-fPIC", "-shared", *hardened, *FAULTS.get(fault or "", [])]
    subprocess.run([COMPILER, *flags, str(source), "-o", str(library)], check=True, capture_output=True)
    assert faults(library) == ([fault] if fault else [])
