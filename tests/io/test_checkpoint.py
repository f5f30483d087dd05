"""Checkpoints: everything goes on as if nothing had happened, or nothing is changed at all."""

from copy import deepcopy

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastnn
from fastnn import io, nn, optim
from fastnn.data import ArrayLoader

SCHEDULE = optim.lr_scheduler.StepLR


class Run:
    """All parts of a small training run."""

    def __init__(self, seed=0, hidden=5):
        fastnn.manual_seed(seed)
        rng = np.random.default_rng(3)
        self.model = nn.Sequential(
            nn.Linear(4, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, 3)
        )
        self.optimizer = optim.Adam(self.model.parameters(), lr=1e-2)
        self.scheduler = SCHEDULE(self.optimizer, step_size=3)
        x, y = rng.standard_normal((22, 4)).astype(np.float32), rng.integers(0, 3, 22)
        self.loader = ArrayLoader(x, y, batch_size=4, shuffle=True, seed=seed)
        self.loss = nn.CrossEntropyLoss()

    def parts(self):
        return {"optimizer": self.optimizer, "scheduler": self.scheduler, "loader": self.loader}

    def train(self, steps, save_after=None, path=None):
        batches = iter(self.loader)
        for step in range(1, steps + 1):
            try:
                x, y = next(batches)
            except StopIteration:
                self.scheduler.step()
                batches = iter(self.loader)
                x, y = next(batches)
            self.loss(self.model(x), y)
            self.optimizer.zero_grad()
            self.model.backward(self.loss.backward())
            self.optimizer.step()
            if step == save_after:
                io.save_checkpoint(
                    path, self.model, **self.parts(), extra={"steps": step, "best": (1.5, None)}
                )

    def everything(self):
        return deepcopy([self.model.state_dict(), *(p.state_dict() for p in self.parts().values())])


def test_going_on_gives_the_same_bits(tmp_path):
    first = Run()
    first.train(26, save_after=9, path=tmp_path / "c")
    second = Run(seed=8)
    second.train(3)
    assert io.load_checkpoint(tmp_path / "c", second.model, **second.parts()) == {
        "steps": 9,
        "best": (1.5, None),
    }
    second.train(17)
    np.testing.assert_equal(second.everything(), first.everything())


def test_numbers_keep_their_kind(tmp_path):
    extra = {
        "array": np.arange(6, dtype=np.int32).reshape(2, 3),
        1: [True, None, "text", 2.5, float("inf"), -0.0, 2**200],
        "nested": {"tuple": ({}, [], ()), "scalar": np.float64(0.1)},
        "nan": float("nan"),
    }
    io.save_checkpoint(tmp_path / "c", nn.Linear(1, 1), extra=extra)
    loaded = io.load_checkpoint(tmp_path / "c", nn.Linear(1, 1))
    np.testing.assert_equal(loaded, extra)
    assert type(loaded[1][0]) is bool
    assert type(loaded["nested"]["tuple"]) is tuple
    assert loaded["array"].dtype == np.int32


def test_what_does_not_fit_changes_nothing(tmp_path):
    saved = Run()
    saved.train(4)
    io.save_checkpoint(tmp_path / "c", saved.model, optimizer=saved.optimizer)
    run = Run(seed=1)
    run.train(2)
    before, state = run.everything(), fastnn.random.get_state()
    other = optim.SGD(run.model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"SGD\.load_state_dict"):
        io.load_checkpoint(tmp_path / "c", run.model, optimizer=other)
    with pytest.raises(ValueError, match="expected a state of the scheduler"):
        io.load_checkpoint(tmp_path / "c", run.model, **run.parts())
    with pytest.raises(ValueError, match="of shape"):
        io.load_checkpoint(tmp_path / "c", Run(hidden=6).model)
    np.testing.assert_equal(run.everything(), before)
    fastnn.random.set_state(state)
    assert other.state == {}


def test_a_failure_in_the_last_part_undoes_the_first(tmp_path):
    saved = Run()
    saved.train(4)
    io.save_checkpoint(tmp_path / "c", saved.model, **saved.parts())
    run = Run(seed=1)
    run.loader.batch_size = 22  # which has no position 4
    before = run.everything()
    with pytest.raises(ValueError, match="position"):
        io.load_checkpoint(tmp_path / "c", run.model, **run.parts())
    np.testing.assert_equal(run.everything(), before)


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path):
    model, path = nn.Linear(2, 2), tmp_path / "c"
    io.save_checkpoint(path, model, extra="old")
    for extra in [object(), {"f": print}, {(1, 2): 3}, {1, 2}]:
        with pytest.raises(TypeError, match=r"\[save_checkpoint\] expected extra"):
            io.save_checkpoint(path, model, extra=extra)
    with pytest.raises(ImportError):
        io.save_checkpoint(path, _Failing())
    assert io.load_checkpoint(path, model) == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


class _Failing(nn.Module):
    def state_dict(self):
        raise ImportError


def test_foreign_files(tmp_path):
    model, path = nn.Linear(2, 2), tmp_path / "f"
    io.save_weights(model, path)
    with pytest.raises(ValueError, match="expected a file of save_checkpoint"):
        io.load_checkpoint(path, model)
    save_file(model.state_dict(), path)
    with pytest.raises(ValueError, match="expected a file of save_checkpoint"):
        io.load_checkpoint(path, model)
    for content in [b"", b"text", b"\x80\x04\x95", bytes(range(256)) * 8]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot read .*damaged, or no safetensors"):
            io.load_checkpoint(path, model)
        with pytest.raises(ValueError, match=r"cannot read"):
            io.load_weights(model, path)


def test_a_later_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("fastnn.io.checkpoint.VERSION", 2)
    io.save_checkpoint(tmp_path / "c", nn.Linear(1, 1))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="expected version <= 1, got 2"):
        io.load_checkpoint(tmp_path / "c", nn.Linear(1, 1))
