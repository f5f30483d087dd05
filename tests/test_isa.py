"""The instruction set is chosen at import; FASTNN_ISA forces one, and a forced one really runs."""

import pytest

import fastnn
from fastnn import _core
from tests.processes import output_of, run_python

FUSED, ROUNDED_TWICE = (2.0**-24).hex(), (0.0).hex()


@pytest.mark.parametrize("isa", _core.supported_isas())
def test_forced_isa_runs(isa: str) -> None:
    """The portable one rounds a product before it is added to; the others fuse."""
    wanted = ROUNDED_TWICE if isa == "scalar" else FUSED
    assert output_of("-m", "tests.programs.forced_isa", FASTNN_ISA=isa) == f"{isa} {wanted}"


def test_the_best_one_is_the_default() -> None:
    for value in ("", None):
        environment = {} if value is None else {"FASTNN_ISA": value}
        code = (
            "import os; os.environ.pop('FASTNN_ISA', None) if {} else 0; import fastnn; print(fastnn.isa())"
        )
        printed = output_of("-c", code.format(value is None), **environment)
        assert printed == _core.supported_isas()[-1]


@pytest.mark.parametrize("name", ["sse9", "AVX2", "scalar ", "neon" if fastnn.isa() != "neon" else "avx2"])
def test_other_names_are_refused(name: str) -> None:
    done = run_python("-c", "import fastnn", FASTNN_ISA=name)
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError:")
    assert "FASTNN_ISA" in message
    assert f"'{name}'" in message
    assert all(isa in message for isa in _core.supported_isas())


def test_isa_in_use_is_supported() -> None:
    assert fastnn.isa() in fastnn.supported_isas()
    assert fastnn.supported_isas()[0] == "scalar"
