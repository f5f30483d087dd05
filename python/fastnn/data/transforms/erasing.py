"""Rectangles of images taken away at random."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_int, as_probability
from fastnn.data.fields import Array
from fastnn.data.transforms.checks import as_images, as_interval, as_planes, described, rng_of

if TYPE_CHECKING:
    from numpy.random import Generator


TRIES = 10  # as torchvision: a rectangle that does not fit is drawn again


class RandomErasing:
    """Put `value` into a rectangle of each image with probability p.

    Zhong et al., "Random erasing data augmentation", 2017.

    Parameters
    ----------
    p : float in [0, 1]
    scale : (min, max)
        Of the rectangle's area, as a share of the image's.
    ratio : (min, max)
        Of height to width; drawn evenly in its logarithm.
    value : float
        Has to fit the dtype of x.

    Raises
    ------
    TypeError
        For options that are no numbers, or an x that is no array.
    ValueError
        For options out of range, or an x without planes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import RandomErasing
    >>> x = np.ones((1, 1, 4, 4))
    >>> erased, _ = RandomErasing(p=1.0, scale=(0.25, 0.25), ratio=(1, 1))(x, None, np.random.default_rng(0))
    >>> int(erased.sum())
    12
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: float = 0,
    ) -> None:
        op = "RandomErasing"
        self.p = as_probability(op, "p", p)
        self.scale = as_interval(op, "scale", scale)
        self.ratio = as_interval(op, "ratio", ratio, positive=True)
        if self.scale[0] < 0 or self.scale[1] > 1:
            raise ValueError(f"[{op}] expected scale within [0, 1], got {scale!r}")
        self.value = value

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """A copy of x, rectangles of it gone, and y."""
        images = as_images("RandomErasing", x)
        N, (H, W) = len(images), images.shape[-2:]
        rng = rng_of("RandomErasing", rng)
        area = H * W * rng.uniform(*self.scale, (N, TRIES))
        low, high = (math.log(bound) for bound in self.ratio)
        ratio = np.exp(rng.uniform(low, high, (N, TRIES)))
        heights, widths = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
        fits = (heights < H) & (widths < W)
        first = np.arange(N), fits.argmax(axis=1)
        erased = fits.any(axis=1) & (rng.random(N) < self.p)
        h, w = (np.where(erased, side[first], 0) for side in (heights, widths))
        top, left = (np.floor(rng.random(N) * (n - k + 1)) for n, k in ((H, h), (W, w)))
        return _filled(images, top, left, h, w, self.value), y

    def __repr__(self) -> str:
        return described(self, "p", "scale", "ratio", "value")


class Cutout:
    """Put `value` into a square of each image, whose centre may be any cell.

    DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout", 2017. What of
    the square lies beyond the image is cut off.

    Parameters
    ----------
    size : int
        The side of the square.
    value : float
        Has to fit the dtype of x.

    Raises
    ------
    TypeError
        For a size that is no integer, or an x that is no array.
    ValueError
        For a size below 1, or an x without planes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import Cutout
    >>> cut, _ = Cutout(2)(np.ones((1, 1, 3, 3)), None, np.random.default_rng(1))
    >>> cut[0, 0]
    array([[0., 0., 1.],
           [0., 0., 1.],
           [1., 1., 1.]])
    """

    def __init__(self, size: int, value: float = 0) -> None:
        self.size = as_int("Cutout", "size", size, minimum=1)
        self.value = value

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """A copy of x, squares of it gone, and y."""
        images = as_images("Cutout", x)
        rng = rng_of("Cutout", rng)
        top, left = (rng.integers(0, max(n, 1), len(images)) - self.size // 2 for n in images.shape[-2:])
        side = np.full(len(images), self.size)
        return _filled(images, top, left, side, side, self.value), y

    def __repr__(self) -> str:
        return described(self, "size", "value")


def _filled(images: Array, top: Array, left: Array, h: Array, w: Array, value: float) -> Array:
    """A copy with one rectangle an image set to `value`."""
    rows, columns = (
        (first[:, None] <= np.arange(n)) & (np.arange(n) < (first + length)[:, None])
        for n, first, length in zip(images.shape[-2:], (top, left), (h, w), strict=True)
    )
    inside = rows[:, :, None] & columns[:, None, :]
    filled = images.copy()
    planes = as_planes(filled)
    planes[np.broadcast_to(inside[:, None], planes.shape)] = value
    return filled
