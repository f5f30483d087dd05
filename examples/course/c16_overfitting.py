"""C16. Overfitting: few noisy samples and a large net, and what cures it.

Seen: the large net learns 100 digits by heart and reads others far worse. More data, augmentation, fewer
parameters, early stopping, L1 and L2 penalties and dropout each lower the loss on digits that it has not
seen. Too much restriction brings the loss back: bias, on training data as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, GREY, RED, Array, digits, mlp, panels, parse, save, table

import fastnn
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader

FEW, WIDTH = 100, 256
WRONG = 0.25  # of the labels: noise, which a large net learns, too


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """The overfitted net, each remedy, and too much of two of them."""
    options = parse(__doc__, arguments)
    epochs = 100 if options.quick else 250
    results = {name: measured(epochs, **remedy) for name, remedy in remedies().items()}
    rows = [
        (
            name,
            f"{r['training'][0]:.3f}",
            f"{r['test'][0]:.3f}",
            f"{r['training'][1]:.1%}",
            f"{r['test'][1]:.1%}",
        )
        for name, r in results.items()
    ]
    table(("", "training loss", "test loss", "training accuracy", "test accuracy"), rows)
    save(draw(results), options, __file__)
    return results


def remedies() -> dict[str, dict[str, Any]]:
    """What differs from the overfitted net."""
    return {
        "overfitted": {},
        "more data": {"samples": 1200},
        "augmentation": {"augmented": True},
        "fewer parameters": {"width": 12},
        "early stopping": {"patience": 6},
        "L1": {"l1": 0.001},
        "L2": {"l2": 0.01},
        "dropout": {"dropout": 0.6},
        "too much L2": {"l2": 1.0},
        "too few parameters": {"width": 1},
    }


def noisy(samples: int) -> tuple[Array, Array]:
    """Digits of which some carry a wrong label."""
    x, y = digits(samples)[0]
    rng = np.random.default_rng(0)
    wrong = rng.random(len(y)) < WRONG
    return x, np.where(wrong, rng.integers(0, 10, len(y)), y)


def measured(
    epochs: int,
    samples: int = FEW,
    width: int = WIDTH,
    dropout: float = 0.0,
    patience: int | None = None,
    augmented: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
) -> dict[str, Any]:
    """Loss and accuracy on training and test data, and the losses by epoch."""
    fastnn.manual_seed(0)
    (x, y), test = noisy(samples), digits()[1]
    model = mlp(64, width, 10)
    if dropout:
        model = nn.Sequential(*model[:2], nn.Dropout(dropout), model[2])
    validation = test[0][:150], test[1][:150]
    final = test[0][150:], test[1][150:]
    data: Any = (x, y)
    if augmented:
        data = ArrayLoader(x, y, 32, shuffle=True, seed=0, transform=shifted)
    stopping = [] if patience is None else [train.EarlyStopping(patience=patience)]
    loss, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=3e-3)
    history = train.fit(
        model, loss, optimizer, data, validation=validation, epochs=epochs, callbacks=stopping, l1=l1, l2=l2,
        progress=False,
    )  # fmt: skip
    found = {}
    for name, part in (("training", (x, y)), ("test", final)):
        figures = train.evaluate(model, loss, part, metrics="accuracy")
        found[name] = figures["loss"], figures["accuracy"]
    return {**found, "curves": (history["loss"], history["val_loss"])}


def shifted(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Each batch moved by up to one pixel, its grey levels changed a little."""
    rows, columns = rng.integers(-1, 2, 2)
    moved = np.roll(x.reshape(-1, 8, 8), (rows, columns), axis=(1, 2)).reshape(x.shape)
    return (moved + rng.normal(0.0, 0.15, x.shape)).astype(x.dtype), y


def draw(results: dict[str, dict[str, Any]]) -> Any:
    """The curves of the overfitted net, and the losses with each remedy."""
    figure, (left, right) = panels(2, width=4.8, height=3.6)
    training, held_out = results["overfitted"]["curves"]
    left.plot(training, color=BLUE, label="training")
    left.plot(held_out, color=RED, label="validation")
    left.set(title=f"{FEW} digits, {WIDTH} hidden units", xlabel="epoch", ylabel="loss")
    left.legend()
    names = list(results)[::-1]
    places = np.arange(len(names))
    right.barh(places + 0.2, [results[n]["training"][0] for n in names], 0.4, color=BLUE, label="training")
    right.barh(places - 0.2, [results[n]["test"][0] for n in names], 0.4, color=RED, label="test")
    right.axvline(results["overfitted"]["test"][0], color=GREY, linestyle=":", linewidth=1)
    right.set(title="What cures it, and too much of it", xlabel="loss", yticks=places, yticklabels=names)
    right.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    main()
