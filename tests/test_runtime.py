"""show_config: the figures of build, processor, threads and memory, as a dict or printed."""

import os
import platform

import numpy as np
import pytest

import fastnn
from fastnn import _core


def test_dict() -> None:
    fastnn.set_num_threads(3)
    config = fastnn.show_config(mode="dict")
    assert config["threads"] == 3
    assert config["isa"] == fastnn.isa()
    assert config["numpy"] == np.__version__
    assert config["supported_isas"] == fastnn.supported_isas()
    assert config["memory"].keys() == {"bytes_in_use", "bytes_cached", "bytes_limit", "hits", "misses"}
    assert all(type(value) is int and value >= 0 for value in config["memory"].values())
    assert config["build"].keys() == {"compiler", "build_type", "isas", "fortify"}
    assert set(config["supported_isas"]) <= set(config["build"]["isas"].split(","))


def test_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert fastnn.show_config() is None
    printed = capsys.readouterr().out
    for key, value in fastnn.show_config(mode="dict").items():
        assert f"{key}:" in printed
        if isinstance(value, str):
            assert f"{key}: {value}\n" in printed


def test_other_modes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^\[show_config\] expected mode .*\"dict\".*'json'"):
        fastnn.show_config(mode="json")  # type: ignore[call-overload]


def built_isas() -> set[str]:
    return set(_core.build_info()["isas"].split(","))


def test_isas_of_this_architecture_are_built() -> None:
    wanted = {"x86_64": {"scalar", "avx2", "avx512"}, "aarch64": {"scalar", "neon"}}
    assert built_isas() == wanted.get(platform.machine(), {"scalar"})


@pytest.mark.parametrize(
    ("isa", "needed"),
    [("avx2", {"avx2", "fma"}), ("avx512", {"avx512f", "avx512bw", "avx512dq", "avx512vl"})],
)
def test_isa_is_supported_where_the_processor_has_it(isa: str, needed: set[str]) -> None:
    if isa not in built_isas():
        pytest.skip(f"{isa} is not in this build")
    with open("/proc/cpuinfo") as file:
        flags = set(file.read().split())
    assert (isa in fastnn.supported_isas()) == (needed <= flags)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_machine_limits_are_positive(dtype: str) -> None:
    fastnn.set_num_threads(min(2, os.cpu_count() or 1))
    assert _core.fma_peak(dtype, 5) > 1e8
    assert _core.triad(10_000, 3) > 1e7


def test_machine_limits_check_their_arguments() -> None:
    with pytest.raises(ValueError, match=r"dtype.*float32.*float64.*int8"):
        _core.fma_peak("int8", 5)
    with pytest.raises(ValueError, match=r"elements.*-1"):
        _core.triad(-1, 3)
