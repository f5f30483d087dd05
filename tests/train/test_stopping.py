"""Runs end after so many updates, or when updates change nothing any more."""

import numpy as np
import pytest

from fastnn import nn, optim, train
from tests.train.problems import clouds, make_run


@pytest.mark.parametrize(("limit", "epochs"), [(1, 1), (9, 1), (10, 2), (100, 3)])
def test_updates_are_counted_over_epochs(limit, epochs):
    guard = train.UpdateLimit(limit)
    history = train.fit(*make_run(), clouds(90), epochs=3, batch_size=10, callbacks=[guard])
    assert len(history.epochs) == epochs
    assert guard.updates == min(limit, 27)
    assert guard.reached == (limit <= 27)


def test_the_count_goes_on_after_a_resume(tmp_path):
    file = tmp_path / "last.safetensors"
    saver = train.ModelCheckpoint(file, save_best_only=False)
    train.fit(*make_run(), clouds(), epochs=1, batch_size=10, callbacks=[train.UpdateLimit(13), saver])
    guard = train.UpdateLimit(13)
    again = [guard, train.ModelCheckpoint(file, save_best_only=False)]
    train.fit(*make_run(), clouds(), epochs=5, batch_size=10, callbacks=again, resume=file)
    assert guard.updates == 13


def line(tolerance, lr=0.1):
    """A weight that halves its distance to 2 at each update."""
    model = nn.Linear(1, 1, bias=False, dtype=np.float64)
    model.weight.data.fill(10.0)
    guard = train.Converged(tolerance)
    history = train.fit(
        model,
        nn.MSELoss(),
        optim.SGD(model.parameters(), lr=0.25),
        (np.ones((1, 1)), np.full((1, 1), 2.0)),
        epochs=60,
        callbacks=[guard],
    )
    return guard.reached, len(history.epochs)


def test_stops_at_the_first_update_below_the_tolerance():
    """Update t changes the weight by 8 / 2^t."""
    assert line(1.0) == (True, 3)
    assert line(0.999) == (True, 4)
    assert line(0.0) == (True, line(0.0)[1])
    assert 50 < line(0.0)[1] < 60


def test_does_not_stop_while_the_parameters_move():
    guard = train.Converged(1e-12)
    history = train.fit(*make_run(), clouds(), epochs=2, callbacks=[guard])
    assert len(history.epochs) == 2
    assert not guard.reached


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"\[UpdateLimit\] expected limit >= 1, got 0"):
        train.UpdateLimit(0)
    with pytest.raises(ValueError, match=r"\[Converged\] expected tolerance to be finite and >= 0, got -1"):
        train.Converged(-1)
