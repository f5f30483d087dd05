"""What C22 and C23 share: scikit-learn's digits in frames of 20 x 20 pixels, turned and scaled, and training.

No program of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from _common import Array, digits

import fastnn.functional as F
from fastnn import nn, optim, train
from fastnn.data import ArrayLoader, transforms

Pair: TypeAlias = tuple[Array, Array]
Transform: TypeAlias = Callable[..., tuple[Any, Any]]
SIDE = 20
ANGLE = 40.0
SIZES = (0.7, 1.2)


def framed_digits() -> tuple[Pair, Pair]:
    """Training and test digits, (N, 1, 20, 20) with ink from 0 to 1, and their labels."""
    (x, y), (x_test, y_test) = digits(images=True)
    return (framed(x), y), (framed(x_test), y_test)


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
