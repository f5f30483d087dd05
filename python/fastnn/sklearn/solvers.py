"""How the weights are found: mini-batches with SGD or Adam, or all samples at once with L-BFGS."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn import optim, train
from fastnn.sklearn.batches import Batches
from fastnn.sklearn.heads import make_loss
from fastnn.sklearn.network import Flat
from fastnn.sklearn.stopping import Rules


def fit_stochastic(est: Any, arrays: tuple[Any, ...], rng: np.random.RandomState, incremental: bool) -> None:
    """Train `est` on (x, y) or (x, y, sample_weight), for one epoch where `incremental`."""
    validation = None
    if est.early_stopping:
        if incremental:
            raise ValueError(f"[{type(est).__name__}] partial_fit does not support early_stopping=True")
        arrays, validation = _split(est, arrays, rng)
    if not incremental or est._optimizer is None:
        est._flat = Flat(est._model)
        est._optimizer = make_optimizer(est, est._flat)
    samples = arrays[0].shape[0]
    rules = Rules(est, samples, validation)
    before = _make_before(est, rules)
    batches = Batches(arrays, _batch_size(est, samples), rng if est.shuffle else None, before)
    est.n_iter_ = 0
    try:
        train.fit(
            est._model,
            make_loss(est.out_activation_, est.n_outputs_),
            est._optimizer,
            batches,
            epochs=1 if incremental else est.max_iter,
            callbacks=[rules, *(est.callbacks or ())],
            progress=False,
        )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    if est.early_stopping and est._best_weights is not None:
        est._model.load_state_dict(est._best_weights)
    if not (incremental or rules.converged) and est.n_iter_ == est.max_iter:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({est.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )


def _make_before(est: Any, rules: Rules) -> Callable[[int, float], None]:
    """What each batch changes in the optimizer, given its size and the sum of its weights."""
    groups, weights = est._optimizer.param_groups, est._flat.weights.data
    steps = [state.get("step", 0) for state in est._optimizer.state.values()]
    step = max(steps, default=0)
    is_adam = est.solver == "adam"

    def before(size: int, weight: float) -> None:
        nonlocal step
        # The penalty of a batch is alpha / 2 w.w over its weight.
        decay = est.alpha / weight if weight else 0.0
        groups[0]["weight_decay"] = decay
        if decay:
            rules.penalty += 0.5 * decay * float(weights @ weights) * size
        if is_adam:  # scikit-learn adds epsilon to the root of v before its bias is corrected
            step += 1
            groups[0]["eps"] = groups[1]["eps"] = est.epsilon / math.sqrt(1.0 - est.beta_2**step)

    return before


def _split(
    est: Any, arrays: tuple[Any, ...], rng: np.random.RandomState
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Training arrays, and (x, y, sample_weight or None) for validation; scikit-learn's own split."""
    stratify = arrays[1] if est._stratifies() else None
    halves = train_test_split(*arrays, random_state=rng, test_size=est.validation_fraction, stratify=stratify)
    training, validation = tuple(halves[0::2]), tuple(halves[1::2])
    if validation[0].shape[0] < 2:
        raise ValueError(
            f"[{type(est).__name__}] expected a validation set of two samples or more, "
            f"got {validation[0].shape[0]}; increase validation_fraction or the number of samples"
        )
    return training, validation if len(validation) == 3 else (*validation, None)


def _batch_size(est: Any, samples: int) -> int:
    if est.batch_size == "auto":
        return min(200, samples)
    if est.batch_size > samples:
        warnings.warn(f"batch_size={est.batch_size} is larger than the {samples} samples", stacklevel=5)
    return min(int(est.batch_size), samples)


def make_optimizer(est: Any, flat: Flat) -> optim.SGD | optim.Adam:
    """One group with the penalty, one without."""
    groups = [{"params": [flat.weights]}, {"params": [flat.rest]}]
    if est.solver == "adam":
        betas = (est.beta_1, est.beta_2)
        return optim.Adam(groups, lr=est.learning_rate_init, betas=betas, eps=est.epsilon)
    nesterov = bool(est.nesterovs_momentum and est.momentum > 0)
    return optim.SGD(groups, lr=est.learning_rate_init, momentum=est.momentum, nesterov=nesterov)


def fit_lbfgs(est: Any, arrays: tuple[Any, ...]) -> None:
    """L-BFGS-B of scipy, on one flat array in double.

    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.
    """
    if est.dropout:
        raise ValueError(
            f"[{type(est).__name__}] expected dropout=0 with solver='lbfgs', got {est.dropout}: "
            "it needs a loss without chance"
        )
    x, y, *weights = arrays
    x = x if isinstance(x, np.ndarray) else x.toarray()
    total = float(weights[0].sum(dtype=float)) if weights else float(len(x))
    flat, loss = Flat(est._model), make_loss(est.out_activation_, est.n_outputs_)
    parts, size = (flat.weights, flat.rest), flat.weights.data.size
    weighted = {"sample_weight": weights[0]} if weights else {}

    def objective(point: Any) -> tuple[float, Any]:
        flat.weights.data[...], flat.rest.data[...] = point[:size], point[size:]
        est._model.zero_grad()
        value = float(loss(est._model(x), y, **weighted))
        est._model.backward_parameters(loss.backward())
        grad = np.concatenate([part.grad for part in parts if part.grad is not None], dtype=np.float64)
        grad[:size] += est.alpha / total * point[:size]
        return value + 0.5 * est.alpha / total * float(point[:size] @ point[:size]), grad

    found = scipy.optimize.minimize(
        objective,
        np.concatenate([part.data for part in parts], dtype=np.float64),
        method="L-BFGS-B",
        jac=True,
        options={"maxfun": est.max_fun, "maxiter": est.max_iter, "gtol": est.tol},
    )
    flat.weights.data[...], flat.rest.data[...] = found.x[:size], found.x[size:]
    est.n_iter_, est.loss_ = min(int(found.nit), est.max_iter), float(found.fun)
    if est.verbose:
        print(f"Iteration {est.n_iter_}, loss = {est.loss_:.8f}")
    if found.status != 0:
        warnings.warn(
            f"lbfgs failed to converge after {found.nit} iterations: {found.message}",
            ConvergenceWarning,
            stacklevel=4,
        )
