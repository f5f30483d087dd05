"""Parameters: what they accept, and when gradients add up, start again, and use memory again."""

import copy

import numpy as np
import pytest

from fastnn.nn import Parameter


def test_keeps_the_array_itself():
    data = np.zeros((2, 3), np.float32)
    assert Parameter(data).data is data


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([1.0], TypeError, r"\[Parameter\] expected data to be a numpy.ndarray, got list"),
        (np.ma.masked_array([1.0]), TypeError, "got MaskedArray"),
        (np.zeros(2, np.int64), TypeError, "expected data of dtype float32 or float64, got int64"),
        (np.zeros(2, np.float16), TypeError, "got float16"),
        (np.zeros(2, ">f8"), TypeError, "got >f8"),
        (np.zeros((3, 2)).T, ValueError, "C-contiguous"),
        (np.zeros(4)[::-1], ValueError, "C-contiguous"),
        (np.broadcast_to(np.zeros(1), (1,)), ValueError, "writable"),
    ],
)
def test_refuses(data, error, words):
    with pytest.raises(error, match=words):
        Parameter(data)


@pytest.mark.parametrize(
    ("grad", "error", "words"),
    [
        (1.0, TypeError, "expected grad to be a numpy.ndarray, got float"),
        (np.zeros(3), ValueError, r"expected grad of shape \(2,\), as data has, got \(3,\)"),
        (np.zeros(2, np.float32), TypeError, "expected grad of dtype float64, as data has, got float32"),
    ],
)
def test_refuses_gradient(grad, error, words):
    parameter = Parameter(np.zeros(2))
    with pytest.raises(error, match=words):
        parameter.grad = grad
    assert parameter.grad is None


def test_gradients_add_up_until_zero_grad():
    parameter = Parameter(np.zeros(2))
    parameter.add_grad(np.array([1.0, 2.0]))
    parameter.add_grad(np.array([10.0, 20.0]))
    np.testing.assert_array_equal(parameter.grad, [11.0, 22.0])
    parameter.zero_grad()
    assert parameter.grad is None
    parameter.add_grad(np.array([3.0, 4.0]))
    np.testing.assert_array_equal(parameter.grad, [3.0, 4.0])


def test_zero_grad_keeps_the_memory():
    parameter = Parameter(np.zeros(2))
    parameter.add_grad(np.ones(2))
    first = parameter.grad
    parameter.zero_grad()
    parameter.add_grad(np.ones(2))
    assert parameter.grad is first


def test_first_write_leaves_its_source_alone():
    parameter, source = Parameter(np.zeros(2)), np.ones(2)
    parameter.add_grad(source)
    parameter.add_grad(source)
    np.testing.assert_array_equal(source, [1.0, 1.0])


def test_memory_of_an_assigned_gradient_is_not_used_again():
    parameter, assigned = Parameter(np.zeros(2)), np.ones(2)
    parameter.grad = assigned
    parameter.zero_grad()
    parameter.add_grad(np.full(2, 7.0))
    np.testing.assert_array_equal(assigned, [1.0, 1.0])


def test_add_grad_refuses_another_shape():
    with pytest.raises(ValueError, match=r"expected grad of shape \(2,\), got \(1,\)"):
        Parameter(np.zeros(2)).add_grad(np.zeros(1))


def test_new_data_of_another_kind_drops_the_gradient():
    parameter = Parameter(np.zeros(2))
    parameter.add_grad(np.ones(2))
    parameter.data = np.zeros(3, np.float32)
    assert parameter.grad is None
    parameter.add_grad(np.ones(3, np.float32))
    assert parameter.grad.dtype == np.float32


def test_data_can_be_changed_in_place():
    parameter = Parameter(np.zeros(2))
    array = parameter.data
    parameter.add_grad(np.ones(2))
    parameter.data += 1.0
    parameter.grad *= 3.0
    assert parameter.data is array
    np.testing.assert_array_equal(array, [1.0, 1.0])
    np.testing.assert_array_equal(parameter.grad, [3.0, 3.0])


def test_new_data_of_the_same_kind_keeps_the_gradient():
    parameter = Parameter(np.zeros(2))
    parameter.add_grad(np.ones(2))
    parameter.data = np.full(2, 5.0)
    np.testing.assert_array_equal(parameter.grad, [1.0, 1.0])


def test_deepcopy_shares_nothing():
    parameter = Parameter(np.zeros(2))
    parameter.add_grad(np.ones(2))
    twin = copy.deepcopy(parameter)
    twin.data += 1.0
    twin.grad += 1.0
    np.testing.assert_array_equal(parameter.data, [0.0, 0.0])
    np.testing.assert_array_equal(parameter.grad, [1.0, 1.0])
