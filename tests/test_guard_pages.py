"""No kernel touches memory outside of its arrays, in the build that users run, on any instruction set."""

import pytest

from fastnn import _core
from tests.opinfo import FUNCTIONS
from tests.processes import run_python

PROGRAM = "tests.programs.guard_pages"


@pytest.mark.parametrize("isa", _core.supported_isas())
def test_arrays_between_guard_pages(isa: str) -> None:
    done = run_python("-m", PROGRAM, FASTNN_ISA=isa)
    assert done.returncode == 0, "\n".join(done.stderr.splitlines()[-10:])
    assert int(done.stdout) > 100 * len(FUNCTIONS)


def test_the_pages_guard() -> None:
    done = run_python("-m", PROGRAM, "--overrun")
    assert done.returncode != 0
    assert done.stdout == ""
