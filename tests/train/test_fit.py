"""fit: what it does to the model, and what it records."""

import math

import numpy as np
import pytest

import fastnn
from fastnn import nn, optim
from fastnn.data import ArrayLoader
from fastnn.optim import lr_scheduler
from fastnn.train import Callback, History, LambdaCallback, evaluate, fit
from tests.train.problems import assert_same_weights, clouds, make_run, weights_of


def test_loss_goes_down_and_accuracy_up():
    history = fit(*make_run(), clouds(), epochs=15, metrics=["accuracy"])
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["accuracy"][-1] > 0.9
    assert history.epochs == list(range(1, 16))
    assert len(history.seconds) == 15


def test_equals_a_loop_written_out():
    x, y = clouds()
    model, loss, optimizer = make_run()
    history = fit(model, loss, optimizer, (x, y), epochs=2, batch_size=16, seed=4)

    by_hand, loss, optimizer = make_run()
    losses = []
    loader = ArrayLoader(x.astype(np.float32), y, 16, shuffle=True, seed=4)
    for _ in range(2):
        total = 0.0
        for x_batch, y_batch in loader:
            optimizer.zero_grad()
            total += loss(by_hand(x_batch), y_batch) * len(y_batch)
            by_hand.backward(loss.backward())
            optimizer.step()
        losses.append(total / len(y))
    assert_same_weights(weights_of(model), weights_of(by_hand))
    assert history["loss"] == losses


def test_first_layer_is_spared_its_grad_x():
    class Watched(nn.Linear):
        calls = ()

        def backward(self, grad_output):
            self.calls += ("backward",)
            return super().backward(grad_output)

        def backward_parameters(self, grad_output):
            self.calls += ("backward_parameters",)
            super().backward_parameters(grad_output)

    model = nn.Sequential(Watched(4, 5), Watched(5, 3))
    fit(
        model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), clouds(8), epochs=1, batch_size=8
    )
    assert model[0].calls == ("backward_parameters",)
    assert model[1].calls == ("backward",)


def test_each_epoch_has_another_order():
    orders = []

    class Recorder(nn.Module):
        def forward(self, x):
            orders.append(x[:, 0].tolist())
            return x

        def backward(self, grad):
            return grad

    model = nn.Sequential(Recorder(), nn.Linear(4, 3))
    fit(
        model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), clouds(), epochs=2, batch_size=90
    )
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_same_seed_same_bits_and_other_seed_other_bits():
    def trained(seed):
        model, loss, optimizer = make_run(seed=1)
        history = fit(
            model, loss, optimizer, clouds(), validation=0.2, epochs=3, metrics="accuracy", seed=seed
        )
        return weights_of(model), {name: history[name] for name in history}

    first, second, other = trained(5), trained(5), trained(6)
    assert_same_weights(first[0], second[0])
    assert first[1] == second[1]
    assert first[1] != other[1]


def test_100_steps_give_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(640, 200)).astype(np.float32), rng.integers(0, 10, 640)

    def trained(threads):
        fastnn.manual_seed(0)
        model = nn.Sequential(nn.Linear(200, 300), nn.ReLU(), nn.Dropout(0.3), nn.Linear(300, 10))
        optimizer = optim.AdamW(model.parameters(), lr=1e-3)
        with fastnn.threads(threads):
            history = fit(model, nn.CrossEntropyLoss(), optimizer, (x, y), epochs=10, batch_size=64)
        return weights_of(model), history["loss"]

    weights, losses = trained(1)
    assert losses[-1] < losses[0]
    for threads in (2, 3, 8):
        other_weights, other_losses = trained(threads)
        assert_same_weights(weights, other_weights)
        assert losses == other_losses


def test_loss_is_the_mean_over_samples_not_over_batches():
    model, loss, _ = make_run(dropout=0.0)
    still = optim.SGD(model.parameters(), lr=0.0)
    x, y = clouds(10)
    history = fit(model, loss, still, (x, y), epochs=1, batch_size=8)  # batches of 8 and 2
    assert history["loss"][0] == pytest.approx(evaluate(model, loss, (x, y))["loss"], rel=1e-6)


def test_reduction_sum_is_recorded_per_sample():
    model, mean, _ = make_run(dropout=0.0)
    still = optim.SGD(model.parameters(), lr=0.0)
    data = clouds(10)
    history = fit(
        model, nn.CrossEntropyLoss(reduction="sum"), still, data, validation=data, epochs=1, batch_size=8
    )
    expected = pytest.approx(evaluate(model, mean, data)["loss"], rel=1e-6)
    assert history["loss"][0] == expected
    assert history["val_loss"][0] == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_validation_equals_a_direct_computation(dtype):
    model, loss, optimizer = make_run(dtype=dtype)
    x, y = clouds(40, seed=1)
    history = fit(model, loss, optimizer, clouds(), validation=(x, y), epochs=2, metrics="accuracy")
    logits = model.eval()(x.astype(dtype))
    assert history["val_loss"][-1] == loss.eval()(logits, y)
    assert history["val_accuracy"][-1] == (logits.argmax(axis=1) == y).mean()


def test_validation_by_fraction_is_taken_after_shuffling():
    # The labels are sorted: an unshuffled share from either end would hold one class only.
    x, y = clouds()
    order = np.argsort(y, kind="stable")
    sizes, classes = {}, {}

    def watch(y_true, outputs):
        part = "validation" if len(y_true) == 27 else "training"
        sizes[part], classes[part] = len(y_true), set(y_true.tolist())
        return 0.0

    model, loss, optimizer = make_run()
    fit(model, loss, optimizer, (x[order], y[order]), validation=0.3, epochs=1, metrics=[watch])
    assert sizes == {"training": 63, "validation": 27}
    assert classes == {"training": {0, 1, 2}, "validation": {0, 1, 2}}


