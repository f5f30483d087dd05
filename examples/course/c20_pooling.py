"""C20. Pooling: smaller planes without parameters, by the largest or the mean of each window.

Seen: a net with max pooling and one that strides instead read handwritten digits about equally well, and the
one that strides trains faster, as its convolutions give a quarter of the outputs; average pooling learns more
slowly here. Pooling has no parameters.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import Array, digits, panels, parameters_of, parse, save, table

import fastnn
import fastnn.functional as F
from fastnn import nn, optim, train


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Pool a plane, then compare nets."""
    options = parse(__doc__, arguments)
    samples, epochs = (400, 6) if options.quick else (1347, 20)
    training, test = digits(samples, images=True)
    nets = {
        "max pooling": net(nn.MaxPool2d(2), nn.MaxPool2d(2)),
        "average pooling": net(nn.AvgPool2d(2), nn.AvgPool2d(2)),
        "stride 2, no pooling": net(None, None),
    }
    results = {name: run(model, training, test, epochs) for name, model in nets.items()}
    table(
        ("net", "parameters", "of pooling", "test accuracy", "s to train"),
        [
            (n, r["parameters"], r["pooling"], f"{r['accuracy']:.1%}", f"{r['seconds']:.2f}")
            for n, r in results.items()
        ],
    )
    image = test[0][0]
    shown = {"a digit": image, "max": F.max_pool2d(image, 2), "mean": F.avg_pool2d(image, 2)}
    figure, axes = panels(4, width=2.4, height=2.6)
    for ax, (name, plane) in zip(axes, shown.items(), strict=False):
        ax.imshow(plane[0], cmap="gray_r", vmin=0, vmax=1)
        ax.set(title=f"{name}, {plane.shape[1]} x {plane.shape[2]}", xticks=[], yticks=[])
    bars = axes[3].barh(
        [name.replace(", ", ",\n") for name in results], [100 * r["accuracy"] for r in results.values()]
    )
    axes[3].bar_label(bars, fmt="%.1f", padding=-28, color="white")
    axes[3].set(title="Test accuracy, %", xlim=(0, 100))
    save(figure, options, __file__)
    return results | {"planes": [plane.shape for plane in shown.values()]}


def net(first: nn.Module | None, second: nn.Module | None) -> nn.Sequential:
    """Two convolutions, each followed by pooling, or striding where there is none."""
    fastnn.manual_seed(0)
    layers = [
        *(nn.Conv2d(1, 16, 3, padding=1, stride=1 if first else 2), nn.ReLU(), first),
        *(nn.Conv2d(16, 32, 3, padding=1, stride=1 if second else 2), nn.ReLU(), second),
        *(nn.Flatten(), nn.Linear(32 * 2 * 2, 10)),
    ]
    return nn.Sequential(*(layer for layer in layers if layer is not None))


def run(
    model: nn.Sequential, training: tuple[Array, Array], test: tuple[Array, Array], epochs: int
) -> dict[str, Any]:
    """Accuracy, time and sizes of a net."""
    loss, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=3e-3)
    began = time.perf_counter()
    train.fit(model, loss, optimizer, training, epochs=epochs)
    seconds = time.perf_counter() - began
    pools = [layer for layer in model if isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d))]
    accuracy = float(np.mean(train.predict(model, test[0]).argmax(axis=1) == test[1]))
    pooling = sum(parameters_of(layer) for layer in pools)
    return {"accuracy": accuracy, "seconds": seconds, "parameters": parameters_of(model), "pooling": pooling}


if __name__ == "__main__":
    main()
