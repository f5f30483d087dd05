"""C22. Augmentation: a net reads what it was shown, and turned digits were not.

A convolutional net trained on upright digits reads them well, and falls on the same digits turned by up to 40
degrees and scaled by 0.7 to 1.2: convolution is made for moves, not for turns and sizes. Trained on digits
that are turned and scaled anew in each batch, the same net wins most of the loss back; shifts hardly help.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import Array, parse, save, table
from _turned_digits import (
    ANGLE,
    SIZES,
    accuracy,
    framed_digits,
    make_cnn,
    train_net,
    turned,
)
from matplotlib.figure import Figure

from fastnn import nn
from fastnn.data import transforms

SHOWN = 8
AUGMENTATIONS: dict[str, Any] = {
    "none": None,
    "shifts": transforms.RandomCrop(20, padding=2),
    "turns and sizes": transforms.RandomAffine(ANGLE, scale=SIZES),
}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train a net with each augmentation, compare, draw."""
    options = parse(__doc__, arguments)
    data, (x, y) = framed_digits()
    test = {"upright": x, "turned": turned(x, seed=1)}
    epochs = 5 if options.quick else 30
    nets = {name: train_net(make_cnn(), data, epochs, change) for name, change in AUGMENTATIONS.items()}
    found = {name: {kind: accuracy(net, test[kind], y) for kind in test} for name, net in nets.items()}
    table(
        ("augmentation", *test), [(name, *(f"{a:.1%}" for a in row.values())) for name, row in found.items()]
    )
    lost = found["none"]["upright"] - found["none"]["turned"]
    won = found["turns and sizes"]["turned"] - found["none"]["turned"]
    print(f"lost by turning {lost:.1%}, won back by augmentation {won:.1%}: {won / lost:.0%} of it")
    save(draw(test, nets, y, step=20 if options.quick else 10), options, __file__)
    return {"accuracy": found, "won_back": won / lost}


def draw(test: dict[str, Array], nets: dict[str, nn.Sequential], y: Array, step: int) -> Figure:
    """Digits of both kinds, and what each net reads at each angle."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
    rows = [np.concatenate(list(images[:SHOWN, 0]), axis=1) for images in test.values()]
    left.imshow(np.concatenate(rows), cmap="gray_r")
    left.set(title="Test digits, upright and turned", xticks=[], yticks=[])
    angles = [float(angle) for angle in range(-60, 61, step)]
    for name, net in nets.items():
        read = [accuracy(net, turned(test["upright"], 1, (a, a), (1, 1)), y) for a in angles]
        right.plot(angles, read, marker="o", label=name)
    right.axvspan(-ANGLE, ANGLE, color="0.93", zorder=0)
    right.set(xlabel="degrees", ylabel="test accuracy", ylim=(0, 1.02), title="Read at each angle")
    right.legend(title="augmentation")
    return figure


if __name__ == "__main__":
    main()
