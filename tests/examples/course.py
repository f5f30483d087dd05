"""The examples of the course, each run once in its short form."""

import atexit
import contextlib
import functools
import importlib.util
import io
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parents[2] / "examples/course"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("c[0-9]*.py"))


@dataclass(frozen=True)
class Run:
    """What an example returned and printed, and where its picture is."""

    module: ModuleType
    figures: dict[str, Any]
    output: str
    folder: Path


@functools.cache
def run(name: str) -> Run:
    folder = _scratch()
    module = load(name)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        figures = module.main(["--quick", "--out", str(folder)])
    return Run(module, figures, output.getvalue(), folder)


@functools.cache
def _scratch() -> Path:
    """One folder for all pictures, which goes with the process."""
    folder = tempfile.mkdtemp(prefix="fastnn-course-")
    atexit.register(shutil.rmtree, folder)
    return Path(folder)


def load(name: str, folder: Path = FOLDER) -> ModuleType:
    """The example as a module; it finds what examples share beside itself, as it does when it is run."""
    specification = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    sys.path.insert(0, str(folder))
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module
