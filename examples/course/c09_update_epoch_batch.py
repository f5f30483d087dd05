"""C9. Update, epoch, batch: the same data in one large batch, one by one, or in between.

Seen: an epoch of small batches takes longer and gets much further; an update costs little more with more
samples in it, until the batch is large; the order of the samples is new in each epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, RED, Array, digits, mlp, panels, parse, save, table

import fastnn
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train with several batch sizes; measure updates and time."""
    options = parse(__doc__, arguments)
    samples, epochs = (200, 3) if options.quick else (1000, 10)
    orders = [batch.tolist() for batch in ArrayLoader(np.arange(8), batch_size=8, shuffle=True, seed=0)]
    loader = ArrayLoader(np.arange(8), batch_size=8, shuffle=True, seed=0)
    orders = [next(iter(loader)).tolist() for _ in range(3)]
    for epoch, order in enumerate(orders, start=1):
        print(f"epoch {epoch} takes eight samples in the order {order}")
    print()
    data, _ = digits(samples)
    runs = {size: run(data, size, epochs) for size in (1, 10, 100, samples)}
    names = {1: "stochastic", samples: "full batch"}
    table(
        (
            "descent",
            "batch",
            "updates an epoch",
            "us an update",
            "ms an epoch",
            f"loss after {epochs} epochs",
        ),
        [
            (
                names.get(size, "mini-batch"),
                size,
                r["updates"],
                round(r["update"] * 1e6),
                r["epoch"] * 1e3,
                r["loss"],
            )
            for size, r in runs.items()
        ],
    )
    figure, (left, right) = panels(2, width=4.2)
    sizes = list(runs)
    left.loglog(sizes, [r["epoch"] * 1e3 for r in runs.values()], "o-", color=BLUE, label="epoch, ms")
    left.loglog(sizes, [r["update"] * 1e3 for r in runs.values()], "o-", color=RED, label="update, ms")
    left.set(title="Time", xlabel="batch size")
    for size, r in runs.items():
        right.plot(range(1, epochs + 1), r["losses"], ".-", label=f"batch of {size}")
    right.set(title="Training loss", xlabel="epoch")
    for ax in (left, right):
        ax.legend(frameon=False, fontsize=8)
    save(figure, options, __file__)
    return {
        "orders": orders,
        "updates": {size: r["updates"] for size, r in runs.items()},
        "losses": {size: r["loss"] for size, r in runs.items()},
    }


def run(data: tuple[Array, Array], batch_size: int, epochs: int) -> dict[str, Any]:
    """The losses of a training run, and the median time of an epoch."""
    fastnn.manual_seed(0)
    model = mlp(64, 32, 10)
    count = train.UpdateLimit(10**9)
    history = train.fit(
        model,
        nn.CrossEntropyLoss(),
        optim.SGD(model.parameters(), lr=0.05),
        data,
        epochs=epochs,
        batch_size=batch_size,
        callbacks=[count],
    )
    updates, seconds = count.updates // epochs, float(np.median(history.seconds))
    losses = history["loss"]
    return {
        "updates": updates,
        "epoch": seconds,
        "update": seconds / updates,
        "losses": losses,
        "loss": losses[-1],
    }


if __name__ == "__main__":
    main()
