"""CuPy arrays at the boundary: kinds do not mix, results are CuPy's, synchronize names wrong values."""

import numpy as np
import pytest

import fastnn.functional as F
from fastnn.backend import is_gpu_array, to_device, to_host
from tests.opinfo import Backend


def test_results_are_cupy_arrays(backend: Backend) -> None:
    x = backend.asarray(np.ones((2, 3), np.float32))
    y = F.relu(x)
    assert is_gpu_array(y)
    assert (y.shape, y.dtype) == ((2, 3), np.float32)


def test_loss_is_an_array_without_axes(backend: Backend) -> None:
    """Nobody has to wait for it."""
    loss = F.mse_loss(backend.asarray(np.zeros(4)), backend.asarray(np.full(4, 3.0)))
    assert is_gpu_array(loss)
    assert loss.shape == ()
    assert to_host(loss) == 9.0


def test_kinds_do_not_mix(backend: Backend) -> None:
    host, device = np.ones((2, 2), np.float32), backend.asarray(np.ones((2, 2), np.float32))
    with pytest.raises(
        TypeError, match=r"\[linear\] expected weight to be a cupy.ndarray.*got numpy.ndarray"
    ):
        F.linear(device, host)
    with pytest.raises(
        TypeError, match=r"\[linear\] expected weight to be a numpy.ndarray, got cupy.ndarray"
    ):
        F.linear(host, device)
    with pytest.raises(TypeError, match=r"\[relu\] expected out to be a cupy.ndarray"):
        F.relu(device, out=host)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_there_and_back(backend: Backend, dtype: str) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)[:, ::-1]
    moved = to_device(values, "cuda")
    assert is_gpu_array(moved)
    np.testing.assert_array_equal(to_host(moved), values)
    np.testing.assert_array_equal(to_host(moved.transpose(2, 0, 1)), values.transpose(2, 0, 1))
    assert to_device(moved, "cpu").dtype == dtype


def test_wrong_label_is_named_when_somebody_waits(backend: Backend) -> None:
    logits, target = np.zeros((4, 3), np.float32), np.array([0, 2, 7, -1])
    loss, grad = F.cross_entropy_with_grad(backend.asarray(logits), backend.asarray(target))
    with pytest.raises(IndexError, match=r"target in \[0, 3\).*got 7 at position \(2,\)"):
        backend.synchronize()
    backend.synchronize()  # it has been said
    assert np.isnan(to_host(loss))
    rows = to_host(grad)
    assert np.isnan(rows[2:]).all()


def test_wrong_device(backend: Backend) -> None:
    x = backend.asarray(np.ones(2))
    with pytest.raises(ValueError, match=r"\[to\] expected device .* got 'gpu'"):
        to_device(x, "gpu")
