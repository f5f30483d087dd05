"""gradcheck finds what is wrong with a gradient and says where."""

import numpy as np
import pytest

import fastnn.functional as F
from fastnn.testing import gradcheck

X = np.random.default_rng(0).standard_normal((3, 4))
LABELS = np.array([0, 3, 1])


def test_right_gradients_pass():
    gradcheck(np.sin, lambda g, x: g * np.cos(x), [X])
    gradcheck(F.softmax, lambda g, x: F.softmax_backward(g, F.softmax(x)), {"x": X})
    gradcheck(lambda x, y: x @ y, lambda g, x, y: (g @ y.T, x.T @ g), [X, X.T.copy()])


def test_a_number_and_labels():
    def backward(grad_output, logits, target):
        return grad_output * F.cross_entropy_with_grad(logits, target)[1], None

    gradcheck(F.cross_entropy, backward, [X, LABELS])


def test_zero_dimensions_and_no_elements():
    gradcheck(np.sin, lambda g, x: g * np.cos(x), [np.array(0.5)])
    gradcheck(np.sin, lambda g, x: g * np.cos(x), [np.zeros((0, 3))])


def one_wrong(g, x):
    gradient = g * np.cos(x)
    gradient[2, 1] *= 1 + 4e-6
    return gradient


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        (one_wrong, r"gradient by x differs at \(2, 1\): analytic \S+, numeric \S+ \(1 of 12\)"),
        (lambda g, x: np.cos(x), r"gradient by x differs at \(0, 0\).*12 of 12"),
        (lambda g, x: np.full_like(x, np.nan), r"analytic nan"),
        (lambda g, x: (g * np.cos(x))[0], r"gradient by x of shape \(3, 4\), got \(4,\)"),
        (lambda g, x: (g, g), "expected backward to give 1 gradients, got 2"),
    ],
)
def test_wrong_gradients_are_found(backward, words):
    with pytest.raises(AssertionError, match=rf"^\[gradcheck\] .*{words}"):
        gradcheck(np.sin, backward, {"x": X})


def test_grad_output_and_tolerances_are_used():
    gradcheck(np.sin, lambda g, x: np.cos(x), [X], grad_output=np.ones((3, 4)))
    gradcheck(np.sin, one_wrong, [X], rtol=1e-4)
    with pytest.raises(AssertionError):
        gradcheck(np.sin, lambda g, x: g * np.cos(x), [X], h=0.1)


def test_inputs_are_not_modified():
    x = X.copy()
    x.flags.writeable = False
    gradcheck(np.sin, lambda g, x: g * np.cos(x), [x])


@pytest.mark.parametrize(("x", "kind"), [(X.astype(np.float32), "float32"), ([1.0], "list")])
def test_other_dtypes_are_refused(x, kind):
    with pytest.raises(
        TypeError, match=rf"\[gradcheck\] expected input 0 to be an array of float64, got {kind}"
    ):
        gradcheck(np.sin, lambda g, x: g * np.cos(x), [x])
