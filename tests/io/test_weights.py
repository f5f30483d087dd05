"""Weights alone: what is written comes back, and nothing else does."""

import numpy as np
import pytest
import safetensors.numpy

from fastnn import io, nn


def network(dtype=np.float32):
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, dtype=dtype),
        nn.BatchNorm2d(2, dtype=dtype),
        nn.Flatten(),
        nn.Linear(8, 3, dtype=dtype),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip(tmp_path, dtype):
    model, twin = network(dtype), network(dtype)
    model(
        np.random.default_rng(0).standard_normal((5, 1, 4, 4)).astype(dtype)
    )  # moves the running statistics
    io.save_weights(model, tmp_path / "net.safetensors")
    assert io.load_weights(twin, tmp_path / "net.safetensors") == ([], [])
    for name, value in model.state_dict().items():
        assert twin.state_dict()[name].dtype == value.dtype
        np.testing.assert_array_equal(twin.state_dict()[name], value)


def test_other_libraries_read_the_file_and_are_read(tmp_path):
    model, path = network(), tmp_path / "net.safetensors"
    io.save_weights(model, path)
    plain = safetensors.numpy.load_file(path)
    assert plain.keys() == model.state_dict().keys()
    safetensors.numpy.save_file({name: np.asarray(value + 1) for name, value in plain.items()}, path)
    io.load_weights(model, path)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, plain[name] + 1)


def test_strides_byte_order_and_no_dimension_survive(tmp_path):
    class Odd(nn.Module):
        def __init__(self):
            self.register_buffer("column", np.arange(12.0).reshape(3, 4)[:, 1])
            self.register_buffer("big", np.arange(3, dtype=">i8"))
            self.register_buffer("scalar", np.array(7))
            self.register_buffer("empty", np.zeros((0, 3)))

    model = Odd()
    io.save_weights(model, tmp_path / "odd")
    expected = {name: value.copy() for name, value in model.state_dict().items()}
    for value in model.state_dict().values():
        value[...] = 0
    io.load_weights(model, tmp_path / "odd")
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, expected[name])


def test_names_on_one_side(tmp_path):
    io.save_weights(nn.Sequential(nn.Linear(2, 2)), tmp_path / "small")
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"missing keys: 1\.weight, 1\.bias"):
        io.load_weights(model, tmp_path / "small")
    assert io.load_weights(model, tmp_path / "small", strict=False).missing_keys == ["1.weight", "1.bias"]


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"load_weights.*nowhere"):
        io.load_weights(network(), tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        io.save_weights(network(), tmp_path / "no" / "folder")
    with pytest.raises(IsADirectoryError):
        io.save_weights(network(), tmp_path)


def test_a_link_stays_one(tmp_path):
    io.save_weights(network(), tmp_path / "first")
    (tmp_path / "link").symlink_to("first")
    model = network()
    io.save_weights(model, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    twin = network()
    io.load_weights(twin, tmp_path / "first")
    np.testing.assert_array_equal(twin[0].weight.data, model[0].weight.data)


def test_without_safetensors(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        io.save_weights(network(), tmp_path / "net")
