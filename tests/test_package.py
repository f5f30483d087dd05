"""Importing fastnn: what it loads, what it leaves alone, what it says when it cannot; and its settings."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fastnn


def run_python(code, path=None):
    command = [sys.executable, "-c", code] if path is None else [sys.executable, "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=path, timeout=120)


def test_import_loads_no_more_than_it_needs():
    result = run_python(
        "import sys, numpy; old = set(sys.modules); import fastnn; print(*set(sys.modules) - old)"
    )
    loaded = set(result.stdout.split())
    assert "fastnn.nn" in loaded, result.stderr
    assert not {"fastnn.data", "fastnn.train", "numpy.random"} & loaded
    assert {name for name in loaded if not name.startswith("fastnn")} <= {"__future__"}


def test_lazy_parts():
    code = "import fastnn; print(fastnn.data.ArrayLoader.__name__, fastnn.train.fit.__name__)"
    assert run_python(code).stdout.split() == ["ArrayLoader", "fit"]
    assert {"data", "train", "__version__"} <= set(dir(fastnn))
    with pytest.raises(AttributeError, match="module 'fastnn' has no attribute 'trian'"):
        _ = fastnn.trian


def test_version_is_a_string():
    assert fastnn.__version__[0].isdigit()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ["holds no compiled _core", "outside the source tree", "pip install --force-reinstall ."]),
        ({"_core.cpython-27-sparc.so": b""}, ["_core.cpython-27-sparc.so", "needs _core", "pip install"]),
        ({"native": b"no library"}, ["cannot load it", "pip install --force-reinstall ."]),
    ],
)
def test_a_failed_import_says_what_to_do(tmp_path, files, words):
    source = Path(fastnn.__file__).resolve().parent
    ignored = shutil.ignore_patterns("_core*.so", "__pycache__")
    package = shutil.copytree(source, tmp_path / "fastnn", ignore=ignored)
    native = f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    for name, content in files.items():
        (package / (native if name == "native" else name)).write_bytes(content)
    site = Path(pytest.__file__).parent.parent  # -S leaves out site-packages, and with them the real fastnn
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.path.append({str(site)!r}); import fastnn"
    result = run_python(code, tmp_path)
    assert result.returncode == 1
    text = result.stderr[result.stderr.rindex("ImportError: ") :]
    assert "the direct cause of the following exception" in result.stderr
    assert all(word in text for word in words), result.stderr


def test_a_wrong_environment_variable_is_named():
    code = "import os; os.environ['FASTNN_ISA'] = 'mmx'; import fastnn"
    result = run_python(code)
    assert result.returncode == 1
    assert "FASTNN_ISA" in result.stderr
    assert "'mmx'" in result.stderr
    assert "pip install" not in result.stderr


def test_threads_restores_the_count_also_after_an_error():
    fastnn.set_num_threads(3)
    with fastnn.threads(2):
        assert fastnn.get_num_threads() == 2
        with fastnn.threads(1):
            assert fastnn.get_num_threads() == 1
        assert fastnn.get_num_threads() == 2
    assert fastnn.get_num_threads() == 3

    def fail():
        with fastnn.threads(2):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert fastnn.get_num_threads() == 3


@pytest.mark.parametrize("function", [fastnn.set_num_threads, fastnn.threads])
@pytest.mark.parametrize(
    ("n", "error", "words"),
    [
        (0, ValueError, "expected n >= 1, got 0"),
        (-2, ValueError, "got -2"),
        (2.0, TypeError, r"expected n to be an int, got 2.0 \(float\)"),
        (True, TypeError, "got True"),
        ("2", TypeError, "got '2'"),
        (None, TypeError, "got None"),
    ],
)
def test_number_of_threads_is_checked(function, n, error, words):
    before = fastnn.get_num_threads()
    with pytest.raises(error, match=rf"\[{function.__name__}\] .*{words}"):
        function(n)
    assert fastnn.get_num_threads() == before


def test_show_config(capsys):
    config = fastnn.show_config(mode="dict")
    assert capsys.readouterr().out == ""
    assert config["isa"] == fastnn.isa()
    assert config["supported_isas"] == fastnn.supported_isas()
    assert config["threads"] == fastnn.get_num_threads()
    assert config["fastnn"] == fastnn.__version__
    assert {"compiler", "build_type", "isas"} <= config["build"].keys()
    assert {"bytes_in_use", "bytes_cached", "bytes_limit", "hits", "misses"} <= config["memory"].keys()
    assert fastnn.show_config() is None
    text = capsys.readouterr().out
    assert f"isa: {fastnn.isa()}\n" in text
    assert f"  compiler: {config['build']['compiler']}\n" in text
    with pytest.raises(
        ValueError, match=r'\[show_config\] expected mode to be "stdout" or "dict", got \'json\''
    ):
        fastnn.show_config(mode="json")
