"""No call changes how its thread or the workers compute: rounding, subnormals, traps."""

import ctypes
import ctypes.util
import platform

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, call

# Where glibc's fenv_t keeps the control bits, and which of them are control, not flags that were raised.
CONTROL = {"x86_64": ((0, 0xFFFF), (28, 0xFFC0)), "aarch64": ((0, 0xFFFFFFFF),)}
libm = ctypes.CDLL(ctypes.util.find_library("m"))


def control() -> list[int]:
    """On x86-64 the control word of the x87 and MXCSR without its flags, on aarch64 FPCR."""
    environment = ctypes.create_string_buffer(64)
    assert libm.fegetenv(environment) == 0
    fields = CONTROL[platform.machine()]
    return [int.from_bytes(environment.raw[at : at + 4], "little") & mask for at, mask in fields]


def workers_keep_subnormals() -> bool:
    """Halves of the smallest numbers, computed on all threads."""
    x = np.full(200_000, 1e-40, np.float32)
    y = F.dropout(x, 0.5, key=(0, 0))
    return set(np.unique(y)) == {np.float32(0), np.float32(1e-40) * np.float32(2)}


def test_the_control_bits_are_seen() -> None:
    """Rounding upwards shows, and is taken back."""
    upwards = {"x86_64": 0x800, "aarch64": 0x400000}[platform.machine()]
    before = control()
    assert libm.fesetround(upwards) == 0
    try:
        changed = control()
    finally:
        libm.fesetround(0)
    assert changed != before
    assert control() == before


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_calls_leave_the_environment(backend: Backend, function: Function, dtype: str) -> None:
    fastnn.set_num_threads(3)
    before = control()
    for sample in function.fresh()[::8] + function.large(np.random.default_rng(2))[:1]:
        call(backend, function, sample.cast(dtype))
        assert control() == before, f"{function} of {sample}"
    assert np.float32(1e-40) * np.float32(0.5) != 0
    assert workers_keep_subnormals()
