"""EarlyStopping on histories that are given, and in a real run."""

import numpy as np
import pytest

from fastnn.train import EarlyStopping, FitState, History, LambdaCallback, evaluate, fit
from tests.train.problems import assert_same_weights, clouds, make_run, weights_of


def epochs_until_stop(stopping, values):
    """Feed `values` as epochs; the number of the epoch after which it stops, 0 for never."""
    model, loss, optimizer = make_run()
    state = FitState(model, loss, optimizer, History(), epochs=len(values))
    stopping.on_fit_begin(state)
    for epoch, value in enumerate(values, start=1):
        state.epoch, state.logs = epoch, {stopping.monitor: value}
        stopping.on_epoch_end(state)
        if state.stop:
            return epoch
    return 0


NAN = float("nan")


@pytest.mark.parametrize(
    ("options", "values", "stops_after", "best_epoch"),
    [
        ({"patience": 2}, [5, 4, 3, 2, 1], 0, 5),
        ({"patience": 2}, [5, 4, 4, 4, 1], 4, 2),
        ({"patience": 1}, [5, 5, 1], 2, 1),
        ({"patience": 2}, [5, 6, 4, 6, 3, 6], 0, 5),
        ({"patience": 2, "min_delta": 0.5}, [5, 4.6, 4.5, 1], 3, 1),
        ({"patience": 2, "min_delta": 0.5}, [5, 4.4, 4.3, 3.8], 0, 4),
        ({"patience": 2, "mode": "max"}, [1, 2, 1, 2, 9], 4, 2),
        ({"patience": 2, "mode": "max"}, [1, 2, 3], 0, 3),
        ({"patience": 2}, [NAN, 5, NAN, 4], 0, 4),
        ({"patience": 2}, [5, NAN, NAN, 1], 3, 1),
        ({"patience": 2}, [NAN, NAN, 1], 2, 0),
    ],
)
def test_when_it_stops(options, values, stops_after, best_epoch):
    stopping = EarlyStopping(**options)
    assert epochs_until_stop(stopping, values) == stops_after
    assert stopping.best_epoch == best_epoch
    assert stopping.best == pytest.approx(values[best_epoch - 1] if best_epoch else NAN, nan_ok=True)


def overfitting_run(**options):
    """A run that gets worse: training labels are noise, so validation loss soon rises."""
    x, _ = clouds(60)
    noise = np.random.default_rng(3).integers(0, 3, 60)
    held_out = clouds(60, seed=7)
    model, loss, optimizer = make_run(lr=0.1, dropout=0.0)
    by_epoch = {}
    watch = LambdaCallback(on_epoch_end=lambda state: by_epoch.update({state.epoch: weights_of(state.model)}))
    stopping = EarlyStopping(**options)
    history = fit(
        model, loss, optimizer, (x, noise), validation=held_out, epochs=30, callbacks=[watch, stopping]
    )
    return model, loss, held_out, history, by_epoch, stopping


def test_stops_and_restores_the_best_weights():
    model, loss, held_out, history, by_epoch, stopping = overfitting_run(patience=4)
    best = int(np.argmin(history["val_loss"])) + 1
    assert stopping.best_epoch == best
    assert len(history.epochs) == best + 4 < 30
    assert_same_weights(weights_of(model), by_epoch[best])
    assert evaluate(model, loss, held_out)["loss"] == min(history["val_loss"]) == stopping.best


def test_restores_the_best_weights_when_epochs_run_out_first():
    model, _, _, history, by_epoch, stopping = overfitting_run(patience=100)
    assert len(history.epochs) == 30 > stopping.best_epoch
    assert_same_weights(weights_of(model), by_epoch[stopping.best_epoch])


def test_keeps_the_last_weights_when_asked_to():
    model, _, _, history, by_epoch, stopping = overfitting_run(patience=4, restore_best=False)
    assert_same_weights(weights_of(model), by_epoch[len(history.epochs)])
    with pytest.raises(AssertionError):
        assert_same_weights(weights_of(model), by_epoch[stopping.best_epoch])


def test_can_be_used_for_another_run():
    stopping = EarlyStopping(patience=2)
    first = epochs_until_stop(stopping, [1, 2, 3, 4])
    assert epochs_until_stop(stopping, [9, 8, 10, 10]) == 4
    assert first == 3
    assert stopping.best == 8


def test_a_name_that_is_not_recorded_is_an_error():
    with pytest.raises(ValueError, match=r"expected monitor to be one of \['loss'\], got 'val_loss'"):
        fit(*make_run(), clouds(), epochs=1, callbacks=[EarlyStopping()])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ValueError, "expected patience >= 1, got 0"),
        ({"patience": 1.5}, TypeError, "expected patience to be an int, got 1.5"),
        ({"min_delta": -1.0}, ValueError, "expected min_delta >= 0, got -1.0"),
        ({"min_delta": NAN}, ValueError, "expected min_delta >= 0, got nan"),
        ({"mode": "auto"}, ValueError, "expected mode 'min' or 'max', got 'auto'"),
    ],
)
def test_errors(options, error, message):
    with pytest.raises(error, match=rf"\[EarlyStopping\] {message}"):
        EarlyStopping(**options)
