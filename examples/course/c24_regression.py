"""C24. Regression on real data: how a patient's diabetes goes on in a year, from ten measurements.

Seen: with features chosen on the training data, and standardised, a net that is stopped early comes as near
as linear regression, since what these features tell is nearly linear; a net that is not stopped learns the
noise of so few patients and is worse than both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, GREY, RED, Array, mlp, panels, parse, save, table
from sklearn.datasets import load_diabetes
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

import fastnn
from fastnn import nn, optim, train
from fastnn.data import StandardScaler

FEATURES = 7


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Each fifth of the patients is predicted by models that have not seen it."""
    options = parse(__doc__, arguments)
    data = load_diabetes(scaled=False)
    folds = list(KFold(5, shuffle=True, random_state=0).split(data.data))[: 2 if options.quick else 5]
    names = ("the mean", "linear regression", "net, not stopped", "net, stopped early")
    predicted = {name: np.zeros(len(data.target)) for name in names}
    for kept, held_out in folds:
        found = one_fold(data.data[kept], data.target[kept], data.data[held_out], options.quick)
        for name, values in zip(names, found, strict=True):
            predicted[name][held_out] = values
    seen = np.concatenate([held_out for _, held_out in folds])
    errors = {name: data.target[seen] - values[seen] for name, values in predicted.items()}
    spread = errors["the mean"].var()
    rows = [(n, rmse(e), float(abs(e).mean()), 1 - float((e**2).mean() / spread)) for n, e in errors.items()]
    table(("", "root mean squared error", "mean absolute error", "R²"), rows)
    chosen = SelectKBest(f_regression, k=FEATURES).fit(data.data, data.target).get_support()
    print("features chosen:", ", ".join(np.array(data.feature_names)[chosen]))
    save(draw(data.target[seen], {n: v[seen] for n, v in predicted.items()}), options, __file__)
    return {name: rmse(e) for name, e in errors.items()}


def rmse(errors: Array) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(errors**2)))


def one_fold(x: Array, y: Array, x_new: Array, quick: bool) -> tuple[Array, ...]:
    """Predictions for new patients by each model; nothing is taken from their data but features."""
    select, scaler, target = SelectKBest(f_regression, k=FEATURES), StandardScaler(), StandardScaler()
    x = scaler.fit_transform(select.fit_transform(x, y))
    x_new = scaler.transform(select.transform(x_new))
    z = target.fit_transform(y[:, np.newaxis])
    linear = LinearRegression().fit(x, z).predict(x_new)
    mean = np.zeros_like(linear)
    wild = net(x, z, x_new, 60 if quick else 400, early=False)
    stopped = np.mean(
        [net(x, z, x_new, 200, early=True, seed=seed) for seed in range(2 if quick else 5)], axis=0
    )
    return tuple(target.inverse_transform(p)[:, 0] for p in (mean, linear, wild, stopped))


def net(x: Array, z: Array, x_new: Array, epochs: int, early: bool, seed: int = 0) -> Array:
    """A net with one hidden layer; stopped early by a fifth of the data, at its best weights."""
    fastnn.manual_seed(seed)
    model = mlp(FEATURES, 32, 1)
    optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    options: dict[str, Any] = (
        {"validation": 0.2, "callbacks": [train.EarlyStopping(patience=15)]} if early else {}
    )
    train.fit(model, nn.MSELoss(), optimizer, (x, z), epochs=epochs, seed=seed, progress=False, **options)
    return train.predict(model, x_new)


def draw(truth: Array, predicted: dict[str, Array]) -> Any:
    """Predictions against the truth."""
    names = list(predicted)[1:]
    figure, axes = panels(3, width=3.2, height=3.2)
    for ax, name, color in zip(axes, names, (BLUE, GREY, RED), strict=True):
        ax.scatter(truth, predicted[name], s=8, color=color, alpha=0.6)
        ax.plot([0, 350], [0, 350], color="black", linewidth=0.8)
        ax.set(title=f"{name}: {rmse(truth - predicted[name]):.1f}", xlabel="truth", ylim=(-50, 450))
    axes[0].set_ylabel("prediction")
    figure.suptitle("Progression of diabetes (root mean squared error)", fontsize=10)
    return figure


if __name__ == "__main__":
    main()
