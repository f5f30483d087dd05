"""accuracy by hand."""

import numpy as np
import pytest

from fastnn.train.metrics import accuracy, mae, mse, r2, resolve, top_k_accuracy


def test_counts_rows_whose_largest_score_is_the_label():
    scores = np.array([[1.0, 3.0, 2.0], [0.0, -1.0, -2.0], [0.1, 0.2, 0.3], [5.0, 4.0, 6.0]])
    assert accuracy(np.array([1, 0, 0, 2]), scores) == 0.75
    assert accuracy([1, 0, 2, 2], scores.tolist()) == 1.0


def test_soft_targets_count_by_their_largest_class():
    scores = np.array([[1.0, 3.0], [2.0, 0.0]])
    assert accuracy(np.array([[0.4, 0.6], [0.1, 0.9]]), scores) == 0.5


def test_classes_lie_along_axis_1_of_planes():
    scores = np.zeros((1, 2, 2, 2))
    scores[0, 1, 0, 0] = 1.0  # class 1 in one of four places, class 0 elsewhere
    assert accuracy(np.array([[[1, 0], [0, 1]]]), scores) == 0.75


def test_negative_labels_are_left_out():
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert accuracy(np.array([0, 0, -100]), scores) == 0.5
    assert np.isnan(accuracy(np.array([-100]), scores[:1]))


@pytest.mark.parametrize(
    ("y_true", "outputs", "message"),
    [
        (np.zeros(3, int), np.zeros(3), r"expected outputs of shape \(N, C, ...\), got \(3,\)"),
        (np.zeros((3, 1)), np.zeros((3, 1)), r"expected outputs of two classes or more, got shape \(3, 1\)"),
        (np.zeros(2, int), np.zeros((3, 4)), r"expected y_true of shape \(3,\), got \(2,\)"),
        (np.zeros((3, 1), int), np.zeros((3, 4)), r"expected y_true of shape \(3,\), got \(3, 1\)"),
    ],
)
def test_shapes_that_do_not_fit(y_true, outputs, message):
    with pytest.raises(ValueError, match=message):
        accuracy(y_true, outputs)


SCORES = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.3, 0.3, 0.4]])


@pytest.mark.parametrize(("k", "expected"), [(1, 1 / 3), (2, 2 / 3), (3, 1.0), (9, 1.0)])
def test_top_k(k, expected):
    labels = np.array([2, 2, 0])
    assert top_k_accuracy(labels, SCORES, k=k) == pytest.approx(expected)
    assert resolve(f"top_{k}_accuracy")[f"top_{k}_accuracy"](labels, SCORES) == pytest.approx(expected)


def test_top_k_of_planes_and_ignored_labels():
    rng = np.random.default_rng(0)
    outputs, labels = rng.standard_normal((4, 6, 5)), rng.integers(-1, 6, (4, 5))
    order = np.argsort(-outputs, axis=1)[:, :3]
    hits = [labels[n, i] in order[n, :, i] for n in range(4) for i in range(5) if labels[n, i] >= 0]
    assert top_k_accuracy(labels, outputs, k=3) == pytest.approx(np.mean(hits))


def test_errors_of_numbers():
    y, outputs = (
        np.array([[1.0, 0.0], [2.0, 4.0], [6.0, 2.0]]),
        np.array([[1.0, 1.0], [3.0, 4.0], [4.0, 2.0]]),
    )
    assert mae(y, outputs) == pytest.approx(4 / 6)
    assert mse(y, outputs) == pytest.approx(6 / 6)
    assert r2(y, outputs) == pytest.approx(((1 - 5 / 14) + (1 - 1 / 8)) / 2)
    assert np.isnan(r2(np.ones(3), np.arange(3.0)))


@pytest.mark.parametrize("metric", [mae, mse, r2])
def test_nothing_is_broadcast(metric):
    with pytest.raises(ValueError, match=r"y_true of shape \(3, 1\), as outputs, got \(3,\)"):
        metric(np.zeros(3), np.zeros((3, 1)))
