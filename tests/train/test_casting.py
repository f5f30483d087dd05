"""Casting of data to the model's dtype: by fit, evaluate and predict alike."""

import numpy as np
import pytest

from fastnn import nn, optim
from fastnn.data import ArrayLoader
from fastnn.train import evaluate, fit, predict
from tests.train.problems import assert_same_weights, clouds, make_run, weights_of


class Recorder(nn.Module):
    """Notes the dtypes that reach the model."""

    def __init__(self):
        self.seen = set()

    def forward(self, x):
        self.seen.add(x.dtype)
        return x

    def backward(self, grad):
        return grad


@pytest.mark.parametrize("model_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("data_dtype", ["float32", "float64", "float16", ">f8", "int64", "uint8", "bool"])
@pytest.mark.parametrize("loader", [False, True])
def test_features_reach_the_model_in_its_dtype(model_dtype, data_dtype, loader):
    x, y = clouds()
    data = (abs(x).astype(data_dtype), y)
    recorder = Recorder()
    model = nn.Sequential(recorder, nn.Linear(4, 3, dtype=model_dtype))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    fit(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        ArrayLoader(*data) if loader else data,
        validation=data,
        epochs=1,
    )
    predict(model, data[0])
    assert recorder.seen == {np.dtype(model_dtype)}


def test_training_on_cast_data_gives_the_same_bits():
    x, y = clouds()
    first, second = make_run(), None
    fit(*first, (x, y), epochs=2)
    second = make_run()
    fit(*second, (x.astype(np.float32), y), epochs=2)
    assert_same_weights(weights_of(first[0]), weights_of(second[0]))


def test_arrays_are_cast_once_not_once_an_epoch(monkeypatch):
    casts = []
    original = np.ascontiguousarray

    def counting(a, dtype=None):
        casts.append(len(a))
        return original(a, dtype=dtype)

    monkeypatch.setattr(np, "ascontiguousarray", counting)
    fit(*make_run(), clouds(90), validation=clouds(30), epochs=5, batch_size=8)
    assert casts == [90, 90, 30, 30]


@pytest.mark.parametrize("label_dtype", ["int64", "int32", "uint8", "int8", "uint16", ">i4", ">i8"])
def test_integer_labels_of_any_width(label_dtype):
    x, y = clouds()
    model, loss, optimizer = make_run()
    expected = fit(model, loss, optimizer, (x, y), epochs=2, metrics="accuracy")
    model, loss, optimizer = make_run()
    history = fit(model, loss, optimizer, (x, y.astype(label_dtype)), epochs=2, metrics="accuracy")
    assert dict(history) == dict(expected)


def test_soft_targets_are_cast_to_the_model():
    x, y = clouds()
    soft = np.eye(3)[y]  # float64, the model is float32
    model, loss, optimizer = make_run()
    history = fit(model, loss, optimizer, (x, soft), validation=(x, soft), epochs=10, metrics="accuracy")
    assert history["val_accuracy"][-1] > 0.9


def test_inputs_are_left_as_they_were():
    x, y = clouds()
    kept = x.copy(), y.copy()
    fit(*make_run(), (x, y), validation=0.2, epochs=2)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


def test_lists_are_data_too():
    x, y = clouds(12)
    history = fit(*make_run(), (x.tolist(), y.tolist()), epochs=1)
    assert history["loss"] == fit(*make_run(), (x, y), epochs=1)["loss"]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            np.zeros((3, 4), complex),
            np.zeros(3, int),
            "expected x of a real or integer dtype, got complex128",
        ),
        (np.full((3, 4), "a"), np.zeros(3, int), "expected x of a real or integer dtype, got <U1"),
        (np.zeros((3, 4), object), np.zeros(3, int), "expected x of a real or integer dtype, got object"),
        (np.ma.zeros((3, 4)), np.zeros(3, int), "expected x without a mask"),
        (np.zeros((3, 4)), np.array(["a", "b", "c"]), "got <U1; encode classes as integers 0 to C-1"),
    ],
)
def test_what_cannot_be_cast(x, y, message):
    model, loss, optimizer = make_run()
    for call in (lambda: fit(model, loss, optimizer, (x, y)), lambda: evaluate(model, loss, (x, y))):
        with pytest.raises(TypeError, match=message):
            call()
