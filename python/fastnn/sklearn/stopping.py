"""scikit-learn's rules at the end of an epoch, as a callback: curves, learning rate, and when to stop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.train import Callback, FitState


class Rules(Callback):
    """Writes the curves into the estimator, and stops once nothing improves.

    Improvement is a training loss lower by `tol`, or with early stopping a validation score higher by `tol`.
    """

    def __init__(self, estimator: Any, samples: int, validation: tuple[Any, ...] | None) -> None:
        self._estimator, self._samples, self._validation = estimator, samples, validation
        self.penalty = 0.0  # of the epoch's batches, to be divided by its samples
        self.converged = False

    def on_epoch_end(self, state: FitState) -> None:
        """What scikit-learn does, in its order."""
        est = self._estimator
        est.n_iter_ += 1
        est.loss_ = state.logs["loss"] + self.penalty / self._samples
        self.penalty = 0.0
        est.t_ += self._samples
        est.loss_curve_.append(est.loss_)
        if est.verbose:
            print(f"Iteration {est.n_iter_}, loss = {est.loss_:.8f}")
        if self._validation is None:
            self._watch_loss()
        else:
            self._watch_score(state, *self._validation)
        if est.solver == "sgd" and est.learning_rate == "invscaling":
            set_rate(state.optimizer, est.learning_rate_init / (est.t_ + 1) ** est.power_t)
        if est._no_improvement_count > est.n_iter_no_change:
            self._give_up(state)

    def _watch_loss(self) -> None:
        est = self._estimator
        worse = est.loss_ > est.best_loss_ - est.tol
        est._no_improvement_count = est._no_improvement_count + 1 if worse else 0
        est.best_loss_ = min(est.best_loss_, est.loss_)

    def _watch_score(self, state: FitState, x: Any, y: Any, sample_weight: Any) -> None:
        est = self._estimator
        outputs = est._outputs(x)
        score = est._score_of(outputs, y, sample_weight)
        loss = float(state.loss(outputs, y, sample_weight=sample_weight))
        state.logs |= {"val_loss": loss, "val_score": score}
        est.validation_scores_.append(score)
        est.validation_loss_curve_.append(loss)
        if est.verbose:
            print(f"Validation score: {score:f}")
        worse = score < est.best_validation_score_ + est.tol
        est._no_improvement_count = est._no_improvement_count + 1 if worse else 0
        if score > est.best_validation_score_:
            est.best_validation_score_ = score
            est._best_weights = {name: np.array(array) for name, array in state.model.state_dict().items()}

    def _give_up(self, state: FitState) -> None:
        """Stop; with an adaptive learning rate go on with a fifth of it, down to 1e-6."""
        est, rate = self._estimator, state.optimizer.param_groups[0]["lr"]
        if est.solver == "sgd" and est.learning_rate == "adaptive" and rate > 1e-6:
            est._no_improvement_count = 0
            set_rate(state.optimizer, rate / 5.0)
            if est.verbose:
                print(f"Setting learning rate to {rate / 5.0:f}")
            return
        self.converged = state.stop = True
        if est.verbose:
            what = "Validation score" if self._validation is not None else "Training loss"
            print(f"{what} did not improve more than tol={est.tol:f} for {est.n_iter_no_change} epochs.")


def set_rate(optimizer: Any, rate: float) -> None:
    """The learning rate of SGD from here on.

    scikit-learn keeps the rate inside of its momentum, fastnn outside: the velocity stays the same.
    """
    former = optimizer.param_groups[0]["lr"]
    for group in optimizer.param_groups:
        group["lr"] = rate
    for state in optimizer.state.values():
        if "momentum_buffer" in state:
            state["momentum_buffer"] *= former / rate


def fresh_curves(estimator: Any) -> None:
    """The attributes of a run that has not begun."""
    estimator.loss_curve_ = []
    estimator._no_improvement_count = 0
    estimator._best_weights = None
    early = estimator.early_stopping
    estimator.best_loss_ = None if early else math.inf
    estimator.best_validation_score_ = -math.inf if early else None
    estimator.validation_scores_ = [] if early else None
    estimator.validation_loss_curve_ = [] if early else None
