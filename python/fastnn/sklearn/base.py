"""What the estimators share: from checked arrays to a trained net, and from rows to outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnn import nn, random, train
from fastnn.sklearn.heads import activate
from fastnn.sklearn.network import Flat, dense_layers, draw_glorot, make_mlp
from fastnn.sklearn.options import as_sizes, check_options
from fastnn.sklearn.saving import Saved
from fastnn.sklearn.solvers import fit_lbfgs, fit_stochastic
from fastnn.sklearn.stopping import fresh_curves

Array = NDArray[Any]
ROWS = 512  # of sparse rows that are dense at a time


class NetEstimator(Saved, BaseEstimator):
    """The part of `fit` and `predict` that is the same for classes and numbers.

    A subclass says what the targets are (`_encode`) and what the outputs mean (`_output_activation`).
    """

    _model: nn.Sequential
    _flat: Flat
    _accepts: dict[str, Any]  # of x, for scikit-learn's validate_data
    _numeric_targets = False

    def _store(self, parameters: dict[str, Any]) -> None:
        """The constructor's arguments as attributes, unchanged: scikit-learn's rule."""
        for name, value in parameters.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    # --- for subclasses -------------------------------------------------------------------------

    def _encode(self, y: Any, new: bool) -> Array:
        """Targets as the loss takes them; sets `n_outputs_` and, where `new`, what decoding needs."""
        raise NotImplementedError

    def _output_activation(self) -> str:
        raise NotImplementedError

    def _score_of(self, outputs: Array, y: Array, sample_weight: Any) -> float:
        raise NotImplementedError

    def _stratifies(self) -> bool:
        return False

    def _make_model(self, dtype: Any) -> nn.Sequential:
        """The untrained net for `n_features_in_` numbers and `n_outputs_` outputs."""
        raise NotImplementedError

    def _draw(self, rng: np.random.RandomState) -> None:
        """Initial weights, where those of the new model are not the ones wanted."""

    def _as_inputs(self, x: Any, new: bool = False) -> Any:
        """Checked x in the shape that the net takes, or with `new` will take."""
        return x

    def _class_weights(self, y: Any) -> Any:
        """The weight of each sample by its class, or None."""
        return None

    # --- fit ------------------------------------------------------------------------------------

    def _fit(self, x: Any, y: Any, sample_weight: Any, incremental: bool) -> Any:
        check_options(type(self).__name__, self.get_params(deep=False))
        first = not hasattr(self, "_model") or not (self.warm_start or incremental)
        dtypes = (np.float64, np.float32)
        options = {"multi_output": True, "y_numeric": self._numeric_targets, **self._accepts}
        x, y = validate_data(self, x, y, reset=first, dtype=dtypes, order="C", **options)
        weight = self._sample_weight(x, y, sample_weight)
        target = self._encode(y, first)
        rng = check_random_state(self.random_state)
        x = self._as_inputs(x, first)
        with self._seeded(rng):
            if first:
                self._begin(x, rng)
            arrays = (
                self._cast(x),
                *(a for a in (self._typed(target), self._typed(weight)) if a is not None),
            )
            if self.solver == "lbfgs":
                fit_lbfgs(self, arrays)
            else:
                fit_stochastic(self, arrays, rng, incremental)
        if not all(np.isfinite(p.data).all() for p in self._model.parameters()):
            raise ValueError(
                f"[{type(self).__name__}] expected training to keep weights finite, got others: "
                "scale the data, or lower learning_rate_init"
            )
        return self

    def _sample_weight(self, x: Any, y: Any, sample_weight: Any) -> Any:
        by_class = self._class_weights(y)
        if sample_weight is None:
            return by_class
        given = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        return given if by_class is None else given * by_class

    def _begin(self, x: Any, rng: np.random.RandomState) -> None:
        self.out_activation_ = self._output_activation()
        self._model = self._make_model(x.dtype)
        self._draw(rng)
        self._optimizer = None
        self.n_layers_ = len(dense_layers(self._model)) + 1
        self.n_iter_ = self.t_ = 0
        if self.solver != "lbfgs":
            fresh_curves(self)

    @contextmanager
    def _seeded(self, rng: np.random.RandomState) -> Iterator[None]:
        """Dropout and convolutions draw from fastnn's generator: for the time being from one of `rng`."""
        if not getattr(self, "dropout", 0.0) and not self._draws_natively:
            yield
            return
        state = random.get_state()
        random.manual_seed(int(rng.randint(2**31)))
        try:
            yield
        finally:
            random.set_state(state)

    _draws_natively = False

    def _cast(self, x: Any) -> Any:
        return x.astype(self._dtype, copy=False)

    def _typed(self, array: Any) -> Any:
        """Numbers in the dtype of the net; labels stay integers."""
        return array if array is None or array.dtype.kind == "i" else array.astype(self._dtype, copy=False)

    @property
    def _dtype(self) -> Any:
        return next(self._model.parameters()).dtype

    # --- predict --------------------------------------------------------------------------------

    def _scores(self, x: Any) -> Array:
        """What the last layer gives for what the user gave."""
        check_is_fitted(self)
        dtypes = (np.float64, np.float32)
        x = validate_data(self, x, reset=False, dtype=dtypes, order="C", **self._accepts)
        return self._outputs(self._as_inputs(x))

    def _outputs(self, x: Any) -> Array:
        """Before the output's activation, in evaluation mode."""
        if isinstance(x, np.ndarray):
            return train.predict(self._model, x)
        parts = range(0, x.shape[0], ROWS)
        return np.concatenate([train.predict(self._model, x[i : i + ROWS].toarray()) for i in parts])

    def _activated(self, scores: Array) -> Array:
        return activate(self.out_activation_, scores)


class MLP(NetEstimator):
    """The part of the two dense estimators: their coefficients."""

    _accepts = {"accept_sparse": "csr"}  # noqa: RUF012, read only

    def _draw(self, rng: np.random.RandomState) -> None:
        draw_glorot(self._model, self.activation, rng)

    def _make_model(self, dtype: Any) -> nn.Sequential:
        hidden = as_sizes(type(self).__name__, "hidden_layer_sizes", self.hidden_layer_sizes)
        sizes = [self.n_features_in_, *hidden, self.n_outputs_]
        return make_mlp(sizes, self.activation, self.dropout, dtype)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, of shape (inputs, outputs), as views of those in use."""
        return [layer.weight.data.T for layer in self._layers("coefs_")]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer, those in use."""
        return [layer.bias.data for layer in self._layers("intercepts_")]

    def _layers(self, name: str) -> list[Any]:
        if not hasattr(self, "_model"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r} before fit")
        return dense_layers(self._model)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
