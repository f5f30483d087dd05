"""What C22 and C23 share: scikit-learn's digits in frames of 20 x 20 pixels, turned and scaled, and training.

No program of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastnn
import fastnn.functional as F
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader, transforms

Array: TypeAlias = NDArray[Any]
Pair: TypeAlias = tuple[Array, Array]
Transform: TypeAlias = Callable[..., tuple[Any, Any]]
SIDE = 20
ANGLE = 40.0
SIZES = (0.7, 1.2)


def parse(arguments: Sequence[str] | None, text: str | None) -> argparse.Namespace:
    """The options of both examples. Weights are drawn from seed 0."""
    fastnn.manual_seed(0)
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few epochs, to see that everything runs")
    parser.add_argument("--out", type=Path, default=Path("course"), help="folder for the picture")
    return parser.parse_args(arguments)


def load_images() -> tuple[Pair, Pair]:
    """Training and test digits, (N, 1, 20, 20) with ink from 0 to 1, and their labels."""
    scans, labels = load_digits(return_X_y=True)
    images = framed((scans / 16).astype(np.float32).reshape(-1, 1, 8, 8))
    x, x_test, y, y_test = train_test_split(images, labels, test_size=450, stratify=labels, random_state=0)
    return (x, y), (x_test, y_test)


def framed(scans: Array) -> Array:
    """Twice as large by bilinear sampling, with a margin of two pixels."""
    to_frame = np.array([[SIDE / 16, 0, 0], [0, SIDE / 16, 0]], scans.dtype)
    theta = np.broadcast_to(to_frame, (len(scans), 2, 3))
    return F.grid_sample(scans, F.affine_grid(theta, (len(scans), 1, SIDE, SIDE)))


def turned(
    images: Array,
    seed: int,
    degrees: tuple[float, float] = (-ANGLE, ANGLE),
    scale: tuple[float, float] = SIZES,
) -> Array:
    """The images, each at an angle and a size of its own."""
    change = transforms.RandomAffine(degrees, scale=scale)
    changed: Array = change(images, None, np.random.default_rng(seed))[0]
    return changed


def make_cnn(channels: int = 12) -> list[nn.Module]:
    """Two convolutions and poolings, and a dense layer on top."""
    return [
        *(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(2 * channels * (SIDE // 4) ** 2, 10)),
    ]


def train_net(
    layers: Sequence[nn.Module], data: Pair, epochs: int, transform: Transform | None
) -> nn.Sequential:
    """A net of these layers, trained on batches that `transform` has changed, made ahead by a thread."""
    net = nn.Sequential(*layers)
    batches = ArrayLoader(*data, batch_size=32, shuffle=True, seed=0, transform=transform, prefetch=2)
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    train.fit(
        net, nn.CrossEntropyLoss(), optimizer, batches, epochs=epochs, scheduler=schedule, progress=False
    )
    return net


def accuracy(net: nn.Module, images: Array, labels: Array) -> float:
    """The share of images that are read right."""
    return float((train.predict(net, images).argmax(axis=1) == labels).mean())


def table(title: str, kinds: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Print a row for each net, and a column for each kind of figure."""
    for name, cells in {title: kinds, **rows}.items():
        print(f"{name:<20}" + "".join(f"{cell:>12}" for cell in cells))


def save(folder: Path, name: str, figure: Figure) -> None:
    """Write the picture and say where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / name, dpi=120)
    print(f"picture {folder / name}")
