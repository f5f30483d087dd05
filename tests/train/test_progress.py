"""What fit shows, to whom, and that it is silent elsewhere."""

import io
import sys
from types import SimpleNamespace

import pytest

from fastnn.train import LambdaCallback, fit, progress
from tests.train.problems import clouds, make_run


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A terminal that is written to at every batch."""
    stream = Terminal()
    # pytest puts its own sys.stderr back between this fixture and the test, so the module gets another sys.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream, modules=sys.modules))
    monkeypatch.setattr(progress, "_INTERVAL", 0.0)
    return stream


def run(**options):
    fit(*make_run(), clouds(), validation=0.2, epochs=2, metrics="accuracy", **options)


def test_silent_when_not_wanted(terminal, capfd):
    run(progress=False)
    assert terminal.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_silent_where_stderr_is_no_terminal(capfd):
    run(progress=True)
    assert capfd.readouterr() == ("", "")


def test_silent_without_stderr(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    run(progress=True)


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_shows_epoch_loss_validation_and_rate(terminal, monkeypatch, capsys, with_tqdm):
    if not with_tqdm:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    run(progress=True)
    shown = terminal.getvalue()
    for text in ("epoch 1/2", "epoch 2/2", "loss ", "val_loss ", "val_accuracy ", "samples/s"):
        assert text in shown
    assert ("%|" in shown) == with_tqdm
    assert shown.endswith("\n")
    assert capsys.readouterr().out == ""


def test_the_line_is_rewritten_in_place(terminal, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    run(progress=True)
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().count("\r") > 2


def test_the_line_leaves_nothing_of_a_longer_one_behind(terminal):
    line = progress.Line(epochs=1)
    line._show("epoch 1/1", "a long text", 0)
    line._show("epoch 1/1", "short", 0)
    first, second = terminal.getvalue().split("\r")[1:]
    assert len(second) >= len(first)


def test_the_bar_counts_all_samples(terminal):
    run(progress=True)
    assert "144/144" in terminal.getvalue()  # two epochs of 72
    assert "100%" in terminal.getvalue()


def test_the_bar_is_closed_after_an_exception(terminal):
    def fail(state):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(progress=True, callbacks=[LambdaCallback(on_epoch_end=fail)])
    assert terminal.getvalue().endswith("\n")


def test_texts_are_formatted_only_now_and_then(monkeypatch):
    clock = iter([0.0, 0.01, 0.02, 0.15, 0.15])
    monkeypatch.setattr(progress, "perf_counter", lambda: next(clock))
    shown = []

    class Recorder(progress._Watched):
        def _show(self, epoch, results, samples):
            shown.append((epoch, results, samples))

    bar = Recorder(epochs=3)
    bar.begin_epoch(2)
    for _ in range(3):
        bar.advance(8, 0.5)
    assert shown == [("epoch 2/3", "loss 0.5000", 24)]
