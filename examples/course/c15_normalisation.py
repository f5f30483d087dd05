"""C15. Normalisation: standardised features, and batch norm inside of the net.

Seen: features of very different size make plain descent crawl, standardised ones do not; the statistics are
those of the training data. A deep net that does not train at a large rate does so with batch norm, whose
gamma and beta are trained, and whose running statistics take the place of the batch's in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, RED, Array, digits, panels, parse, save, table
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

import fastnn
from fastnn import nn, optim, train
from fastnn.data import StandardScaler

RATES = (0.1, 0.5, 1.0, 2.0)
HIDDEN = 4


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Wine with raw and standardised features; digits with and without batch norm."""
    options = parse(__doc__, arguments)
    wine = features(40 if options.quick else 200)
    table(("features of wine", "loss at the end", "test accuracy"), [(k, *v[1:]) for k, v in wine.items()])
    epochs = 3 if options.quick else 15
    runs = {(norm, rate): deep(norm, rate, epochs) for norm in (False, True) for rate in RATES}
    rows = [
        (
            f"{rate:g}",
            *(f"{runs[norm, rate][0][-1]:.3g}, {runs[norm, rate][1]:.1%}" for norm in (False, True)),
        )
        for rate in RATES
    ]
    table(("learning rate", "plain: loss, test accuracy", "with batch norm"), rows)
    gap, drift = in_use(epochs)
    print(f"in use, one digit at a time, against all at once: outputs differ by {gap:.1g}")
    print(f"gamma has moved by {drift:.2f} on average from its 1")
    save(draw(wine, runs), options, __file__)
    return {"wine": wine, "runs": runs, "gap": gap, "drift": drift}


def features(epochs: int) -> dict[str, tuple[Array, float, float]]:
    """Losses, last loss and test accuracy of a linear classifier on raw and on standardised features."""
    x, y = load_wine(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=60, stratify=y, random_state=0)
    scaler = StandardScaler().fit(x)  # of the training data alone
    found = {}
    for name, rate, change in (("raw", 1e-6, lambda v: v), ("standardised", 0.1, scaler.transform)):
        fastnn.manual_seed(0)
        model = nn.Linear(x.shape[1], 3)
        optimizer = optim.SGD(model.parameters(), lr=rate)
        history = train.fit(
            model, nn.CrossEntropyLoss(), optimizer, (change(x), y), epochs=epochs, progress=False
        )
        accuracy = train.evaluate(model, nn.CrossEntropyLoss(), (change(x_test), y_test), metrics="accuracy")
        found[name] = np.array(history["loss"]), history["loss"][-1], accuracy["accuracy"]
    return found


def make_deep(norm: bool) -> nn.Sequential:
    """Dense layers with ReLU."""
    fastnn.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(HIDDEN):
        layers += [nn.Linear(64, 64), *([nn.BatchNorm1d(64)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def deep(norm: bool, rate: float, epochs: int) -> tuple[list[float], float]:
    """Losses by epoch and test accuracy of the deep net, by plain descent."""
    _, test = digits()
    model = make_deep(norm)
    losses: list[float] = []
    fitted(model, rate, epochs, losses)
    accuracy = train.evaluate(model, nn.CrossEntropyLoss(), test, metrics="accuracy")["accuracy"]
    return losses, accuracy


def fitted(model: nn.Module, rate: float, epochs: int, losses: list[float]) -> None:
    """Train, and write down the losses."""
    training, _ = digits(21 * 64)  # a last batch of a few would be poor statistics
    optimizer = optim.SGD(model.parameters(), lr=rate)
    with np.errstate(all="ignore"):  # where it diverges
        history = train.fit(
            model, nn.CrossEntropyLoss(), optimizer, training, epochs=epochs, batch_size=64, progress=False
        )
    losses += history["loss"]


def in_use(epochs: int) -> tuple[float, float]:
    """How far outputs depend on the company of a sample in evaluation mode, and what gamma has learned."""
    _, test = digits()
    model = make_deep(True)
    fitted(model, 0.1, epochs, [])
    together = train.predict(model, test[0])
    alone = train.predict(model, test[0], batch_size=1)
    norms = [layer for layer in model if isinstance(layer, nn.BatchNorm1d)]
    moved = [abs(layer.weight.data - 1).mean() for layer in norms if layer.weight is not None]
    return float(abs(together - alone).max()), float(np.mean(moved))


def draw(wine: dict[str, tuple[Array, float, float]], runs: dict[tuple[bool, float], Any]) -> Any:
    """Losses by epoch, left of wine, right of the deep net."""
    figure, (left, right) = panels(2, width=4.4, height=3.4)
    for (name, (losses, *_)), color in zip(wine.items(), (RED, BLUE), strict=True):
        left.plot(losses, color=color, label=name)
    left.set(title="Wine, a linear classifier", xlabel="epoch", ylabel="training loss", yscale="log")
    for (norm, rate), (losses, _) in runs.items():
        shade = 0.3 + 0.7 * RATES.index(rate) / (len(RATES) - 1)
        name = f"{'batch norm' if norm else 'plain'}, rate {rate:g}"
        right.plot(np.clip(np.nan_to_num(losses, nan=1e2, posinf=1e2), 0, 1e2), "-" if norm else "--",
                   color=BLUE if norm else RED, alpha=shade, label=name)  # fmt: skip
    right.set(title=f"Digits, {HIDDEN} hidden layers", xlabel="epoch", yscale="log")
    left.legend(fontsize=7)
    right.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


if __name__ == "__main__":
    main()
