"""Weights of samples and of classes in fit and evaluate."""

import numpy as np
import pytest

from fastnn import nn, optim
from fastnn.data import ArrayLoader
from fastnn.train import evaluate, fit, predict
from tests.train.problems import assert_same_weights, clouds, make_run, weights_of

X, LABELS = clouds()
WEIGHT = np.random.default_rng(0).integers(0, 3, len(X)).astype(np.float64)


def trained(data, **options):
    model, loss, optimizer = make_run(dtype=np.float64, dropout=0.0)
    history = fit(model, loss, optimizer, data, epochs=2, batch_size=16, **options)
    return weights_of(model), history


def assert_close_weights(first, second):
    for name, array in first.items():
        np.testing.assert_allclose(array, second[name], rtol=1e-9, atol=1e-12)


def test_a_weight_is_a_number_of_copies():
    rows = np.repeat(np.arange(len(X)), WEIGHT.astype(int))
    model, loss, _ = make_run(dtype=np.float64, dropout=0.0)
    runs = []
    for data in ((X, LABELS, WEIGHT), (X[rows], LABELS[rows])):
        model, loss, _ = make_run(dtype=np.float64, dropout=0.0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        history = fit(model, loss, optimizer, data, epochs=3, batch_size=1000)
        runs.append((weights_of(model), history["loss"]))
    assert_close_weights(runs[0][0], runs[1][0])
    np.testing.assert_allclose(runs[0][1], runs[1][1], rtol=1e-12)


def test_three_ways_to_give_weights_are_one():
    expected = trained((X, LABELS, WEIGHT))
    assert_same_weights(expected[0], trained((X, LABELS), sample_weight=WEIGHT)[0])

    class Weighted:
        """A loader of one's own."""

        def __init__(self):
            self.batches = ArrayLoader(X, (LABELS, WEIGHT), 16, shuffle=True, seed=0)

        def __iter__(self):
            for x, (y, weight) in self.batches:
                yield x, y, weight.tolist()

    assert_same_weights(expected[0], trained(Weighted())[0])


def test_loss_is_recorded_per_unit_of_weight():
    model, loss, _ = make_run(dropout=0.0)
    still = optim.SGD(model.parameters(), lr=0.0)
    data = (X, LABELS, WEIGHT)
    history = fit(model, loss, still, data, validation=data, epochs=1, batch_size=8)
    losses = nn.CrossEntropyLoss(reduction="none")(predict(model, X), LABELS)
    expected = pytest.approx(np.average(losses, weights=WEIGHT), rel=1e-5)
    assert history["loss"][0] == expected
    assert history["val_loss"][0] == expected
    summed = nn.CrossEntropyLoss(reduction="sum")
    assert fit(model, summed, still, data, epochs=1)["loss"][0] == expected
    assert evaluate(model, summed, data)["loss"] == expected


def test_a_share_held_out_keeps_its_weights():
    zero_or_one = (LABELS != 1).astype(float)
    model, loss, optimizer = make_run()
    history = fit(
        model,
        loss,
        optimizer,
        (X, LABELS),
        sample_weight=zero_or_one,
        validation=0.3,
        epochs=25,
        metrics="accuracy",
    )
    assert history["val_loss"][-1] < 0.2  # class 1 was never learned, and counts for nothing here either
    assert history["val_accuracy"][-1] < 0.9  # metrics count all samples


def test_balanced_classes():
    few = np.concatenate([np.flatnonzero(LABELS == 0), np.flatnonzero(LABELS == 1)[:3]])
    y = LABELS[few]
    expected = np.where(y == 0, len(y) / (2 * (y == 0).sum()), len(y) / (2 * 3))
    assert_same_weights(trained((X[few], y, expected))[0], trained((X[few], y), class_weight="balanced")[0])
    both = trained((X[few], y), class_weight="balanced", sample_weight=np.arange(len(y)))
    assert_same_weights(both[0], trained((X[few], y, expected * np.arange(len(y))))[0])


def test_a_dict_of_classes_leaves_the_others_at_one():
    expected = np.where(LABELS == 2, 5.0, 1.0)
    assert_same_weights(trained((X, LABELS, expected))[0], trained((X, LABELS), class_weight={2: 5.0})[0])


def test_class_weights_of_two_classes_as_floats():
    target = (LABELS == 1).astype(float)[:, np.newaxis]
    model = nn.Sequential(nn.Linear(4, 1))
    still = optim.SGD(model.parameters(), lr=0.0)
    history = fit(model, nn.BCEWithLogitsLoss(), still, (X, target), class_weight={1: 4, 0: 0}, epochs=1)
    only = LABELS == 1
    expected = evaluate(model, nn.BCEWithLogitsLoss(), (X[only], target[only]))["loss"]
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_several_targets_with_weights():
    class First(nn.CrossEntropyLoss):
        def forward(self, outputs, targets):
            return super().forward(outputs, targets[0])

        def _shares(self, outputs, targets):
            return super()._shares(outputs, targets[0])

    model, _, optimizer = make_run(dtype=np.float64, dropout=0.0)
    data = X, (LABELS, X[:, :1]), WEIGHT
    fit(model, First(), optimizer, data, epochs=2, batch_size=16)
    assert_same_weights(weights_of(model), trained((X, LABELS, WEIGHT))[0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sample_weight": np.ones(3)}, ValueError, r"\[fit\] .* of shape \(90,\), got \(3,\)"),
        ({"sample_weight": -np.ones(90)}, ValueError, r"finite and >= 0, got -1.0 at 0"),
        ({"sample_weight": np.full(90, np.nan)}, ValueError, r"finite and >= 0, got nan at 0"),
        ({"sample_weight": np.zeros(90)}, ValueError, r"some sample_weight > 0, got only zeros"),
        ({"sample_weight": ["a"] * 90}, TypeError, r"real numbers, got <U1"),
        ({"sample_weight": np.ones(3), "validation": 0.2}, ValueError, "x and sample_weight .*90 and 3"),
        ({"sample_weight": WEIGHT, "data": (X, LABELS, WEIGHT)}, TypeError, r"pair \(x, y\) .*got 3 arrays"),
        ({"sample_weight": WEIGHT, "data": ArrayLoader(X, LABELS)}, TypeError, "got ArrayLoader"),
        ({"class_weight": "balanced", "data": ArrayLoader(X, LABELS)}, TypeError, "got ArrayLoader"),
        ({"class_weight": "equal"}, ValueError, "None, \"balanced\" or a dict, got 'equal'"),
        ({"class_weight": {7: 1.0}}, ValueError, r"classes among \[0, 1, 2\], got \[7\]"),
        ({"class_weight": {1: -1.0}}, ValueError, r"expected class_weight .*got -1.0"),
        ({"class_weight": "balanced", "data": (X, X)}, ValueError, r"one class label a sample"),
        ({"data": (X, LABELS, WEIGHT, WEIGHT)}, ValueError, r"batches .* from the loader"),
    ],
)
def test_errors(change, error, message):
    model, loss, optimizer = make_run()
    arguments = {"model": model, "loss": loss, "optimizer": optimizer, "data": clouds(), "epochs": 1} | change
    with pytest.raises(error, match=message):
        fit(**arguments)
