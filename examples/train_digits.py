"""Train a classifier on scikit-learn's handwritten digits: 1797 scans of 8 x 8 pixels.

Prints a table of results and writes two pictures: the learning curves, and the test digits it misreads.

    python examples/train_digits.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from digits import Array, Part, costs, draw, draw_misread, load_parts, make_parser, results, shifted

import fastnn
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader


@dataclass(frozen=True)
class Standardiser:
    """Gives each pixel mean 0 and deviation 1, as measured on training scans.

    Pixels at the rim are constant or nearly so. One grey level is the least deviation to divide by: smaller
    ones would blow a faint trace of ink up to the largest input.
    """

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, scans: Array) -> Standardiser:
        """Measure."""
        return cls(scans.mean(axis=0), np.maximum(scans.std(axis=0), 1.0))

    def __call__(self, scans: Array) -> Array:
        """What the net sees."""
        inputs: Array = ((scans - self.mean) / self.deviation).astype(np.float32)
        return inputs


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print, draw."""
    options = parse(argv)
    if options.threads is not None:
        fastnn.set_num_threads(options.threads)
    fastnn.manual_seed(options.seed)
    parts = load_parts(options.seed)
    standardise = Standardiser.of(parts["training"].scans)
    batches = make_loader(parts["training"], standardise, options)
    model = make_model(options.hidden)
    began = time.perf_counter()
    history = fit(model, batches, parts["validation"], standardise, options.epochs)
    seconds = time.perf_counter() - began
    logits = {name: train.predict(model, standardise(part.scans)) for name, part in parts.items()}
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


def make_loader(part: Part, standardise: Standardiser, options: argparse.Namespace) -> ArrayLoader:
    """Batches of scans, each moved a little in another way in each epoch."""
    return ArrayLoader(
        part.scans,
        part.labels,
        options.batch_size,
        shuffle=True,
        seed=options.seed,
        transform=lambda scans, labels, rng: (standardise(shifted(scans, rng)), labels),
    )


def fit(
    model: nn.Module, batches: ArrayLoader, validation: Part, standardise: Standardiser, epochs: int
) -> train.History:
    """The training run."""
    return train.fit(
        model,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2),
        batches,
        validation=(standardise(validation.scans), validation.labels),
        epochs=epochs,
        metrics=["accuracy"],
    )


if __name__ == "__main__":
    raise SystemExit(main())
