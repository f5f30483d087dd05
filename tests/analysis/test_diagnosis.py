"""The cause is named: on made-up histories, and on runs that were made to go wrong in a known way."""

import numpy as np
import pytest

import fastnn
from fastnn import analysis, nn, optim, train

SHALLOW = {"loss": [2.3, 1.6, 1.5]}
CONSTRUCTED = {
    "model bias": ({"loss": [2.3, 1.7, 1.6], "val_loss": [2.3, 1.8, 1.7]}, SHALLOW),
    "optimisation": ({"loss": [2.3, 2.2, 2.1], "val_loss": [2.3, 2.2, 2.1]}, SHALLOW),
    "overfitting": ({"loss": [2.3, 0.4, 0.01], "val_loss": [2.2, 0.9, 1.3]}, None),
    "fine": ({"loss": [2.3, 0.4, 0.05], "val_loss": [2.2, 0.5, 0.1]}, None),
}


@pytest.mark.parametrize("cause", CONSTRUCTED)
def test_constructed_histories(cause):
    found = analysis.diagnose(*CONSTRUCTED[cause])
    assert found.cause == cause
    assert found.reasons
    assert found.remedies
    assert str(found).startswith(f"{cause}\n  because the training loss ")


def curve(samples, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (samples, 1))
    return x, np.sin(6 * x) + noise * rng.standard_normal((samples, 1))


def run(widths, activation, data, lr=0.01, epochs=150):
    fastnn.manual_seed(0)
    layers = []
    for before, after in zip([1, *widths], [*widths, 1], strict=True):
        layers += [nn.Linear(before, after), activation()]
    model = nn.Sequential(*layers[:-1])
    return train.fit(
        model,
        nn.MSELoss(),
        optim.Adam(model.parameters(), lr=lr),
        data,
        validation=curve(200, seed=1),
        epochs=epochs,
        batch_size=16,
    )


def test_a_straight_line_cannot_follow_a_sine():
    linear, narrow = run([], nn.Tanh, curve(128)), run([1], nn.Tanh, curve(128))
    found = analysis.diagnose(narrow, baseline=linear, small=0.05)
    assert found.cause == "model bias"


def test_a_deep_sigmoid_net_is_stuck_where_a_shallow_one_is_not():
    data = curve(128)
    deep, shallow = run([16] * 8, nn.Sigmoid, data, epochs=40), run([16], nn.Tanh, data)
    found = analysis.diagnose(deep, baseline=shallow, small=0.05)
    assert found.cause == "optimisation"
    assert "a shallower net reaches" in found.reasons[-1]


def test_eight_noisy_points_are_learned_by_heart():
    found = analysis.diagnose(run([64, 64], nn.Tanh, curve(8, noise=0.5), epochs=600), small=0.05)
    assert found.cause == "overfitting"


def test_a_net_that_fits_is_fine():
    history = run([32, 32], nn.Tanh, curve(256))
    assert analysis.diagnose(history, small=0.05).cause == "fine"
    assert analysis.diagnose(history).cause == "fine"


def test_an_explosion_is_the_optimisation():
    found = analysis.diagnose({"loss": [1e3, 1e30, float("nan")], "val_loss": [1.0, 1.0, float("nan")]})
    assert found.cause == "optimisation"
    assert found.reasons == ("the training loss ended as nan: the steps are too large",)


def test_what_is_missing_is_said():
    large = analysis.diagnose({"loss": [2.3, 2.0]})
    assert large.cause == "undecided"
    assert "train a shallower net as baseline" in large.reasons[-1]
    small = analysis.diagnose({"loss": [2.3, 0.1]})
    assert small.cause == "undecided"
    assert "no validation loss" in small.reasons[-1]


def test_a_run_that_was_still_falling_is_told_to_go_on():
    found = analysis.diagnose({"loss": [2.3, 2.0, 1.7, 1.4, 1.1, 0.8]}, SHALLOW)
    assert "it was still falling at the end: more epochs come first" in found.reasons


def test_validation_loss_that_is_not_finite_is_no_success():
    assert analysis.diagnose({"loss": [2.3, 0.1], "val_loss": [2.0, float("nan")]}).cause == "overfitting"


@pytest.mark.parametrize(
    ("history", "error", "words"),
    [
        ([1.0], TypeError, "expected history to be a History or a dict, got list"),
        ({"accuracy": [1.0]}, ValueError, "expected history with 'loss' of an epoch or more"),
        (train.History(), ValueError, "expected history with 'loss'"),
    ],
)
def test_bad_input_is_named(history, error, words):
    with pytest.raises(error, match=words):
        analysis.diagnose(history)
    with pytest.raises(TypeError, match="expected small to be a number"):
        analysis.diagnose({"loss": [1.0]}, small="0.1")
