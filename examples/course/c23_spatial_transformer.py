"""C23. The spatial transformer: a net that turns its input upright before it reads it.

Jaderberg et al., 2015: a small net looks at each image and chooses an affine grid, at which the image is
sampled; the gradient reaches it through the sampling. Nobody tells it what is upright; that is what makes
digits easier to read. All nets are trained on the turned and scaled digits of C22. With the layer before it,
a dense net and a convolutional one both misread far fewer digits than nets of as many parameters without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import Array, parse, save, table
from _turned_digits import (
    ANGLE,
    SIDE,
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

SHOWN = 10
TURNS = (-40, 0, 40)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train nets with and without the layer, compare, draw what it does."""
    options = parse(__doc__, arguments)
    data, (x, y) = framed_digits()
    test = turned(x, seed=1)
    change = transforms.RandomAffine(ANGLE, scale=SIZES)
    epochs = 3 if options.quick else 20
    nets = {name: train_net(layers, data, epochs, change) for name, layers in make_nets().items()}
    found = {name: accuracy(net, test, y) for name, net in nets.items()}
    sizes = {name: sum(p.data.size for p in net.parameters()) for name, net in nets.items()}
    table(
        ("net", "parameters", "turned digits read"),
        [(name, f"{sizes[name]:,}", f"{read:.1%}") for name, read in found.items()],
    )
    save(draw(x, nets["transformer + dense"]), options, __file__)
    return {"accuracy": found, "parameters": sizes}


def make_nets() -> dict[str, list[nn.Module]]:
    """Pairs of about as many parameters."""
    return {
        "dense": make_dense(96),
        "transformer + dense": [make_transformer(), *make_dense(64)],
        "conv": make_cnn(24),
        "transformer + conv": [make_transformer(), *make_cnn(12)],
    }


def make_dense(units: int) -> list[nn.Module]:
    """One hidden layer."""
    return [nn.Flatten(), nn.Linear(SIDE**2, units), nn.ReLU(), nn.Dropout(0.2), nn.Linear(units, 10)]


def make_transformer() -> nn.SpatialTransformer:
    """The layer, with a small convolutional net that chooses the map and starts at the identity."""
    head = nn.Linear(32, 6)
    head.load_state_dict({"weight": np.zeros((6, 32)), "bias": np.array([1.0, 0, 0, 0, 1, 0])})
    localization = nn.Sequential(
        nn.MaxPool2d(2),
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(16 * (SIDE // 4) ** 2, 32), nn.ReLU(), head),
    )
    return nn.SpatialTransformer(localization)


def draw(x: Array, net: nn.Sequential) -> Figure:
    """Digits at three angles, and what the layer makes of them."""
    net.eval()
    figure = Figure(figsize=(8, 5.4), layout="constrained")
    axes = figure.subplots(2 * len(TURNS), 1)
    for ax, degrees in zip(axes.reshape(-1, 2), TURNS, strict=True):
        given = turned(x[:SHOWN], 1, (degrees, degrees), (1, 1))
        for panel, images, title in zip(
            ax, (given, net[0](given)), (f"{degrees} degrees", "seen"), strict=True
        ):
            panel.imshow(np.concatenate(list(images[:, 0]), axis=1), cmap="gray_r", interpolation="nearest")
            panel.set(xticks=[], yticks=[])
            panel.set_ylabel(title, rotation=0, ha="right", va="center")
    figure.suptitle("Turned digits, and what the dense net sees of them")
    return figure


if __name__ == "__main__":
    main()