def test_held_out_samples_are_never_trained_on():
    seen = {"training": set(), "validation": set()}

    class Recorder(nn.Module):
        def forward(self, x):
            seen["training" if self.training else "validation"].update(x[:, 0].tolist())
            return x

        def backward(self, grad):
            return grad

    model = nn.Sequential(Recorder(), nn.Linear(4, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    fit(model, nn.CrossEntropyLoss(), optimizer, clouds(), validation=0.25, epochs=3)
    assert len(seen["training"]) == 68
    assert len(seen["validation"]) == 22
    assert not seen["training"] & seen["validation"]


def test_validation_runs_in_eval_mode_and_leaves_the_weights():
    modes = []

    class Watched(nn.Dropout):
        def forward(self, x):
            modes.append(self.training)
            return super().forward(x)

    model = nn.Sequential(nn.Linear(4, 3), Watched(0.5))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    fit(model, nn.CrossEntropyLoss(), optimizer, clouds(8), validation=clouds(8, 1), epochs=2, batch_size=4)
    assert modes == [True, True, False, True, True, False]


@pytest.mark.parametrize("mode", [True, False])
def test_each_part_is_back_in_its_own_mode(mode):
    model, loss, optimizer = make_run()
    model.train(mode)
    model[2].training = not mode
    fit(model, loss, optimizer, clouds(), validation=0.2, epochs=1)
    assert [part.training for part in model.modules()] == [mode, mode, mode, not mode, mode]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_fit_leaves_a_usable_model_and_its_history(error):
    def interrupt(state):
        if state.epoch == 3 and state.batch == 2:
            raise error("stop")

    x, y = clouds()
    model, loss, optimizer = make_run()
    model.eval()
    history = History()
    with pytest.raises(error):
        fit(
            model,
            loss,
            optimizer,
            (x, y),
            epochs=9,
            callbacks=[LambdaCallback(on_batch_end=interrupt)],
            history=history,
        )
    assert history.epochs == [1, 2]
    assert len(history["loss"]) == 2
    assert not any(part.training for part in model.modules())
    assert loss.training
    before = weights_of(model)
    fit(model, loss, optimizer, (x, y), epochs=1, history=history)
    assert history.epochs == [1, 2, 3]
    assert any((before[name] != array).any() for name, array in model.state_dict().items())


def test_two_fits_in_one_history_equal_one_fit():
    once, twice = make_run(), make_run()
    long = fit(*once, clouds(), epochs=4)
    fastnn.manual_seed(0)  # dropout masks come from the global source: start both alike
    twice = make_run()
    short = fit(*twice, clouds(), epochs=1)
    assert fit(*twice, clouds(), epochs=3, history=short) is short
    assert short["loss"] == long["loss"]
    assert_same_weights(weights_of(once[0]), weights_of(twice[0]))


def test_scheduler_steps_once_an_epoch_after_the_optimizer():
    model, loss, optimizer = make_run()
    rates = []

    class Halve:
        def step(self):
            optimizer.param_groups[0]["lr"] /= 2

    watch = LambdaCallback(on_epoch_begin=lambda state: rates.append(state.optimizer.param_groups[0]["lr"]))
    fit(model, loss, optimizer, clouds(), epochs=3, scheduler=Halve(), callbacks=[watch])
    assert rates == [0.01, 0.005, 0.0025]
    assert optimizer.param_groups[0]["lr"] == 0.00125


def test_scheduler_of_optim():
    model, loss, optimizer = make_run()
    rates = []
    watch = LambdaCallback(on_epoch_begin=lambda state: rates.append(state.optimizer.param_groups[0]["lr"]))
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    fit(model, loss, optimizer, clouds(), epochs=3, scheduler=scheduler, callbacks=[watch])
    assert rates == [0.01, 0.005, 0.0025]
    assert scheduler.last_epoch == 3


@pytest.mark.parametrize(("validation", "monitored"), [(None, "loss"), (clouds(30, seed=1), "val_loss")])
def test_plateau_sees_the_loss_of_the_epoch(validation, monitored):
    model, loss, optimizer = make_run()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    seen = []
    step = scheduler.step
    scheduler.step = lambda metrics: (seen.append(metrics), step(metrics))
    history = fit(model, loss, optimizer, clouds(), epochs=3, validation=validation, scheduler=scheduler)
    assert seen == history[monitored]


def test_plateau_lowers_the_rate_when_the_loss_stands_still():
    model, loss, optimizer = make_run(dropout=0.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=9.0)
    scheduler.threshold_mode = "abs"  # so much better than the first loss is none
    fit(model, loss, optimizer, clouds(), epochs=4, scheduler=scheduler)
    assert optimizer.param_groups[0]["lr"] == 0.01 / 8


def test_plateau_that_waits_for_a_rising_loss_is_refused():
    model, loss, optimizer = make_run()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode="max")
    with pytest.raises(ValueError, match=r"\[fit\] expected ReduceLROnPlateau with mode 'min', got 'max'"):
        fit(model, loss, optimizer, clouds(), scheduler=scheduler)


def test_a_loss_that_is_not_finite_is_recorded_and_training_goes_on():
    x, y = clouds()
    x[0, 0] = np.nan
    history = fit(*make_run(), (x, y), epochs=2)
    assert [math.isnan(value) for value in history["loss"]] == [True, True]


def test_stop_in_a_batch_ends_after_this_batch():
    batches = []

    class Stop(Callback):
        def on_batch_end(self, state):
            batches.append((state.epoch, state.batch, state.batch_loss))
            state.stop = len(batches) == 4

    history = fit(*make_run(), clouds(), epochs=5, batch_size=30, callbacks=[Stop()])
    assert [place[:2] for place in batches] == [(1, 1), (1, 2), (1, 3), (2, 1)]
    assert history["loss"][1] == batches[3][2]


def test_order_of_hooks_and_what_they_see():
    calls = []

    class Recorder(Callback):
        def on_fit_begin(self, state):
            calls.append(("fit begins", state.epoch, state.epochs))

        def on_epoch_begin(self, state):
            calls.append(("epoch begins", state.epoch, len(state.history.epochs)))

        def on_batch_end(self, state):
            calls.append(("batch ends", state.epoch, state.batch))

        def on_epoch_end(self, state):
            calls.append(("epoch ends", state.epoch, sorted(state.logs)))

        def on_fit_end(self, state):
            calls.append(("fit ends", state.epoch, len(state.history.epochs)))

    fit(*make_run(), clouds(), validation=0.2, epochs=1, batch_size=40, callbacks=[Recorder()])
    assert calls == [
        ("fit begins", 0, 1),
        ("epoch begins", 1, 0),
        ("batch ends", 1, 1),
        ("batch ends", 1, 2),
        ("epoch ends", 1, ["loss", "val_loss"]),
        ("fit ends", 1, 1),
    ]


def test_on_fit_end_runs_after_an_exception():
    def fail(state):
        raise RuntimeError("broken")

    ended = []
    callbacks = [
        LambdaCallback(on_epoch_end=fail),
        LambdaCallback(on_fit_end=lambda state: ended.append(state.epoch)),
    ]
    with pytest.raises(RuntimeError, match="broken"):
        fit(*make_run(), clouds(), callbacks=callbacks)
    assert ended == [1]


def test_lambda_callback_refuses_names_that_are_no_hooks():
    with pytest.raises(TypeError, match="got 'on_batch_begin'"):
        LambdaCallback(on_batch_begin=print)


def test_any_object_with_call_and_backward_is_a_loss():
    class Squares:
        def __call__(self, outputs, y):
            self.difference = outputs - y
            return float((self.difference**2).mean())

        def backward(self):
            return self.difference * (2.0 / self.difference.size)

    x, _ = clouds()
    model = nn.Sequential(nn.Linear(4, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, Squares(), optimizer, (x, x[:, :2]), validation=0.2, epochs=30)
    assert history["val_loss"][-1] < 0.01 < history["val_loss"][0]


def test_no_epochs_no_change():
    model, loss, optimizer = make_run()
    before = weights_of(model)
    assert fit(model, loss, optimizer, clouds(), epochs=0).epochs == []
    assert_same_weights(before, weights_of(model))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epochs": -1}, ValueError, r"\[fit\] expected epochs >= 0, got -1"),
        ({"epochs": 1.5}, TypeError, r"\[fit\] expected epochs to be an int, got 1.5"),
        ({"seed": -1}, ValueError, r"\[fit\] expected seed >= 0, got -1"),
        ({"batch_size": 0}, ValueError, "expected batch_size >= 1, got 0"),
        ({"data": (np.zeros((3, 4)), np.zeros(2, int))}, ValueError, "one length"),
        ({"data": (np.zeros((0, 4)), np.zeros(0, int))}, ValueError, "at least one sample"),
        ({"data": np.zeros((3, 4))}, TypeError, r"pair \(x, y\) or a loader, got ndarray"),
        ({"data": 3}, TypeError, r"pair \(x, y\) or a loader, got int"),
        (
            {"data": ArrayLoader(np.zeros((3, 4)))},
            ValueError,
            r"batches \(x, y\) or \(x, y, sample_weight\) from the loader, got ndarray",
        ),
        ({"data": iter([])}, ValueError, "at least one batch"),
        ({"validation": 0.0}, ValueError, "leaving samples on both sides, got 0.0 of 90"),
        ({"validation": 1.0}, ValueError, "leaving samples on both sides, got 1.0 of 90"),
        ({"validation": 0.001}, ValueError, "leaving samples on both sides, got 0.001 of 90"),
        ({"validation": float("nan")}, ValueError, "leaving samples on both sides, got nan of 90"),
        ({"validation": 0.5, "data": ArrayLoader(*clouds())}, TypeError, "to split, got ArrayLoader"),
        (
            {"validation": 0.5, "data": (np.zeros((4, 4)), np.zeros(3, int))},
            ValueError,
            "one length, got 4 and 3",
        ),
        ({"validation": iter([])}, ValueError, r"\[evaluate\] expected at least one batch"),
        ({"metrics": "precise"}, ValueError, "expected one of .* got 'precise'"),
        ({"metrics": ["accuracy", "accuracy"]}, ValueError, "got 'accuracy' twice"),
        ({"metrics": [3]}, TypeError, "expected names or callables, got int"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, ValueError, "'mean' or 'sum', got 'none'"),
    ],
)
def test_errors(change, error, message):
    model, loss, optimizer = make_run()
    arguments = {"model": model, "loss": loss, "optimizer": optimizer, "data": clouds(), "epochs": 1} | change
    with pytest.raises(error, match=message):
        fit(**arguments)
