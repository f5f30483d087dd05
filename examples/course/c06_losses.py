"""C6. Losses: absolute and squared error, hinge, logistic, cross-entropy with class weights.

Seen: one outlier pulls the line of the squared error away and leaves that of the absolute error; with weights
against the imbalance, cross-entropy finds the rare class that it gives up without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, GREEN, GREY, RED, Array, panels, parse, save, table

import fastnn
import fastnn.functional as F
from fastnn import nn, optim, train

SLOPE = 1.0
RARE = 20  # of 400


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Fit lines beside an outlier, then classes of unequal size."""
    options = parse(__doc__, arguments)
    epochs = 150 if options.quick else 600
    x = np.linspace(-1, 1, 20)[:, None]
    clean = SLOPE * x + np.random.default_rng(0).normal(0, 0.1, x.shape)
    spoilt = clean.copy()
    spoilt[-1] = -8.0
    fits = {
        (name, data): fit_line(x, y, loss, epochs)
        for name, loss in (("squared error", nn.MSELoss()), ("absolute error", nn.L1Loss()))
        for data, y in (("clean", clean), ("one outlier", spoilt))
    }
    slopes = {f"{name}, {data}": float(model.weight.data[0, 0]) for (name, data), model in fits.items()}
    table(("loss and data", f"slope (true: {SLOPE:g})"), slopes.items())
    weighted = {
        name: rare_class(weight, epochs)
        for name, weight in (("no weights", None), ("weights 1 : 19", [1, 19]))
    }
    table(
        ("cross-entropy", "rare found", "common found"),
        [(name, *(f"{share:.0%}" for share in shares)) for name, shares in weighted.items()],
    )
    save(draw(x, spoilt, fits), options, __file__)
    return {"slopes": slopes, "rare found": {name: shares[0] for name, shares in weighted.items()}}


def fit_line(x: Array, y: Array, loss: nn.Module, epochs: int) -> nn.Linear:
    """A line through points, by the loss that is given."""
    fastnn.manual_seed(0)
    model = nn.Linear(1, 1)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    train.fit(model, loss, optimizer, (x, y), epochs=epochs, batch_size=len(x), scheduler=schedule)
    return model


def rare_class(weight: Sequence[float] | None, epochs: int) -> tuple[float, float]:
    """The share of the rare and of the common points that a classifier finds."""
    rng = np.random.default_rng(1)
    labels = (np.arange(400) < RARE).astype(np.int64)
    points = rng.standard_normal((400, 2)) + 1.2 * labels[:, None]
    loss = nn.CrossEntropyLoss(weight=None if weight is None else np.array(weight, np.float32))
    fastnn.manual_seed(0)
    model = nn.Linear(2, 2)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    train.fit(model, loss, optimizer, (points, labels), epochs=epochs // 3, batch_size=100)
    found = train.predict(model, points).argmax(axis=1) == labels
    return float(found[labels == 1].mean()), float(found[labels == 0].mean())


def draw(x: Array, y: Array, fits: dict[tuple[str, str], nn.Linear]) -> Any:
    """The lines, and the losses of one sample."""
    figure, (left, middle, right) = panels(3)
    left.plot(x, y, "o", color=GREY, markersize=3)
    for (name, data), color in (
        (("squared error", "one outlier"), RED),
        (("absolute error", "one outlier"), BLUE),
    ):
        left.plot(x, train.predict(fits[name, data], x), color=color, label=name)
    left.set(title="A line beside an outlier", ylim=(-9, 2))
    left.legend(frameon=False, fontsize=8)
    e, zero = np.linspace(-3, 3, 121), np.zeros(121)
    middle.plot(e, F.mse_loss(e, zero, reduction="none"), color=RED, label="squared")
    middle.plot(e, F.l1_loss(e, zero, reduction="none"), color=BLUE, label="absolute")
    middle.plot(e, F.huber_loss(e, zero, reduction="none"), color=GREEN, label="Huber")
    middle.set(title="Losses of an error", xlabel="error", ylim=(0, 5))
    right.plot(e, F.hinge_loss(e, zero + 1, reduction="none"), color=RED, label="hinge")
    logistic = F.binary_cross_entropy_with_logits(e, zero + 1, reduction="none")
    right.plot(e, logistic, color=BLUE, label="logistic")
    right.plot(e, e < 0, color=GREY, label="mistake")
    right.set(title="Losses of an answer, yes is right", xlabel="output")
    for ax in (middle, right):
        ax.legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    main()
