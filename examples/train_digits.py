"""Train a classifier on scikit-learn's handwritten digits: 1797 scans of 8 x 8 pixels.

Prints a table of results and writes two pictures: the learning curves, and the test digits it misreads.

    python examples/train_digits.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
from digits import Array, Part, costs, draw, draw_misread, load_parts, make_parser, results, shifted

import fastnn
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader, StandardScaler


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print, draw."""
    options = parse(argv)
    if options.threads is not None:
        fastnn.set_num_threads(options.threads)
    fastnn.manual_seed(options.seed)
    parts = load_parts(options.seed)
    scaler = make_scaler(parts["training"].scans)
    batches = make_loader(parts["training"], scaler, options)
    model = make_model(options.hidden)
    began = time.perf_counter()
    history = fit(model, batches, parts["validation"], scaler, options.epochs)
    seconds = time.perf_counter() - began
    logits = {name: train.predict(model, inputs(scaler, part.scans)) for name, part in parts.items()}
    print(results(parts, logits))
    print()
    print(costs(model, history, len(batches), seconds))
    draw(history, options.out, {"misread_digits.png": draw_misread(parts["test"], logits["test"])})
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line options."""
    parser = make_parser("Train a classifier on 1797 handwritten digits.", epochs=60)
    parser.add_argument("--hidden", type=int, default=256, help="units in each of the two hidden layers")
    options = parser.parse_args(argv)
    if options.quick:
        options.epochs = 3
    return options


def make_scaler(scans: Array) -> StandardScaler:
    """Pixels at the rim are constant or nearly so; one grey level is the least deviation to divide by.

    Smaller ones would blow a faint trace of ink up to the largest input.
    """
    scaler = StandardScaler().fit(scans)
    scaler.scale_ = np.maximum(np.asarray(scaler.scale_), 1.0)
    return scaler


def inputs(scaler: StandardScaler, scans: Array) -> Array:
    """What the net sees: each pixel with mean 0 and deviation 1."""
    return scaler.transform(scans).astype(np.float32)


def make_model(hidden: int) -> nn.Sequential:
    """Two hidden layers; dropout, because 1437 scans are few for them."""
    return nn.Sequential(
        nn.Linear(64, hidden),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(hidden, 10),
    )


def make_loader(part: Part, scaler: StandardScaler, options: argparse.Namespace) -> ArrayLoader:
    """Batches of scans, each moved a little in another way in each epoch."""
    return ArrayLoader(
        part.scans,
        part.labels,
        options.batch_size,
        shuffle=True,
        seed=options.seed,
        transform=lambda scans, labels, rng: (inputs(scaler, shifted(scans, rng)), labels),
    )


def fit(
    model: nn.Module, batches: ArrayLoader, validation: Part, scaler: StandardScaler, epochs: int
) -> train.History:
    """The training run."""
    return train.fit(
        model,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2),
        batches,
        validation=(inputs(scaler, validation.scans), validation.labels),
        epochs=epochs,
        metrics=["accuracy"],
    )


if __name__ == "__main__":
    raise SystemExit(main())
