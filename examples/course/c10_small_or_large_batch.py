"""C10. Small or large batches: small ones get further in an epoch, and their noise ends in flatter minima.

Seen: after as many epochs at the same rate, small batches reach the higher accuracy on training and on test
data; among nets trained to the same training loss, those of large batches lie in sharper minima. On these
data the sharper ones are no worse on new data: the last column hardly changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, ORANGE, RED, Array, digits, mlp, panels, parse, save, table

import fastnn
from fastnn import analysis, nn, optim, train

GOAL = 0.02  # training loss at which minima are compared


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train over batch sizes, for equal epochs and to equal loss."""
    options = parse(__doc__, arguments)
    samples, epochs, seeds = (200, 15, 1) if options.quick else (600, 20, 3)
    training, test = digits(samples)
    sizes = (8, 32, 128, samples)
    means = {
        size: np.mean([measure(training, test, size, epochs, seed) for seed in range(seeds)], axis=0)
        for size in sizes
    }
    header = ("batch", f"training, {epochs} epochs", f"test, {epochs} epochs", "sharpness", "test")
    rows = [(size, f"{m[0]:.1%}", f"{m[1]:.1%}", m[2], f"{m[3]:.1%}") for size, m in means.items()]
    print(f"the last two columns: trained on until the training loss is {GOAL}\n")
    table(header, rows)
    figure, (left, right) = panels(2, width=4.2)
    for column, (label, color) in enumerate((("training", BLUE), ("test", RED))):
        left.semilogx(sizes, [m[column] for m in means.values()], "o-", color=color, label=label)
    left.set(title=f"Accuracy after {epochs} epochs", xlabel="batch size")
    left.legend(frameon=False)
    right.semilogx(sizes, [m[2] for m in means.values()], "o-", color=ORANGE)
    right.set(title="Sharpness at the same training loss", xlabel="batch size")
    save(figure, options, __file__)
    names = ("training", "test", "sharpness", "test at goal")
    return {name: {size: float(m[i]) for size, m in means.items()} for i, name in enumerate(names)}


def measure(
    training: tuple[Array, Array], test: tuple[Array, Array], size: int, epochs: int, seed: int
) -> list[float]:
    """Accuracies after some epochs, then sharpness and test accuracy where the loss has reached the goal."""
    fastnn.manual_seed(seed)
    model, loss = mlp(64, 32, 10, activation=nn.Tanh), nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.2)
    common: dict[str, Any] = {"batch_size": size, "seed": seed}
    train.fit(model, loss, optimizer, training, epochs=epochs, **common)
    early = [train.evaluate(model, loss, part, metrics="accuracy")["accuracy"] for part in (training, test)]

    def good_enough(state: train.FitState) -> None:
        state.stop = state.logs["loss"] <= GOAL

    stop = train.LambdaCallback(on_epoch_end=good_enough)
    train.fit(model, loss, optimizer, training, epochs=5000, callbacks=[stop], **common)
    late = train.evaluate(model, loss, test, metrics="accuracy")["accuracy"]
    return [*early, analysis.sharpness(model, loss, training), late]


if __name__ == "__main__":
    main()
