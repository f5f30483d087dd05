"""C18. Validation: choosing a model without looking at the test data.

Seen: some labels are wrong, and the training score takes the net with the least penalty, which learns them
by heart; k-fold cross-validation takes the one that reads new digits best. The winner is trained again on all
training data, and the test data are looked at once, at the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, GREEN, RED, digits, panels, parse, save, table
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split

from fastnn.sklearn import MLPClassifier

PENALTIES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0)
WRONG = 0.2  # of the training labels
FOLDS = 5


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """One split, then k folds, then the winner."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs are meant
    options = parse(__doc__, arguments)
    (x, y), test = digits(400)
    rng = np.random.default_rng(0)
    y = np.where(rng.random(len(y)) < WRONG, rng.integers(0, 10, len(y)), y)
    epochs = 40 if options.quick else 150
    net = MLPClassifier(learning_rate_init=0.01, batch_size=50, max_iter=epochs, random_state=0)
    single = one_split(net, x, y)
    search = GridSearchCV(net, {"alpha": PENALTIES}, cv=FOLDS, return_train_score=True, refit=True).fit(x, y)
    means, spreads = search.cv_results_["mean_test_score"], search.cv_results_["std_test_score"]
    rows = [
        (w, f"{search.cv_results_['mean_train_score'][i]:.1%}", f"{single[i]:.1%}",
         f"{means[i]:.1%} ± {spreads[i]:.1%}")
        for i, w in enumerate(PENALTIES)
    ]  # fmt: skip
    table(("alpha", "training", "one split", f"{FOLDS} folds"), rows)
    winner = search.best_params_["alpha"]
    accuracy = float(search.score(*test))
    print(f"winner: alpha = {winner:g}, trained again on all {len(y)} digits")
    print(f"promised by {FOLDS} folds, with their wrong labels: {search.best_score_:.1%}")
    print(f"test, looked at once, all labels right: {accuracy:.1%}")
    save(draw(search.cv_results_, single), options, __file__)
    return {"winner": winner, "promised": float(search.best_score_), "test": accuracy, "means": means}


def one_split(net: Any, x: Any, y: Any) -> list[float]:
    """The score of each penalty on one held-out fifth: cheaper than folds, and more a matter of luck."""
    x, x_held_out, y, y_held_out = train_test_split(x, y, test_size=0.2, stratify=y, random_state=1)
    return [float(net.set_params(alpha=a).fit(x, y).score(x_held_out, y_held_out)) for a in PENALTIES]


def draw(results: dict[str, Any], single: list[float]) -> Any:
    """Scores by the strength of the penalty."""
    figure, (ax,) = panels(1, width=5.6, height=3.6)
    ax.plot(PENALTIES, results["mean_train_score"], "o-", color=BLUE, label="training")
    ax.plot(PENALTIES, single, "s:", color=GREEN, label="one split")
    ax.errorbar(
        PENALTIES,
        results["mean_test_score"],
        results["std_test_score"],
        fmt="o-",
        color=RED,
        label=f"{FOLDS} folds",
    )
    best = int(np.argmax(results["mean_test_score"]))
    ax.axvline(PENALTIES[best], color=RED, linewidth=1, linestyle="--")
    ax.set(title="Choosing the penalty", xlabel="alpha", ylabel="accuracy", xscale="log")
    ax.legend()
    return figure


if __name__ == "__main__":
    main()
