"""The dense estimators follow scikit-learn's own, epoch by epoch, from the same random_state."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network as peer
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from fastnn import sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DIGITS = load_digits(return_X_y=True)
X, Y = DIGITS[0][:300] / 16, DIGITS[1][:300]
LABELS = make_multilabel_classification(200, n_classes=4, random_state=0)
DIABETES = scale(load_diabetes().data), scale(load_diabetes().target)
TWO = np.column_stack([DIABETES[1], DIABETES[0][:, 2]])
WEIGHT = np.random.default_rng(0).uniform(0.5, 2.0, 300)

CASES = {
    "adam": ("MLPClassifier", {}, (X, Y)),
    "texts": ("MLPClassifier", {}, (X, Y.astype(str))),
    "two classes": ("MLPClassifier", {"activation": "tanh"}, (X, Y > 4)),
    "labels": ("MLPClassifier", {"activation": "logistic"}, LABELS),
    "sgd": ("MLPClassifier", {"solver": "sgd", "hidden_layer_sizes": (20, 10)}, (X, Y)),
    "plain sgd": ("MLPClassifier", {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}, (X, Y)),
    "no shuffle": ("MLPClassifier", {"shuffle": False, "batch_size": 64, "alpha": 0.1}, (X, Y)),
    "early stopping": ("MLPClassifier", {"early_stopping": True, "learning_rate_init": 0.01}, (X, Y)),
    "early stopping of two": ("MLPClassifier", {"early_stopping": True}, (X, Y > 4)),
    "sparse": ("MLPClassifier", {}, (sparse.csr_array(X), Y)),
    "linear": ("MLPRegressor", {"activation": "identity", "hidden_layer_sizes": 7}, DIABETES),
    "regression": ("MLPRegressor", {"alpha": 1.0}, DIABETES),
    "two outputs": ("MLPRegressor", {"early_stopping": True}, (DIABETES[0], TWO)),
    "poisson": ("MLPRegressor", {"loss": "poisson"}, (DIABETES[0], np.exp(DIABETES[1]))),
    "inverse scaling": (
        "MLPRegressor",
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
        DIABETES,
    ),
    "adaptive": (
        "MLPRegressor",
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
        DIABETES,
    ),
    "weights": ("MLPClassifier", {"batch_size": 300}, (X, Y, WEIGHT)),
    "lbfgs": ("MLPClassifier", {"solver": "lbfgs", "max_iter": 8}, (X, Y, WEIGHT)),
    "lbfgs of numbers": ("MLPRegressor", {"solver": "lbfgs", "alpha": 1.0}, (DIABETES[0], TWO)),
}


def pair(name, **more):
    """Both estimators, fitted."""
    kind, options, data = CASES[name]
    options = {"max_iter": 12, "random_state": 1, **options, **more}
    return getattr(ours, kind)(**options).fit(*data), getattr(peer, kind)(**options).fit(*data)


@pytest.mark.parametrize("name", CASES)
def test_same_weights_after_some_epochs(name):
    mine, theirs = pair(name)
    for first, second in zip(mine.coefs_ + mine.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        assert first.shape == second.shape
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=2e-6)
    assert mine.loss_ == pytest.approx(theirs.loss_, rel=1e-5)
    for attribute in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(mine, attribute) == getattr(theirs, attribute), attribute


@pytest.mark.parametrize("name", [name for name in CASES if "lbfgs" not in name])
def test_same_curves(name):
    mine, theirs = pair(name)
    for attribute in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        first, second = getattr(mine, attribute), getattr(theirs, attribute)
        assert (first is None) == (second is None), attribute
        if first is not None:
            np.testing.assert_allclose(first, second, rtol=1e-5, err_msg=attribute)


@pytest.mark.parametrize("name", CASES)
def test_same_predictions(name):
    mine, theirs = pair(name)
    x = CASES[name][2][0]
    first, second = mine.predict(x), theirs.predict(x)
    assert (first.dtype.kind, first.shape) == (second.dtype.kind, second.shape)
    if CASES[name][0] == "MLPRegressor":
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-4)
        return
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(mine.classes_, theirs.classes_)
    np.testing.assert_allclose(mine.predict_proba(x), theirs.predict_proba(x), atol=1e-5)
    np.testing.assert_allclose(mine.predict_log_proba(x), theirs.predict_log_proba(x), atol=1e-4)


@pytest.mark.parametrize("rule", [{"tol": 1e-2}, {"early_stopping": True, "tol": 1e-2}])
def test_stops_in_the_same_epoch(rule):
    mine, theirs = pair("adam", max_iter=200, learning_rate_init=0.01, n_iter_no_change=5, **rule)
    assert mine.n_iter_ == theirs.n_iter_ < 200


def test_partial_fit_and_warm_start():
    for kind in (ours, peer):
        net = kind.MLPClassifier(random_state=0, max_iter=3)
        for _ in range(4):
            net.partial_fit(X, Y, classes=np.arange(10))
        partial = [net.coefs_[0].copy(), net.t_, net.loss_curve_]
        warm = kind.MLPClassifier(random_state=0, max_iter=3, warm_start=True).fit(X, Y).fit(X, Y)
        results = [*partial, warm.coefs_[0], warm.t_]
        if kind is ours:
            expected = results
    for first, second in zip(expected, results, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=2e-6)


def test_accuracy_on_digits_within_a_percent():
    """The mean of three splits, with the default parameters."""
    scores = {ours: [], peer: []}
    for seed in range(3):
        x, x_test, y, y_test = train_test_split(DIGITS[0] / 16, DIGITS[1], random_state=seed)
        for kind, found in scores.items():
            found.append(kind.MLPClassifier(max_iter=60, random_state=seed).fit(x, y).score(x_test, y_test))
    assert abs(np.mean(scores[ours]) - np.mean(scores[peer])) < 0.01
    assert np.mean(scores[ours]) > 0.95


def test_warns_as_scikit_learn_does():
    for kind in (ours, peer):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kind.MLPClassifier(max_iter=1, batch_size=1000).fit(X, Y)
        assert ConvergenceWarning in [w.category for w in caught]
        assert any("batch_size" in str(w.message) for w in caught)
