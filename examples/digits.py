"""What the examples on handwritten digits share: scikit-learn's 1797 scans of 8 x 8 pixels, and the report.

No program of its own: `train_digits.py` and `train_digits_cnn.py` import it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastnn
from fastnn import nn, train

Array: TypeAlias = NDArray[Any]
SHARE_HELD_OUT = 0.1  # for validation, and once more for the test
COLUMNS = 6  # of the grid of misread digits


@dataclass(frozen=True)
class Part:
    """One part of the data: scans in grey levels 0 to 16, and the digits they show."""

    scans: Array
    labels: Array


def make_parser(description: str, epochs: int) -> argparse.ArgumentParser:
    """The options that all examples have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=epochs, help="passes over the training data")
    parser.add_argument("--batch-size", type=int, default=32, help="samples per step")
    parser.add_argument("--seed", type=int, default=0, help="fixes split, weights, dropout and order")
    parser.add_argument("--threads", type=int, help="threads per kernel; without it, all cores")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the pictures")
    parser.add_argument("--quick", action="store_true", help="3 epochs, to see that everything runs")
    return parser


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


def shifted(scans: Array, rng: np.random.Generator) -> Array:
    """Move each scan by up to half a pixel each way, by linear interpolation; ink beyond the rim is lost."""
    images = np.pad(scans.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    for axis in (1, 2):
        step = rng.uniform(-0.5, 0.5, (len(images), 1, 1))
        neighbours = np.where(step > 0, np.roll(images, 1, axis), np.roll(images, -1, axis))
        images = (1 - abs(step)) * images + abs(step) * neighbours
    return images[:, 1:-1, 1:-1].reshape(scans.shape)


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


def draw(history: train.History, folder: Path, figures: dict[str, Figure]) -> None:
    """Write the learning curves and the other pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    history.plot(folder / "learning_curve.png")
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=150)
    paths = [str(folder / name) for name in ("learning_curve.png", *figures)]
    print(f"{'pictures':<11}{', '.join(paths)}")


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
