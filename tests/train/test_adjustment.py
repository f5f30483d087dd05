"""What fit does to gradients: penalties on weights, clipping, and schedules by the step."""

import numpy as np
import pytest

import fastnn
from fastnn import nn, optim
from fastnn.train import LambdaCallback, TerminateOnNaN, fit
from tests.train.problems import clouds


def one_step(**options):
    """Weights, bias and their gradients of a linear net before and after one step of plain descent."""
    fastnn.manual_seed(0)
    model = nn.Linear(4, 3, dtype=np.float64)
    before = model.weight.data.copy(), model.bias.data.copy()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    history = fit(model, nn.CrossEntropyLoss(), optimizer, clouds(20), epochs=1, batch_size=20, **options)
    moved = before[0] - model.weight.data, before[1] - model.bias.data
    return before, moved, history


def test_penalties():
    (weight, _), plain, history = one_step()
    for options, extra in [
        ({"l1": 0.25}, 0.25 * np.sign(weight)),
        ({"l2": 0.5}, 0.5 * weight),
        ({"l1": 0.25, "l2": 0.5}, 0.25 * np.sign(weight) + 0.5 * weight),
    ]:
        _, moved, its_history = one_step(**options)
        np.testing.assert_allclose(moved[0], plain[0] + extra, rtol=1e-12)
        np.testing.assert_array_equal(moved[1], plain[1])  # no penalty on biases
        assert its_history["loss"] == history["loss"]


def test_l1_makes_weights_small():
    def weights(l1):
        fastnn.manual_seed(0)
        model = nn.Linear(4, 3)
        x, y = clouds(60)
        fit(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), (x, y), epochs=60, l1=l1)
        return np.abs(model.weight.data)

    assert weights(0.1).sum() < 0.5 * weights(0.0).sum()


def test_clipping():
    _, plain, _ = one_step()
    norm = np.sqrt(sum(np.square(part).sum() for part in plain))
    _, moved, _ = one_step(clip_grad_norm=norm / 2)
    np.testing.assert_allclose(moved[0], plain[0] / 2, rtol=1e-5)
    _, moved, _ = one_step(clip_grad_value=0.01)
    np.testing.assert_allclose(moved[0], np.clip(plain[0], -0.01, 0.01), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1": -1.0}, r"\[fit\] expected l1 to be finite and >= 0, got -1"),
        ({"l2": np.nan}, r"\[fit\] expected l2.*nan"),
        ({"clip_grad_norm": -1.0}, r"max_norm.*-1"),
        (
            {"scheduler_interval": "batch"},
            r"\[fit\] expected scheduler_interval 'epoch' or 'step', got 'batch'",
        ),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        one_step(**options)


def rates(interval):
    """The learning rate after each batch of two epochs of three batches."""
    model = nn.Linear(4, 3)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    seen = []
    watch = LambdaCallback(on_batch_end=lambda state: seen.append(optimizer.param_groups[0]["lr"]))
    fit(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        clouds(30),
        epochs=2,
        batch_size=10,
        scheduler=scheduler,
        scheduler_interval=interval,
        callbacks=[watch],
    )
    return seen


def test_schedules_by_epoch_and_by_step():
    assert rates("epoch") == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]
    assert rates("step") == [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]


def test_plateau_knows_epochs_only():
    model = nn.Linear(4, 3)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="'epoch' with ReduceLROnPlateau"):
        fit(
            model, nn.CrossEntropyLoss(), optimizer, clouds(9), scheduler=scheduler, scheduler_interval="step"
        )


def test_terminate_on_nan():
    model, guard = nn.Linear(4, 3), TerminateOnNaN()
    x, y = clouds(30)
    x[25] = np.nan
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, nn.CrossEntropyLoss(), optimizer, (x, y), epochs=5, batch_size=5, callbacks=[guard])
    assert history.epochs == [1]
    assert guard.stopped is not None
    assert guard.stopped[0] == 1
    fit(model, nn.CrossEntropyLoss(), optimizer, clouds(5), epochs=0, callbacks=[guard])
    assert guard.stopped is None
