"""evaluate and predict against direct computations."""

import numpy as np
import pytest

from fastnn import nn
from fastnn.data import ArrayLoader
from fastnn.train import evaluate, predict
from tests.train.problems import assert_same_weights, clouds, make_model, weights_of


@pytest.mark.parametrize("batch_size", [1, 7, 89, 90, 512])
def test_predict_equals_one_forward_in_eval_mode(batch_size):
    model = make_model(dropout=0.5)
    x, _ = clouds()
    outputs = predict(model, x, batch_size=batch_size)
    assert model.training
    np.testing.assert_array_equal(outputs, model.eval()(x.astype(np.float32)))
    assert outputs.dtype == np.float32


def test_predict_for_no_samples():
    assert predict(make_model(), np.zeros((0, 4))).shape == (0, 3)


def test_predict_never_returns_the_memory_of_its_input():
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    outputs = predict(nn.Sequential(nn.Flatten()), x)
    np.testing.assert_array_equal(outputs, x)
    assert not np.shares_memory(outputs, x)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_predict_refuses_batches_without_samples(batch_size):
    with pytest.raises(ValueError, match=rf"\[predict\] expected batch_size >= 1, got {batch_size}"):
        predict(make_model(), clouds()[0], batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [7, 512])
@pytest.mark.parametrize("loader", [False, True])
def test_evaluate_equals_a_direct_computation(batch_size, loader):
    model, loss = make_model(), nn.CrossEntropyLoss(weight=np.array([1, 2, 3], np.float32), ignore_index=1)
    x, y = clouds()
    data = ArrayLoader(x, y, batch_size) if loader else (x, y)
    figures = evaluate(model, loss, data, metrics=["accuracy"], batch_size=batch_size)
    logits = model.eval()(x.astype(np.float32))
    # With weights and left-out labels the mean over batches would be another number.
    assert figures == {"loss": loss.eval()(logits, y), "accuracy": (logits.argmax(1) == y).mean()}


def test_evaluate_changes_neither_weights_nor_modes():
    model, loss = make_model(), nn.CrossEntropyLoss()
    model[2].eval()
    before = weights_of(model)
    evaluate(model, loss, clouds())
    assert_same_weights(before, weights_of(model))
    assert [part.training for part in model.modules()] == [True, True, True, False, True]
    assert loss.training


def test_modes_are_restored_when_the_forward_fails():
    model = make_model()
    with pytest.raises(ValueError, match="linear"):
        predict(model, np.zeros((3, 5)))
    assert all(part.training for part in model.modules())


def test_a_metric_sees_all_outputs_at_once():
    shapes = []

    def spread(y_true, outputs):
        shapes.append((y_true.shape, outputs.shape))
        return outputs.std()

    figures = evaluate(make_model(), nn.CrossEntropyLoss(), clouds(), metrics=spread, batch_size=8)
    assert shapes == [((90,), (90, 3))]
    assert figures["spread"] == pytest.approx(predict(make_model(), clouds()[0]).std(), rel=1e-6)
