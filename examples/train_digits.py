"""Train a classifier on scikit-learn's handwritten digits: 1797 scans of 8 x 8 pixels.

Prints a table of results and writes two pictures: the learning curves, and the test digits it misreads.

    python examples/train_digits.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastnn
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader, StandardScaler

Array: TypeAlias = NDArray[Any]
SHARE_HELD_OUT = 0.1  # for validation, and once more for the test
COLUMNS = 6  # of the grid of misread digits


@dataclass(frozen=True)
class Part:
    """One part of the data: scans in grey levels 0 to 16, and the digits they show."""

    scans: Array
    labels: Array


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
    draw(history, parts["test"], logits["test"], options.out)
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line options."""
    parser = argparse.ArgumentParser(
        description="Train a classifier on 1797 handwritten digits.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--epochs", type=int, default=60, help="passes over the training data")
    parser.add_argument("--batch-size", type=int, default=32, help="samples per step")
    parser.add_argument("--hidden", type=int, default=256, help="units in each of the two hidden layers")
    parser.add_argument("--seed", type=int, default=0, help="fixes split, weights, dropout and order")
    parser.add_argument("--threads", type=int, help="threads per kernel; without it, all cores")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the two pictures")
    parser.add_argument("--quick", action="store_true", help="3 epochs, to see that everything runs")
    options = parser.parse_args(argv)
    if options.quick:
        options.epochs = 3
    return options


def load_parts(seed: int) -> dict[str, Part]:
    """Training, validation and test data, 80 : 10 : 10, with the same share of each digit."""
    scans, labels = load_digits(return_X_y=True)
    held_out = round(SHARE_HELD_OUT * len(scans))
    rest, test = split(np.arange(len(scans)), labels, held_out, seed)
    training, validation = split(rest, labels, held_out, seed)
    rows = {"training": training, "validation": validation, "test": test}
    return {name: Part(scans[i], labels[i]) for name, i in rows.items()}


def split(rows: Array, labels: Array, held_out: int, seed: int) -> tuple[Array, Array]:
    """Rows to keep and rows to hold out, stratified by label."""
    kept, out = train_test_split(rows, test_size=held_out, stratify=labels[rows], random_state=seed)
    return kept, out


def make_scaler(scans: Array) -> StandardScaler:
    """Pixels at the rim are constant or nearly so; one grey level is the least deviation to divide by.

    Smaller ones would blow a faint trace of ink up to the largest input.
    """
    scaler = StandardScaler().fit(scans)
    deviations: Any = scaler.scale_
    scaler.scale_ = np.maximum(deviations, 1.0)
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


def shifted(scans: Array, rng: np.random.Generator) -> Array:
    """Move each scan by up to half a pixel each way, by linear interpolation; ink beyond the rim is lost."""
    images = np.pad(scans.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    for axis in (1, 2):
        step = rng.uniform(-0.5, 0.5, (len(images), 1, 1))
        neighbours = np.where(step > 0, np.roll(images, 1, axis), np.roll(images, -1, axis))
        images = (1 - abs(step)) * images + abs(step) * neighbours
    return images[:, 1:-1, 1:-1].reshape(scans.shape)


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


def results(parts: dict[str, Part], logits: dict[str, Array]) -> str:
    """Accuracy on each part, and errors by digit on the test part."""
    lines = ["part         samples  errors  accuracy"]
    for name, part in parts.items():
        wrong = misread(part, logits[name])
        share = 1 - len(wrong) / len(part.labels)
        lines.append(f"{name:<12} {len(part.labels):>7} {len(wrong):>7}  {share:>8.2%}")
    test = parts["test"]
    of_digit = np.bincount(test.labels, minlength=10)
    errors = np.bincount(test.labels[misread(test, logits["test"])], minlength=10)
    lines += ["", "test digit " + "".join(f"{digit:>5}" for digit in range(10))]
    lines += ["samples    " + "".join(f"{n:>5}" for n in of_digit)]
    lines += ["errors     " + "".join(f"{n:>5}" for n in errors)]
    return "\n".join(lines)


def misread(part: Part, logits: Array) -> Array:
    """Rows whose most probable digit is not the label."""
    return np.flatnonzero(logits.argmax(axis=1) != part.labels)


def costs(model: nn.Module, history: train.History, steps: int, seconds: float) -> str:
    """Sizes and times."""
    parameters = sum(parameter.data.size for parameter in model.parameters())
    figures = {
        "parameters": f"{parameters:,}",
        "epochs": f"{len(history.epochs)} of {steps} steps",
        "training": f"{seconds:.2f} s, validation included",
        "step": f"{np.median(history.seconds) / steps * 1e6:.0f} us, loading and shifting included",
        "kernels": f"{fastnn.isa()}, up to {fastnn.get_num_threads()} threads",
    }
    return "\n".join(f"{name:<11}{figure}" for name, figure in figures.items())


def draw(history: train.History, test: Part, logits: Array, folder: Path) -> None:
    """Write both pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    history.plot(folder / "learning_curve.png")
    draw_misread(test, logits).savefig(folder / "misread_digits.png", dpi=150)
    print(f"{'pictures':<11}{folder / 'learning_curve.png'}, {folder / 'misread_digits.png'}")


def draw_misread(test: Part, logits: Array) -> Figure:
    """A grid of misread digits, the most confident mistake first; the least certain others fill it up."""
    probabilities = fastnn.functional.softmax(logits, axis=1)
    certainty = probabilities.max(axis=1)
    wrong = misread(test, logits)
    right = np.setdiff1d(np.arange(len(certainty)), wrong)
    order = np.concatenate([wrong[np.argsort(-certainty[wrong])], right[np.argsort(certainty[right])]])
    rows = min(max(-(-len(wrong) // COLUMNS), 2), 4)
    figure = Figure(figsize=(1.5 * COLUMNS, 1.85 * rows + 0.4), layout="constrained")
    figure.suptitle(grid_title(len(wrong), len(certainty), shown=rows * COLUMNS))
    for place, row in enumerate(order[: rows * COLUMNS], start=1):
        ax = figure.add_subplot(rows, COLUMNS, place)
        draw_scan(ax, test.scans[row], test.labels[row], probabilities[row])
    return figure


def grid_title(wrong: int, samples: int, shown: int) -> str:
    """What the grid shows."""
    if wrong == 0:
        return f"None of {samples} test digits misread; the least certain"
    title = f"{wrong} of {samples} test digits misread (red)"
    if wrong > shown:
        return f"{title}, the {shown} most confident"
    return title if wrong == shown else f"{title}, and the least certain others"


def draw_scan(ax: Any, scan: Array, label: int, probabilities: Array) -> None:
    """One scan, with what it is and what it was taken for."""
    read = probabilities.argmax()
    ax.set(xticks=[], yticks=[])
    ax.imshow(scan.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
    color = "black" if read == label else "#c00000"
    ax.set_title(f"{label} read as {read}\nwith p = {probabilities[read]:.2f}", fontsize=9, color=color)


if __name__ == "__main__":
    raise SystemExit(main())
