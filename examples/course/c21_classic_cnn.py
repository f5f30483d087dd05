"""C21. The classic net for images: convolution, pooling, again, flatten, fully connected, softmax.

Seen: at least 98 % of handwritten digits that it has not seen are read; the probabilities say where it is in
doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import Array, digits, panels, parameters_of, parse, save, table

import fastnn
import fastnn.functional as F
from fastnn import nn, optim, train


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train, test, draw the digits that it is least sure of."""
    options = parse(__doc__, arguments)
    epochs = 6 if options.quick else 40
    training, test = digits(images=True)
    model = make_model()
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    history = train.fit(
        model,
        loss,
        optimizer,
        training,
        epochs=epochs,
        validation=test,
        metrics=["accuracy"],
        scheduler=schedule,
    )
    probabilities = F.softmax(train.predict(model, test[0]), axis=1)
    accuracy = float(np.mean(probabilities.argmax(axis=1) == test[1]))
    wrong = int((probabilities.argmax(axis=1) != test[1]).sum())
    table(
        ("parameters", "epochs", "training accuracy", "test accuracy", "misread"),
        [
            (
                parameters_of(model),
                epochs,
                f"{history['accuracy'][-1]:.1%}",
                f"{accuracy:.2%}",
                f"{wrong} of {len(test[1])}",
            )
        ],
    )
    save(draw(test, probabilities), options, __file__)
    return {"accuracy": accuracy, "sums": probabilities.sum(axis=1)}


def make_model() -> nn.Sequential:
    """Conv, pool, conv, pool, flatten, dense; softmax is in the loss, and in `main` where it is asked for."""
    fastnn.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 2 * 2, 64), nn.ReLU()),
        *(nn.Dropout(0.3), nn.Linear(64, 10)),
    )


def draw(test: tuple[Array, Array], probabilities: Array) -> Any:
    """The least certain digits, with what they were taken for."""
    order = np.argsort(probabilities.max(axis=1))[:12]
    figure, axes = panels(6, rows=2, width=1.35, height=1.6)
    for ax, i in zip(axes.ravel(), order, strict=True):
        read, label = int(probabilities[i].argmax()), int(test[1][i])
        ax.imshow(test[0][i, 0], cmap="gray_r")
        ax.axis("off")
        color = "black" if read == label else "#c00000"
        ax.set_title(f"{label} read as {read}\np = {probabilities[i, read]:.2f}", fontsize=8, color=color)
    figure.suptitle("The least certain digits (red: misread)", fontsize=10)
    return figure


if __name__ == "__main__":
    main()
