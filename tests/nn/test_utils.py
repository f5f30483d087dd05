"""Clipping the gradients of parameters."""

import numpy as np
import pytest

from fastnn import nn
from fastnn.nn.utils import clip_grad_norm_, clip_grad_value_


def parameter(*grad, dtype=np.float64):
    made = nn.Parameter(np.zeros(len(grad), dtype))
    made.grad = np.array(grad, dtype)
    return made


def test_norm_over_all_parameters():
    first, second, without = parameter(3.0, 0.0), parameter(4.0, dtype=np.float32), nn.Parameter(np.zeros(2))
    norm = clip_grad_norm_((p for p in (first, without, second)), 1.0)
    assert type(norm) is float
    assert norm == 5.0
    np.testing.assert_allclose(first.grad, [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(second.grad, [0.8], rtol=1e-6)
    assert without.grad is None


@pytest.mark.parametrize(
    ("kind", "norm"), [(1, 7.0), (np.float32(2), 5.0), (float("inf"), 4.0), ("inf", 4.0)]
)
def test_kinds_of_norm(kind, norm):
    assert clip_grad_norm_(parameter(3.0, -4.0), 100, kind) == norm


def test_values():
    first, second = parameter(3.0, -0.5), parameter(-4.0, dtype=np.float32)
    clip_grad_value_([first, second], 1)
    np.testing.assert_array_equal(first.grad, [1.0, -0.5])
    np.testing.assert_array_equal(second.grad, [-1.0])


def test_the_gradient_keeps_its_memory():
    layer = nn.Linear(3, 2)
    layer(np.ones((4, 3), np.float32))
    layer.backward(np.ones((4, 2), np.float32))
    array = layer.weight.grad
    clip_grad_norm_(layer.parameters(), 0.5)
    assert layer.weight.grad is array
    assert clip_grad_norm_(layer.parameters(), 0.5) == pytest.approx(0.5, rel=1e-5)


def test_shared_gradient_is_scaled_once():
    first, second = parameter(3.0, 4.0), parameter(0.0, 0.0)
    second.grad = first.grad
    assert clip_grad_norm_([first, second], 1.0) == 5.0
    np.testing.assert_allclose(first.grad, [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("parameters", [[], [nn.Parameter(np.zeros(2))]])
def test_no_gradients(parameters):
    assert clip_grad_norm_(parameters, 1.0) == 0.0
    clip_grad_value_(parameters, 1.0)


def test_error_if_nonfinite():
    infinite = parameter(1.0, np.inf)
    with pytest.raises(ValueError, match="finite norm, got inf"):
        clip_grad_norm_(infinite, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(infinite.grad, [1.0, np.inf])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda p: clip_grad_norm_([p.grad], 1.0), TypeError, "expected parameters .*, got ndarray"),
        (lambda p: clip_grad_norm_(3, 1.0), TypeError, "expected parameters .*, got int"),
        (lambda p: clip_grad_norm_(p, "a"), TypeError, "expected max_norm to be a number, got 'a'"),
        (lambda p: clip_grad_norm_(p, -1.0), ValueError, "expected max_norm >= 0, got -1"),
        (lambda p: clip_grad_norm_(p, 1.0, 0), ValueError, "expected norm_type > 0, got 0"),
        (lambda p: clip_grad_norm_(p, 1.0, "l2"), TypeError, "expected norm_type to be a number, got 'l2'"),
        (lambda p: clip_grad_norm_(p, 1.0, 2.0, 1), TypeError, "expected error_if_nonfinite to be True"),
        (lambda p: clip_grad_value_(p, -1.0), ValueError, "expected clip_value >= 0, got -1"),
        (lambda p: clip_grad_value_(p, None), TypeError, "expected clip_value to be a number, got None"),
    ],
)
def test_refuses(call, error, words):
    with pytest.raises(error, match=rf"^\[clip_grad_(norm|value)_?\] {words}"):
        call(parameter(3.0, 4.0))
