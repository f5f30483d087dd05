"""What the examples of the course share: options, tables, pictures, and small data.

Each example has a `main(arguments)` that prints a table, saves a picture named as the example, and returns
the figures that show the effect, so that tests can hold them against what the example claims.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastnn
from fastnn import nn, optim

Array: TypeAlias = NDArray[Any]
BLUE, RED, GREEN, GREY, ORANGE = "#1f77b4", "#d62728", "#2ca02c", "#555555", "#ff7f0e"


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all examples have; the first line of the docstring describes the program."""
    parser = argparse.ArgumentParser(
        description=(description or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a short form, to see that everything runs")
    parser.add_argument("--out", type=Path, default=Path("course"), help="folder for the picture")
    return parser


def parse(description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of an example that has no others. Weights are drawn from seed 0."""
    fastnn.manual_seed(0)
    return make_parser(description).parse_args(arguments)


def table(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> None:
    """Print columns, the first to the left and the others to the right; floats with 4 digits."""
    cells = [[_text(value) for value in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        others = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([f"{row[0]:<{widths[0]}}", *others]).rstrip())
    print()


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def panels(columns: int, rows: int = 1, width: float = 3.6, height: float = 3.0) -> tuple[Figure, Any]:
    """A figure and its panels, in a row or in a grid."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, axes[0] if rows == 1 else axes


def save(figure: Figure, options: argparse.Namespace, source: str) -> None:
    """Write the picture of the example whose `__file__` is `source`."""
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{Path(source).stem}.png"
    figure.savefig(path, dpi=80)
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)  # a third of the bytes
    print(f"picture: {path}")


def descend(
    gradient: Callable[[Array], Array],
    start: Sequence[float],
    make_optimizer: Callable[[list[nn.Parameter]], optim.Optimizer],
    steps: int,
    make_scheduler: Callable[[optim.Optimizer], Any] | None = None,
) -> Array:
    """The points that an optimizer visits on a surface given by its gradient, the start included."""
    point = nn.Parameter(np.array(start, dtype=np.float64))
    optimizer = make_optimizer([point])
    scheduler = None if make_scheduler is None else make_scheduler(optimizer)
    visited = [point.data.copy()]
    for _ in range(steps):
        point.grad = gradient(point.data)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        visited.append(point.data.copy())
    return np.array(visited)


def mlp(
    *widths: int, activation: Callable[[], nn.Module] = nn.ReLU, dtype: Any = np.float32
) -> nn.Sequential:
    """Dense layers of these widths, with an activation between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs, dtype=dtype), activation()]
    return nn.Sequential(*layers[:-1])


def parameters_of(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.data.size for parameter in model.parameters())


def digits(training: int = 1347, images: bool = False) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Training and test data: scikit-learn's scans of 8 x 8 pixels, grey levels 0 to 1; 450 are for tests."""
    scans, labels = load_digits(return_X_y=True)
    scans = (scans / 16).astype(np.float32).reshape(-1, *((1, 8, 8) if images else (64,)))
    x, x_test, y, y_test = train_test_split(scans, labels, test_size=450, stratify=labels, random_state=0)
    return (x[:training], y[:training]), (x_test, y_test)
