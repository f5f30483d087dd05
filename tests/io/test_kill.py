"""kill -9 at random points of saving: the last finished save, or the one after it, is always there whole."""

import itertools
import os
import random
import signal
import time

import numpy as np

from fastnn import io, nn

KILLS = 100


def save_for_ever(path, told):
    """The number of each save is in its weights, and told once it has returned."""
    model = nn.Linear(64, 64)
    for number in itertools.count(1):
        model.weight.data[...] = number
        model.bias.data[...] = number
        io.save_checkpoint(path, model, extra=number)
        os.write(told, b"%d\n" % number)


def killed_while_saving(path, seconds):
    """Forks a process that saves, kills it that long after its first save; the last number it told."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            save_for_ever(path, writer)
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader) as numbers:
        first = numbers.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return int((first + numbers.read()).split()[-1])


def test_nothing_is_lost(tmp_path):
    path, model = tmp_path / "checkpoint", nn.Linear(64, 64)
    draw = random.Random(0)
    left_behind = 0
    for _ in range(KILLS):
        told = killed_while_saving(path, draw.uniform(0, 0.01))
        number = io.load_checkpoint(path, model)
        assert number in (told, told + 1)
        assert np.all(model.weight.data == number)
        assert np.all(model.bias.data == number)
        left_behind += len(list(tmp_path.iterdir())) > 1
    assert left_behind > 0  # else no kill came while a file was written, and the test has shown nothing
    io.save_checkpoint(path, model)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]


def test_somebody_elses_temporary_file_stays(tmp_path):
    """Of a process that runs; and of names that only look alike."""
    others = [f".c.{os.getppid()}.tmp", ".c.x.tmp", ".cc.1.tmp", "c.99999999.tmp"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / ".c.99999999.tmp").touch()  # beyond any process number
    io.save_checkpoint(tmp_path / "c", nn.Linear(1, 1))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["c", *others])
