"""Classes as targets, and the dense classifier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import column_or_1d

from fastnn.sklearn.base import MLP, NetEstimator
from fastnn.train import Callback

Array = NDArray[Any]


def is_stochastic(estimator: Any) -> bool:
    """Whether there is a partial_fit."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is there for the solvers sgd and adam, not for lbfgs")
    return True


class NetClassifier(ClassifierMixin, NetEstimator):
    """The part of the classifiers: one output a class, or one output for two classes or for each label."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (N, F), for a CNN also (N, C, H, W), and classes y (N,), or labels y (N, L) of 0 and 1.

        sample_weight, of shape (N,), says how much each sample counts. Raises ValueError for what does not
        fit, and warns with a ConvergenceWarning where `max_iter` ends the training.
        """
        self._fit(X, y, sample_weight, incremental=False)
        return self

    @available_if(is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch more. The first call needs all `classes`, of which y may lack some."""
        first = _check_partial_fit_first_call(self, classes)
        self._all_classes = classes if first else None
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> Array:
        """The most probable class of each row; for several labels, 1 where its probability is above 1/2."""
        classes: Array = self._decode(self._scores(X))
        return classes

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of shape (N, C), in the order of `classes_`; for several labels one a label."""
        p = self._activated(self._scores(X))
        return p if self.n_outputs_ > 1 else np.hstack([1 - p, p])

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`, -inf where it is 0."""
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def _decode(self, z: Array) -> Any:
        if self.out_activation_ == "softmax":
            return self.classes_[z.argmax(axis=1)]
        if self.n_outputs_ > 1:
            return (z > 0).astype(int)
        return self.classes_[np.minimum((z[:, 0] > 0).astype(int), len(self.classes_) - 1)]

    def _encode(self, y: Any, new: bool) -> Array:
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            raise ValueError(
                f"Unknown label type: {kind}. [{type(self).__name__}] expected y of one class a sample, "
                "or of labels 0 and 1"
            )
        several = kind == "multilabel-indicator"
        y = y.toarray() if issparse(y) else y
        seen = np.arange(y.shape[1]) if several else np.unique(y)
        if new:
            self._learn_classes(seen, several)
        else:
            self._check_classes(seen, several)
        which: Array = np.asarray(y != 0 if several else np.searchsorted(self.classes_, y))
        if not several and self.n_outputs_ == 1:
            which = which[:, np.newaxis]
        return which if self._output_activation() == "softmax" else which.astype(np.float64)

    def _learn_classes(self, seen: Array, several: bool) -> None:
        given = getattr(self, "_all_classes", None)
        self._all_classes = None
        self._multilabel = several
        self.classes_ = seen if several or given is None else np.unique(given)
        self.n_outputs_ = len(self.classes_) if several or len(self.classes_) > 2 else 1
        unknown = np.setdiff1d(seen, self.classes_)
        if len(unknown):
            raise ValueError(
                f"[{type(self).__name__}] expected y of the classes {self.classes_}, got {unknown}"
            )

    def _check_classes(self, seen: Array, several: bool) -> None:
        unknown = np.setdiff1d(seen, self.classes_)
        if (
            several != self._multilabel
            or len(unknown)
            or (self.warm_start and len(seen) != len(self.classes_))
        ):
            raise ValueError(
                f"[{type(self).__name__}] expected y of the classes {self.classes_} of the call before, "
                f"got {seen}"
            )

    def _output_activation(self) -> str:
        return "softmax" if not self._multilabel and self.n_outputs_ > 1 else "logistic"

    def _stratifies(self) -> bool:
        return self.n_outputs_ == 1  # as scikit-learn: two classes only

    def _class_weights(self, y: Any) -> Any:
        return None if self.class_weight is None else compute_sample_weight(self.class_weight, y)

    def _score_of(self, outputs: Array, y: Array, sample_weight: Any) -> float:
        if self.out_activation_ == "softmax":
            return float(np.average(outputs.argmax(axis=1) == y, weights=sample_weight))
        return float(accuracy_score(y, outputs > 0, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPClassifier(NetClassifier, MLP):
    """A multi-layer perceptron for classes, with scikit-learn's parameters and more.

    The same `random_state` draws scikit-learn's initial weights, split and batches, so without dropout and
    weights results follow those of `sklearn.neural_network.MLPClassifier`, epoch by epoch, to rounding.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
    activation : "identity", "logistic", "tanh" or "relu"
    solver : "lbfgs", "sgd" or "adam"
    alpha : float
        Strength of the L2 penalty, alpha / 2 sum w^2 over the samples of a batch.
    batch_size : int or "auto", which is 200 or all samples
    learning_rate : "constant", "invscaling" or "adaptive"
        For sgd: constant; learning_rate_init / t^power_t; a fifth whenever `tol` is missed.
    learning_rate_init, power_t : float
    max_iter : int
        Epochs; of lbfgs iterations.
    shuffle, warm_start, nesterovs_momentum, early_stopping : bool
    random_state : int, RandomState or None
    tol, n_iter_no_change : float, int
        Stop after so many epochs without an improvement by `tol`, of the training loss, or of the score on
        `validation_fraction` of the data with `early_stopping`.
    verbose : bool
        Print the loss of each epoch.
    momentum, validation_fraction, beta_1, beta_2, epsilon, max_fun
        As scikit-learn's.
    dropout : float in [0, 1)
        Share of hidden units that are dropped in training; not for lbfgs.
    class_weight : None, "balanced" or dict
        How much the samples of each class count.
    callbacks : sequence of fastnn.train.Callback, optional
        Called in training with mini-batches.

    Attributes
    ----------
    classes_ : array of shape (C,)
    coefs_, intercepts_ : lists of arrays of shape (inputs, outputs) and (outputs,)
    loss_, best_loss_, loss_curve_
        The loss with its penalty, and its values by epoch.
    validation_scores_, best_validation_score_, validation_loss_curve_
        With `early_stopping`; None without. The loss on held-out data is without the penalty.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_, feature_names_in_, out_activation_
        As scikit-learn's.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from fastnn.sklearn import MLPClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier(hidden_layer_sizes=(16,), solver="lbfgs", alpha=1.0, random_state=0)
    >>> bool(make_pipeline(StandardScaler(), net).fit(x, y).score(x, y) > 0.95)
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Literal["identity", "logistic", "tanh", "relu"] = "relu",
        *,
        solver: Literal["lbfgs", "sgd", "adam"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        class_weight: Any = None,
        callbacks: Iterable[Callback] | None = None,
    ) -> None:
        self._store(locals())
