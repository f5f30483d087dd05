"""ModelCheckpoint and fit(resume=): an interrupted run, called again, gives the bits of one that was not."""

import itertools

import numpy as np
import pytest

import fastnn
from fastnn import io, nn, optim
from fastnn.data import ArrayLoader
from fastnn.train import CSVLogger, EarlyStopping, JSONLLogger, LambdaCallback, ModelCheckpoint, fit
from tests.train.problems import assert_same_weights, clouds, weights_of

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05),
}
SCHEDULERS = {
    "none": lambda o: None,
    "cosine": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=6),
    "plateau": lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, patience=0),
}
CONFIGURATIONS = [
    *itertools.product(OPTIMIZERS, SCHEDULERS, [np.float32], ["arrays"]),
    ("Adam", "cosine", np.float64, "arrays"),
    ("SGD", "plateau", np.float64, "arrays"),
    ("Adam", "none", np.float32, "loader"),
    ("SGD", "cosine", np.float32, "loader"),
    ("RMSprop", "plateau", np.float32, "loader"),
]


class InterruptedRunError(Exception):
    pass


def run(configuration, path, seed, resume=None, stop_in=None, epochs=6):
    """A run with batch norm, dropout and shuffling; it breaks off in the middle of epoch `stop_in`."""
    optimizer_name, scheduler_name, dtype, kind = configuration
    fastnn.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(4, 12, dtype=dtype),
        nn.BatchNorm1d(12, dtype=dtype),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(12, 3, dtype=dtype),
    )
    optimizer = OPTIMIZERS[optimizer_name](model.parameters())

    def interrupt(state):
        if state.epoch == stop_in and state.batch == 2:
            raise InterruptedRunError

    x, y = clouds(60)
    data = ArrayLoader(x, y, batch_size=16, shuffle=True, seed=5) if kind == "loader" else (x, y)
    history = fit(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        data,
        validation=clouds(30, seed=1),
        epochs=epochs,
        batch_size=16,
        scheduler=SCHEDULERS[scheduler_name](optimizer),
        metrics=["accuracy"],
        callbacks=[
            ModelCheckpoint(path),
            LambdaCallback(on_batch_end=interrupt),
            EarlyStopping(patience=5, restore_best=True),
        ],
        resume=resume,
    )
    return model, optimizer, history


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda c: "-".join(map(str, c[:2] + c[3:])))
def test_resume_is_bit_equal(tmp_path, configuration):
    model, optimizer, history = run(configuration, tmp_path / "whole", seed=0)
    with pytest.raises(InterruptedRunError):
        run(configuration, tmp_path / "broken", seed=0, stop_in=4)
    again, its_optimizer, its_history = run(
        configuration, tmp_path / "broken", seed=99, resume=tmp_path / "broken"
    )
    assert_same_weights(weights_of(again), weights_of(model))
    np.testing.assert_equal(its_optimizer.state_dict(), optimizer.state_dict())
    first, second = history.to_dict(), its_history.to_dict()
    assert [first.pop("seconds") and None, first] == [second.pop("seconds") and None, second]


def test_there_are_twenty_configurations():
    assert len(CONFIGURATIONS) >= 20


