"""Numbers as targets: the dense regressor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from fastnn.sklearn.base import MLP
from fastnn.sklearn.classifier import is_stochastic
from fastnn.train import Callback

Array = NDArray[Any]


class MLPRegressor(RegressorMixin, MLP):
    """A multi-layer perceptron for numbers, with scikit-learn's parameters and more.

    Results follow those of `sklearn.neural_network.MLPRegressor`, as `MLPClassifier` says.

    Parameters
    ----------
    loss : "squared_error" or "poisson"
        Half the squared error, or half the Poisson deviance of counts y >= 0, for which exp makes the outputs
        positive.
    dropout, callbacks
        As of `MLPClassifier`.
    hidden_layer_sizes, ..., max_fun
        As of `MLPClassifier` and scikit-learn.

    Attributes
    ----------
    coefs_, intercepts_, loss_curve_, validation_scores_, ...
        As of `MLPClassifier`; the validation score is R^2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.sklearn import MLPRegressor
    >>> x = np.linspace(-1.0, 1.0, 50)[:, np.newaxis]
    >>> net = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", random_state=0)
    >>> bool(net.fit(x, x[:, 0] ** 2).score(x, x[:, 0] ** 2) > 0.99)
    True
    """

    def __init__(
        self,
        loss: Literal["squared_error", "poisson"] = "squared_error",
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
        callbacks: Iterable[Callback] | None = None,
    ) -> None:
        self._store(locals())

    _numeric_targets = True

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X of shape (N, F) and numbers y of shape (N,) or (N, outputs).

        sample_weight, of shape (N,), says how much each sample counts. Raises ValueError for what does not
        fit, and warns with a ConvergenceWarning where `max_iter` ends the training.
        """
        self._fit(X, y, sample_weight, incremental=False)
        return self

    @available_if(is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch more."""
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> Array:
        """Numbers of shape (N,), or (N, outputs) where there are several."""
        p = self._activated(self._scores(X))
        return p[:, 0] if self.n_outputs_ == 1 else p

    def _encode(self, y: Any, new: bool) -> Array:
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        target: Array = y.reshape(len(y), -1).astype(np.float64)
        if self.loss == "poisson" and (target < 0).any():
            raise ValueError(f"[MLPRegressor] expected y >= 0 with loss='poisson', got {target.min()}")
        if new:
            self.n_outputs_ = target.shape[1]
        elif target.shape[1] != self.n_outputs_:
            raise ValueError(
                f"[MLPRegressor] expected y of {self.n_outputs_} columns, as before, got {target.shape[1]}"
            )
        return target

    def _output_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _score_of(self, outputs: Array, y: Array, sample_weight: Any) -> float:
        return float(r2_score(y, self._activated(outputs), sample_weight=sample_weight))
