"""Train a convolutional net on scikit-learn's handwritten digits: 1797 scans of 8 x 8 pixels.

Prints a table of results and writes three pictures: the learning curves, the test digits it misreads, and
its filters with what they make of some digits.

    python examples/train_digits_cnn.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from digits import Array, Part, costs, draw, draw_misread, load_parts, make_parser, results, shifted
from matplotlib.figure import Figure

import fastnn
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader

TITLE: Any = {"fontsize": 10, "va": "bottom"}
FILTERS = 16  # of the first layer: each has a column of its own in the picture
SHOWN = (2, 4, 7, 8)  # digits in the picture


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print, draw."""
    options = parse(argv)
    if options.threads is not None:
        fastnn.set_num_threads(options.threads)
    fastnn.manual_seed(options.seed)
    parts = load_parts(options.seed)
    batches = make_loader(parts["training"], options)
    model = make_model(options.channels)
    began = time.perf_counter()
    history = fit(model, batches, parts["validation"], options.epochs)
    seconds = time.perf_counter() - began
    logits = {name: train.predict(model, as_images(part.scans)) for name, part in parts.items()}
    print(results(parts, logits))
    print()
    print(costs(model, history, len(batches), seconds))
    figures = {
        "misread_digits.png": draw_misread(parts["test"], logits["test"]),
        "feature_maps.png": draw_feature_maps(model, parts["test"]),
    }
    draw(history, options.out, figures)
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line options."""
    parser = make_parser("Train a convolutional net on 1797 handwritten digits.", epochs=60)
    parser.add_argument(
        "--channels", type=int, default=32, help="maps of the second layer; twice as many after"
    )
    options = parser.parse_args(argv)
    if options.quick:
        options.epochs = 3
    return options


def make_model(channels: int) -> nn.Sequential:
    """Convolutions and poolings down to planes of 2 x 2, and a dense layer on top."""
    return nn.Sequential(
        nn.Conv2d(1, FILTERS, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(FILTERS, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Linear(2 * channels * 4, 10),
    )


def as_images(scans: Array) -> Array:
    """What the net sees: planes of one channel, grey levels from 0 to 1."""
    images: Array = (scans / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return images


def make_loader(part: Part, options: argparse.Namespace) -> ArrayLoader:
    """Batches of images, each moved a little in another way in each epoch."""
    return ArrayLoader(
        part.scans,
        part.labels,
        options.batch_size,
        shuffle=True,
        seed=options.seed,
        transform=lambda scans, labels, rng: (as_images(shifted(scans, rng)), labels),
    )


def fit(model: nn.Module, batches: ArrayLoader, validation: Part, epochs: int) -> train.History:
    """The training run."""
    return train.fit(
        model,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2),
        batches,
        validation=(as_images(validation.scans), validation.labels),
        epochs=epochs,
        metrics=["accuracy"],
    )


def draw_feature_maps(model: nn.Sequential, test: Part) -> Figure:
    """The filters of the first layer, what each finds in some digits, and maps of the last layer."""
    model.eval()
    rows = [int(np.flatnonzero(test.labels == digit)[0]) for digit in SHOWN]
    images = as_images(test.scans[rows])
    deepest = max(i for i, layer in enumerate(model) if isinstance(layer, nn.Conv2d))
    first, last = model[:2](images), model[: deepest + 2](images)
    last = last[:, np.argsort(-last.max(axis=(0, 2, 3)))[:FILTERS]]

    figure = Figure(figsize=(11, 7), layout="constrained")
    ax = figure.add_subplot()
    weight = model[0].weight.data[:, 0]
    limit = abs(weight).max()
    ax.text(
        1.2, -0.2, f"The {FILTERS} filters of the first layer, 3 x 3 (red: positive, blue: negative)", **TITLE
    )
    for column, plane in enumerate(weight):
        put(ax, plane, column, 0, cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.text(
        1.2,
        1.3,
        "What each of them finds in the digits on the left, 8 x 8 (dark: nothing, yellow: its most)",
        **TITLE,
    )
    draw_maps(ax, images, first, top=1.5)
    title = f"The strongest maps of the last convolution, {last.shape[2]} x {last.shape[3]}"
    ax.text(1.2, len(SHOWN) + 1.8, title, **TITLE)
    draw_maps(ax, images, last, top=len(SHOWN) + 2)
    ax.set(xlim=(-0.1, FILTERS + 1.2), ylim=(2 * len(SHOWN) + 2, -0.7), aspect="equal")
    ax.axis("off")
    return figure


def draw_maps(ax: Any, images: Array, maps: Array, top: float) -> None:
    """A row for each image: the image itself, then its maps, each column on a scale of its own."""
    limits = np.maximum(maps.max(axis=(0, 2, 3)), 1e-6)  # a filter may find nothing in any of them
    for row, (image, planes) in enumerate(zip(images, maps, strict=True)):
        put(ax, image[0], -1.2, top + row, cmap="gray_r", vmin=0, vmax=1)
        for column, (plane, limit) in enumerate(zip(planes, limits, strict=True)):
            put(ax, plane, column, top + row, cmap="viridis", vmin=0, vmax=limit)


def put(ax: Any, plane: Array, column: float, row: float, **style: Any) -> None:
    """Draw a small image into a cell of the grid; column 0 is the first of the maps."""
    side = 0.9
    left = column + 1.2
    ax.imshow(plane, extent=(left, left + side, row + side, row), interpolation="nearest", **style)


if __name__ == "__main__":
    raise SystemExit(main())
