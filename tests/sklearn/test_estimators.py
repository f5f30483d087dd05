"""The estimators as scikit-learn's tools use them, and what they have beyond scikit-learn's own."""

import copy
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastnn import random
from fastnn.sklearn import CNNClassifier, MLPClassifier, MLPRegressor
from fastnn.train import LambdaCallback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_digits(return_X_y=True)
X, Y = X[:400] / 16, Y[:400]
IMAGES = X.reshape(-1, 1, 8, 8)
DIABETES = load_diabetes(return_X_y=True)


def cnn(**options):
    return CNNClassifier(**{"channels": (8,), "hidden_layer_sizes": (32,), "random_state": 0, **options})


@pytest.mark.parametrize(
    "estimator", [MLPClassifier(), MLPRegressor(), cnn()], ids=lambda e: type(e).__name__
)
def test_every_check_of_scikit_learn_passes(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert len(results) >= 55
    failed = {result["check_name"]: result["exception"] for result in results if result["status"] == "failed"}
    assert failed == {}


def test_grid_search_over_a_pipeline():
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier(max_iter=30, learning_rate_init=0.01, random_state=0)
    )
    grid = {"mlpclassifier__hidden_layer_sizes": [(2,), (40,)], "mlpclassifier__dropout": [0.0, 0.2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    assert search.best_params_["mlpclassifier__hidden_layer_sizes"] == (40,)
    assert search.best_score_ > 0.8


def test_clone_takes_parameters_and_no_more():
    net = MLPClassifier(dropout=0.3, hidden_layer_sizes=[5], random_state=3).fit(X, Y)
    twin = clone(net)
    assert twin.get_params() == net.get_params()
    assert not hasattr(twin, "coefs_")
    with pytest.raises(NotFittedError):
        twin.predict(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_net_has_the_dtype_of_the_data(dtype):
    net = MLPClassifier(max_iter=2).fit(X.astype(dtype), Y)
    assert {array.dtype for array in net.coefs_ + net.intercepts_} == {np.dtype(dtype)}
    assert net.predict_proba(X).dtype == dtype


@pytest.mark.parametrize("kind", [MLPClassifier, cnn])
def test_same_random_state_same_bits_also_with_dropout(kind):
    before = random.get_state()
    first, second, other = (
        kind(max_iter=3, dropout=0.5, random_state=seed).fit(X, Y).predict_proba(X) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    after = random.get_state()
    assert str(before) == str(after)  # fastnn's own generator goes on where it was


def test_dropout_changes_training_and_not_prediction():
    net = MLPClassifier(max_iter=5, dropout=0.5, random_state=0).fit(X, Y)
    plain = MLPClassifier(max_iter=5, random_state=0).fit(X, Y)
    assert net.loss_ > plain.loss_
    np.testing.assert_array_equal(net.predict_proba(X), net.predict_proba(X))


def test_class_weight_moves_the_boundary():
    rare = np.concatenate([np.flatnonzero(Y == 3)[:4], np.flatnonzero(Y == 8)])
    x, y = X[rare], Y[rare]
    shares = []
    for weight in (None, "balanced", {3: 1000.0}):
        net = MLPClassifier((5,), solver="lbfgs", alpha=100.0, class_weight=weight, random_state=0).fit(x, y)
        shares.append(net.predict_proba(x)[:, 0].mean())  # so strong a penalty leaves the biases alone
    assert shares[0] == pytest.approx(4 / len(y), abs=0.02)
    assert shares[1] == pytest.approx(0.5, abs=0.02)
    assert shares[2] > 0.95


def test_class_weight_is_a_sample_weight():
    weight = np.where(Y == 3, 5.0, 1.0)
    first = MLPClassifier(max_iter=3, random_state=0, class_weight={3: 5.0}).fit(X, Y)
    second = MLPClassifier(max_iter=3, random_state=0).fit(X, Y, sample_weight=weight)
    np.testing.assert_array_equal(first.coefs_[0], second.coefs_[0])
    half = {3: 2.5, **{digit: 0.5 for digit in range(10) if digit != 3}}
    third = MLPClassifier(max_iter=3, random_state=0, class_weight=half).fit(X, Y, np.full(400, 2.0))
    np.testing.assert_array_equal(first.coefs_[0], third.coefs_[0])


def test_validation_loss_curve():
    net = MLPClassifier(max_iter=20, early_stopping=True, random_state=0).fit(X, Y)
    assert len(net.validation_loss_curve_) == len(net.loss_curve_) == net.n_iter_
    assert net.validation_loss_curve_[-1] < net.validation_loss_curve_[0]
    assert MLPClassifier(max_iter=2).fit(X, Y).validation_loss_curve_ is None


def test_early_stopping_keeps_the_best_weights():
    net = MLPRegressor(max_iter=60, early_stopping=True, learning_rate_init=0.3, random_state=0)
    net.fit(StandardScaler().fit_transform(DIABETES[0]), DIABETES[1])
    best = int(np.argmax(net.validation_scores_))
    assert best < net.n_iter_ - 1
    assert net.best_validation_score_ == net.validation_scores_[best]


def test_callbacks_see_each_epoch_and_may_stop():
    seen = []

    def watch(state):
        seen.append(sorted(state.logs))
        state.stop = len(seen) == 4

    net = MLPClassifier(early_stopping=True, callbacks=[LambdaCallback(on_epoch_end=watch)]).fit(X, Y)
    assert seen == [["loss", "val_loss", "val_score"]] * 4
    assert net.n_iter_ == 4


def test_interrupt_keeps_the_model():
    def interrupt(state):
        raise KeyboardInterrupt

    net = MLPClassifier(callbacks=[LambdaCallback(on_epoch_end=interrupt)])
    with pytest.warns(UserWarning, match="interrupted by user"):
        net.fit(X, Y)
    assert net.predict(X).shape == (400,)


def test_verbose_prints_the_losses(capsys):
    net = MLPClassifier(max_iter=2, verbose=True, early_stopping=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Iteration 1, loss = {net.loss_curve_[0]:.8f}"
    assert lines[1] == f"Validation score: {net.validation_scores_[0]:f}"
    assert len(lines) == 4


def test_cnn_takes_images_or_rows():
    rows = cnn(image_shape=(1, 8, 8), max_iter=3).fit(X, Y)
    images = cnn(max_iter=3).fit(IMAGES, Y)
    np.testing.assert_array_equal(rows.predict_proba(X), images.predict_proba(IMAGES))
    assert rows.image_shape_ == images.image_shape_ == (1, 8, 8)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_cnn_learns_digits(batch_norm):
    net = cnn(batch_norm=batch_norm, learning_rate_init=0.01, batch_size=50, max_iter=15)
    assert net.fit(IMAGES[:300], Y[:300]).score(IMAGES[300:], Y[300:]) > 0.85


def test_cnn_of_one_row_is_not_pooled_along_its_height():
    net = cnn(channels=(4, 4), hidden_layer_sizes=()).fit(X[:, :10], Y)
    assert net.image_shape_ == (1, 1, 10)
    assert net.n_layers_ == 2
    assert net.predict(X[:, :10]).shape == (400,)


NETS = {
    "classes": (MLPClassifier(max_iter=4, random_state=0, dropout=0.1), X, Y),
    "texts": (MLPClassifier(max_iter=4, random_state=0, solver="sgd"), X, Y.astype(str).astype(object)),
    "labels": (MLPClassifier(max_iter=4, random_state=0), X, (X[:, 20:23] > 0.5).astype(int)),
    "numbers": (MLPRegressor("poisson", max_iter=4, random_state=0, early_stopping=True), *DIABETES),
    "lbfgs": (MLPRegressor(max_iter=4, random_state=0, solver="lbfgs"), *DIABETES),
    "images": (cnn(max_iter=2, batch_norm=True), IMAGES.astype(np.float32), Y),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("way", ["file", "copy"])
def test_a_saved_net_predicts_and_trains_on(name, way, tmp_path):
    net, x, y = NETS[name]
    net = clone(net).set_params(warm_start=True).fit(x, y)
    if way == "file":
        net.save(tmp_path / "net.safetensors")
        loaded = type(net).load(tmp_path / "net.safetensors")
    else:
        loaded = copy.deepcopy(net)
    np.testing.assert_array_equal(loaded.predict(x), net.predict(x))
    assert loaded.get_params() == net.get_params()
    assert {n for n in vars(net) if n.endswith("_")} == {n for n in vars(loaded) if n.endswith("_")}
    if net.solver != "lbfgs" and not net.early_stopping:
        for each in (net, loaded):
            each.partial_fit(x, y)
        np.testing.assert_array_equal(loaded.predict(x), net.predict(x))
        assert loaded.loss_curve_ == net.loss_curve_
        assert loaded.t_ == net.t_


def test_column_names_are_saved(tmp_path):
    net = MLPRegressor(max_iter=1).fit(*DIABETES)
    net.feature_names_in_ = np.array(["age", "sex"], dtype=object)
    net.save(tmp_path / "net")
    assert MLPRegressor.load(tmp_path / "net").feature_names_in_.tolist() == ["age", "sex"]


def test_files_that_are_refused(tmp_path):
    with pytest.raises(NotFittedError):
        MLPClassifier().save(tmp_path / "net")
    MLPClassifier(max_iter=1).fit(X, Y).save(tmp_path / "net")
    with pytest.raises(
        ValueError, match=r"\[load\] expected a file of MLPRegressor.save, got .* of MLPClassifier"
    ):
        MLPRegressor.load(tmp_path / "net")
    with pytest.raises(TypeError, match=r"\[save\] expected random_state to be of numbers"):
        MLPClassifier(max_iter=1, random_state=np.random.RandomState(0)).fit(X, Y).save(tmp_path / "net")


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (MLPClassifier(alpha=-1.0), r"\[MLPClassifier\] expected alpha to be a number >= 0, got -1.0"),
        (MLPClassifier(hidden_layer_sizes=(5, 0)), "hidden_layer_sizes to be ints >= 1"),
        (MLPClassifier(activation="gelu"), "activation to be one of .* got 'gelu'"),
        (MLPClassifier(batch_size=0), 'batch_size to be "auto" or an int >= 1, got 0'),
        (MLPClassifier(dropout=1.0), r"dropout to be a number in \[0, 1\), got 1.0"),
        (MLPClassifier(shuffle=1), "shuffle to be True or False, got 1"),
        (MLPClassifier(solver="lbfgs", dropout=0.5), "dropout=0 with solver='lbfgs', got 0.5"),
        (MLPClassifier(solver="sgd", learning_rate_init=1e300), "weights finite"),
        (MLPRegressor("poisson"), "y >= 0 with loss='poisson', got -1"),
        (cnn(image_shape=(1, 8, 7)), r"image_shape \(C, H, W\) of the 64 numbers"),
        (cnn(channels=0), "channels to be ints >= 1, got 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_errors(estimator, message):
    y = -Y.astype(float) - 1 if isinstance(estimator, MLPRegressor) else Y
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


def test_errors_of_calls():
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, Y, classes=np.arange(10))
    with pytest.raises(ValueError, match=r"of the classes .* of the call before"):
        MLPClassifier(warm_start=True, max_iter=1).fit(X, Y).fit(X, Y + 1)
    with pytest.raises(ValueError, match=r"images of shape \(1, 8, 8\), as in fit, got \(1, 4, 16\)"):
        cnn(max_iter=1).fit(IMAGES, Y).predict(IMAGES.reshape(-1, 1, 4, 16))
    with pytest.raises(ValueError, match="non-zero"):
        MLPClassifier().fit(X, Y, np.zeros(400))
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(X, X[:, 3])
    with pytest.raises(AttributeError, match="no attribute 'coefs_' before fit"):
        _ = MLPClassifier().coefs_