def small_run(callbacks, epochs=3, resume=None, **options):
    fastnn.manual_seed(0)
    model = nn.Linear(4, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = fit(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        clouds(30),
        epochs=epochs,
        callbacks=callbacks,
        resume=resume,
        **options,
    )
    return model, history


def test_the_best_epoch_is_kept(tmp_path):
    """With the monitor going up after epoch 2, the file holds epoch 2."""
    by_epoch = {}

    def scripted(state):
        state.logs["score"] = [3.0, 1.0, 2.0, 1.0][state.epoch - 1]
        by_epoch[state.epoch] = weights_of(state.model)

    best = ModelCheckpoint(tmp_path / "best", monitor="score")
    small_run([LambdaCallback(on_epoch_end=scripted), best], epochs=4)
    assert (best.best, best.best_epoch) == (1.0, 2)
    model = nn.Linear(4, 3)
    io.load_weights(model, tmp_path / "best")
    assert_same_weights(weights_of(model), by_epoch[2])


def test_the_last_file_knows_the_best(tmp_path):
    """Also where the callback that saves each epoch comes before the one that keeps the best."""

    def callbacks(scores):
        scripted = LambdaCallback(on_epoch_end=lambda s: s.logs.update(score=scores[s.epoch - 1]))
        best = ModelCheckpoint(tmp_path / "best", monitor="score")
        return [scripted, ModelCheckpoint(tmp_path / "last"), best]

    small_run(callbacks([1.0]), epochs=1)
    before = (tmp_path / "best").read_bytes()
    again = callbacks([1.0, 2.0])
    small_run(again, epochs=2, resume=tmp_path / "last")
    assert (again[2].best, again[2].best_epoch) == (1.0, 1)
    assert (tmp_path / "best").read_bytes() == before


def test_every_and_the_last(tmp_path):
    saved = []
    watch = LambdaCallback(
        on_epoch_begin=lambda state: saved.append(
            (tmp_path / "c").exists() and (tmp_path / "c").unlink() is None
        )
    )
    small_run([watch, ModelCheckpoint(tmp_path / "c", every=3)], epochs=5)
    assert [*saved[1:], (tmp_path / "c").exists()] == [False, False, True, False, True]


def test_a_stopped_run_stays_stopped(tmp_path):
    def callbacks():
        stop = LambdaCallback(on_epoch_end=lambda state: setattr(state, "stop", state.epoch >= 2))
        return [ModelCheckpoint(tmp_path / "c"), stop]

    first, _ = small_run(callbacks(), epochs=5)
    second, history = small_run(callbacks(), epochs=5, resume=tmp_path / "c")
    assert history.epochs == [1, 2]
    assert_same_weights(weights_of(first), weights_of(second))


def test_early_stopping_goes_on_waiting(tmp_path):
    """Epochs waited before the break count, and the best weights are those from before it."""

    def callbacks(stop_in):
        def scripted(state):
            state.logs["score"] = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0][state.epoch - 1]
            if state.epoch == stop_in:
                raise InterruptedRunError

        stopping = EarlyStopping(monitor="score", patience=3)
        return [ModelCheckpoint(tmp_path / "c"), LambdaCallback(on_epoch_end=scripted), stopping]

    whole, history = small_run(callbacks(0), epochs=6)
    assert history.epochs == [1, 2, 3, 4]
    with pytest.raises(InterruptedRunError):
        small_run(callbacks(4), epochs=6)
    again, its_history = small_run(callbacks(0), epochs=6, resume=tmp_path / "c")
    assert its_history.epochs == [1, 2, 3, 4]
    assert_same_weights(weights_of(again), weights_of(whole))


def test_wrong_resumes(tmp_path):
    small_run([ModelCheckpoint(tmp_path / "c")])
    with pytest.raises(ValueError, match=r"expected the callbacks \['ModelCheckpoint'\].*got \[\]"):
        small_run([], resume=tmp_path / "c")
    io.save_checkpoint(
        tmp_path / "other", nn.Linear(4, 3), optimizer=optim.SGD([nn.Parameter(np.zeros(1))], lr=1.0)
    )
    with pytest.raises(ValueError, match=r"\[load_checkpoint\]"):
        small_run([], resume=tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        small_run([], resume=tmp_path / "nowhere")
    _, history = small_run([])
    with pytest.raises(ValueError, match=r"empty history with resume"):
        small_run([], resume=tmp_path / "c", history=history)
    with pytest.raises(ValueError, match=r"monitor to be one of \['loss'\].*'val_loss'"):
        small_run([ModelCheckpoint(tmp_path / "d", monitor="val_loss")])
    with pytest.raises(ValueError, match="mode"):
        ModelCheckpoint(tmp_path / "d", mode="least")
    with pytest.raises(ValueError, match="every >= 1"):
        ModelCheckpoint(tmp_path / "d", every=0)


@pytest.mark.parametrize("kind", [CSVLogger, JSONLLogger])
def test_logs_go_on_with_the_run(tmp_path, kind):
    """Also where the broken run had logged an epoch that its checkpoint did not reach."""

    def broken_after(epoch):
        def crash(state):
            if state.epoch == epoch:
                raise InterruptedRunError

        return LambdaCallback(on_epoch_end=crash)

    def callbacks(epoch):
        return [kind(tmp_path / "log"), broken_after(epoch), ModelCheckpoint(tmp_path / "c")]

    with pytest.raises(InterruptedRunError):
        small_run(callbacks(3), epochs=5)
    assert epochs_in(kind, tmp_path / "log") == [1, 2, 3]
    small_run(callbacks(0), epochs=5, resume=tmp_path / "c")
    assert epochs_in(kind, tmp_path / "log") == [1, 2, 3, 4, 5]
    _, history = small_run([kind(tmp_path / "log")], epochs=2)
    assert epochs_in(kind, tmp_path / "log") == history.epochs
    assert str(history["loss"][-1]) in (tmp_path / "log").read_text()


def epochs_in(kind, path):
    lines = path.read_text().splitlines()
    if kind is CSVLogger:
        assert lines.pop(0) == "epoch,seconds,loss"
        return [int(line.split(",")[0]) for line in lines]
    return [int(line.split('"epoch": ')[1].split(",")[0]) for line in lines]


def test_csv_columns_do_not_change_in_the_middle(tmp_path):
    def surprise(state):
        if state.epoch == 2:
            state.logs["new"] = 1.0

    with pytest.raises(ValueError, match=r"expected values \['epoch', 'seconds', 'loss'\].*'new'"):
        small_run([LambdaCallback(on_epoch_end=surprise), CSVLogger(tmp_path / "log")])
