"""`python -m fastnn`, as a user runs it."""

import re

import pytest

import fastnn
from fastnn import commands
from tests.processes import run_python


def test_info_prints_what_show_config_prints(capsys):
    assert commands.main(["info"]) == 0
    text = capsys.readouterr().out
    for line in (
        f"fastnn: {fastnn.__version__}",
        f"isa: {fastnn.isa()}",
        f"threads: {fastnn.get_num_threads()}",
    ):
        assert line in text.splitlines()
    for key in ("python", "numpy", "system", "cuda", "  compiler"):
        assert re.search(rf"^{key}: \S", text, re.MULTILINE)


def test_bench_fills_its_table(capsys):
    before = fastnn.get_num_threads()
    assert commands.main(["bench", "--seconds", "0", "--threads", "1", "--no-torch"]) == 0
    assert fastnn.get_num_threads() == before
    lines = capsys.readouterr().out.splitlines()
    assert "1 threads" in lines[0]
    assert lines[1].split() == ["fastnn", "numpy"]
    assert len(lines) == 9
    assert all(float(line[38:].split()[0]) > 0 for line in lines[2:])


def test_demo_learns(capsys):
    assert commands.main(["demo", "--epochs", "6"]) == 0
    text = capsys.readouterr().out
    assert "6 epochs over 1437 digits" in text
    assert float(re.search(r"reads ([\d.]+)% of 360 digits", text)[1]) > 90


def test_demo_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    assert commands.main(["demo"]) == 1
    assert capsys.readouterr().err == "[demo] needs the package scikit-learn: pip install scikit-learn\n"


@pytest.mark.parametrize("arguments", [[], ["train"], ["demo", "--epochs", "0"], ["info", "--loud"]])
def test_wrong_arguments_leave_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        commands.main(arguments)
    assert left.value.code == 2
    assert "usage: python -m fastnn" in capsys.readouterr().err


def test_ctrl_c_leaves_with_130(monkeypatch, capsys):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.info, "run", interrupt)
    assert commands.main(["info"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_as_a_program():
    done = run_python("-m", "fastnn", "--help")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("info", "bench", "demo"))
