"""Train a net on handwritten digits in seconds and print how many it reads (needs scikit-learn)."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

import fastnn
from fastnn import nn, optim, train
from fastnn._optional import require


def add_options(parser: argparse.ArgumentParser) -> None:
    """Epochs and seed."""
    parser.add_argument("--epochs", type=_positive, default=20, help="passes over the data (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and order (default: 0)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {number}")
    return number


def run(options: argparse.Namespace) -> int:
    """Train on four fifths of the digits, and count on the last."""
    images, labels = _digits()
    order = np.random.default_rng(options.seed).permutation(len(labels))
    kept, held_out = order[360:], order[:360]
    fastnn.manual_seed(options.seed)
    model = _make_model()
    began = time.perf_counter()
    history = train.fit(
        model,
        nn.CrossEntropyLoss(),
        optim.Adam(model.parameters(), lr=2e-3),
        (images[kept], labels[kept]),
        epochs=options.epochs,
    )
    seconds = time.perf_counter() - began
    found = train.predict(model, images[held_out]).argmax(axis=1)
    share = float((found == labels[held_out]).mean())
    print(f"a convolutional net of {sum(p.data.size for p in model.parameters()):,} parameters")
    print(f"{len(history.epochs)} epochs over {len(kept)} digits in {seconds:.2f} s ({fastnn.isa()})")
    print(f"reads {share:.1%} of {len(held_out)} digits that it has not seen")
    return 0


def _digits() -> tuple[Any, Any]:
    images, labels = require("demo", "sklearn.datasets").load_digits(return_X_y=True)
    return (images / 16).reshape(-1, 1, 8, 8), labels


def _make_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )
