"""`fit` with every loss: data of any dtype are cast to what it takes, and training lowers it."""

import numpy as np
import pytest

from fastnn import nn, optim
from fastnn.train import evaluate, fit, predict
from tests.train.problems import clouds, make_model

X, LABELS = clouds()
ONE_HOT = np.eye(3)[LABELS]


CASES = [
    (nn.MSELoss(), ONE_HOT),
    (nn.L1Loss("sum"), ONE_HOT),
    (nn.HuberLoss(delta=0.3), ONE_HOT),
    (nn.SmoothL1Loss(beta=0.3), ONE_HOT),
    (nn.BCEWithLogitsLoss(), ONE_HOT),
    (nn.HingeLoss(), 2 * ONE_HOT.astype(int) - 1),
    (nn.HingeLoss("sum"), ONE_HOT),
    (nn.MultiMarginLoss(p=2), LABELS),
    (nn.NLLLoss(), LABELS.astype(np.uint8)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("loss", "target"), CASES, ids=lambda value: type(value).__name__)
def test_training_lowers_every_loss(loss, target, dtype):
    model = make_model(dtype=dtype, dropout=0.0)
    if isinstance(loss, nn.NLLLoss):
        model = nn.Sequential(model, nn.LogSoftmax(axis=1))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    before = evaluate(model, loss, (X, target))["loss"]
    history = fit(model, loss, optimizer, (X, target), validation=(X, target), epochs=15, metrics="accuracy")
    assert history["val_loss"][-1] < 0.5 * before
    assert history["val_loss"][-1] == evaluate(model, loss, (X, target))["loss"]
    assert (predict(model, X).argmax(axis=1) == LABELS).mean() > 0.9


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.BCEWithLogitsLoss(), nn.HingeLoss()])
def test_targets_need_the_shape_of_the_outputs(loss):
    """(N, 1) against (N,) is no broadcast, and the message says so."""
    model = nn.Sequential(nn.Linear(4, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    target = (LABELS == 1).astype(float)
    fit(model, loss, optimizer, (X, target[:, np.newaxis]), epochs=1)
    with pytest.raises(ValueError, match=r"expected target of input's shape \(32, 1\), got \(32,\)"):
        fit(model, loss, optimizer, (X, target), epochs=1)


def test_accuracy_of_one_score_is_refused():
    model = nn.Sequential(nn.Linear(4, 1))
    target = (LABELS == 1).astype(float)[:, np.newaxis]
    with pytest.raises(ValueError, match=r"\[accuracy\] expected outputs of two classes or more"):
        evaluate(model, nn.BCEWithLogitsLoss(), (X, target), metrics="accuracy")
