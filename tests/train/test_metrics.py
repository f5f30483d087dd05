"""accuracy by hand."""

import numpy as np
import pytest

from fastnn.train.metrics import accuracy


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
