"""Images turned, moved, scaled and sheared at random, in one native call a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _core
from fastnn._checks import as_probability
from fastnn.data.fields import Array
from fastnn.data.transforms.checks import (
    as_float_images,
    as_interval,
    as_planes,
    as_symmetric,
    described,
    rng_of,
)

if TYPE_CHECKING:
    from numpy.random import Generator


class RandomAffine:
    """Turn, shear, scale and move each image about its centre, with bilinear sampling.

    Parameters
    ----------
    degrees : float or (min, max)
        Of the turn, clockwise; a number stands for (-degrees, degrees).
    translate : (float, float), optional
        The largest moves, as shares of width and height.
    scale : (min, max), optional
        Of the size.
    shear : float, (min, max) or (min_x, max_x, min_y, max_y), optional
        In degrees, along x, or along x and y.
    padding_mode : "zeros" or "border"
        What lies beyond the image: 0, or its nearest cell.

    Raises
    ------
    TypeError
        For options that are no numbers, or an x of other than float32 and float64.
    ValueError
        For options out of range.

    Notes
    -----
    The map is torchvision's, R(angle) shear scale about the centre; moves are not rounded to whole cells.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import RandomAffine
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> RandomAffine((90, 90))(x, None, np.random.default_rng(0))[0].round(6)
    array([[[[2., 0.],
             [3., 1.]]]])
    """

    def __init__(
        self,
        degrees: float | tuple[float, float],
        translate: tuple[float, float] | None = None,
        scale: tuple[float, float] | None = None,
        shear: float | tuple[float, ...] | None = None,
        *,
        padding_mode: str = "zeros",
    ) -> None:
        op = type(self).__name__
        self.degrees = as_symmetric(op, "degrees", degrees)
        if translate is not None and (not isinstance(translate, (tuple, list)) or len(translate) != 2):
            raise ValueError(f"[{op}] expected translate (x, y), got {translate!r}")
        self.translate = tuple(as_probability(op, "translate", share) for share in translate or (0, 0))
        self.scale = as_interval(op, "scale", scale or (1.0, 1.0), positive=True)
        self.shear = _shear(op, shear)
        if padding_mode not in ("zeros", "border"):
            raise ValueError(f'[{op}] expected padding_mode "zeros" or "border", got {padding_mode!r}')
        self.padding_mode = padding_mode

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """The images at their new places, and y."""
        op = type(self).__name__
        images = as_float_images(op, x)
        H, W = images.shape[-2:]
        theta = self._theta(len(images), H, W, rng_of(op, rng)).astype(images.dtype)
        moved = _core.affine_sample(as_planes(images), theta, "bilinear", self.padding_mode, False, None)
        return moved.reshape(images.shape), y

    def _theta(self, N: int, H: int, W: int, rng: Generator) -> Array:
        """From places in the result to places in the image, from -1 to 1 along each axis."""
        angle = np.radians(rng.uniform(*self.degrees, N))
        move = rng.uniform(-1, 1, (N, 2)) * self.translate * 2  # of an axis, which is 2 long
        scale = rng.uniform(*self.scale, N)
        shear = np.radians(rng.uniform(self.shear[::2], self.shear[1::2], (N, 2)))
        matrix = _turned_and_sheared(angle, shear[:, 0], shear[:, 1]) * scale[:, None, None]
        # In cells the axes have their true lengths, so a turn keeps all angles.
        sides = np.array([W, H], dtype=np.float64)
        back = np.linalg.inv(matrix) * sides[None, None, :] / sides[None, :, None]
        return np.concatenate([back, -back @ move[:, :, None]], axis=2)

    def __repr__(self) -> str:
        return described(self, "degrees", "translate", "scale", "shear", "padding_mode")


class RandomRotation(RandomAffine):
    """Turn each image about its centre, with bilinear sampling.

    Parameters
    ----------
    degrees : float or (min, max)
        Counter-clockwise; a number stands for (-degrees, degrees).
    padding_mode : "zeros" or "border"
        What lies beyond the image: 0, or its nearest cell.

    Raises
    ------
    TypeError, ValueError
        As `RandomAffine`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import RandomRotation
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> RandomRotation((90, 90))(x, None, np.random.default_rng(0))[0].round(6)
    array([[[[1., 3.],
             [0., 2.]]]])
    """

    def __init__(self, degrees: float | tuple[float, float], *, padding_mode: str = "zeros") -> None:
        low, high = as_symmetric("RandomRotation", "degrees", degrees)
        super().__init__((-high, -low), padding_mode=padding_mode)

    def __repr__(self) -> str:
        counter_clockwise = -self.degrees[1], -self.degrees[0]
        return f"RandomRotation(degrees={counter_clockwise}, padding_mode={self.padding_mode!r})"


def _shear(op: str, shear: Any) -> tuple[float, float, float, float]:
    """(min_x, max_x, min_y, max_y)."""
    if isinstance(shear, (tuple, list)) and len(shear) == 4:
        x, y = as_interval(op, "shear", shear[:2]), as_interval(op, "shear", shear[2:])
    else:
        x, y = as_symmetric(op, "shear", 0.0 if shear is None else shear), (0.0, 0.0)
    if min(*x, *y) <= -90 or max(*x, *y) >= 90:
        raise ValueError(f"[{op}] expected shear between -90 and 90 degrees, got {shear!r}")
    return *x, *y


def _turned_and_sheared(angle: Array, x: Array, y: Array) -> Array:
    """(N, 2, 2): a shear along x, one along y, and a turn, clockwise where y points down."""
    turn, lean = np.cos(angle - y) / np.cos(y), np.sin(angle - y) / np.cos(y)
    rows = [
        [turn, -turn * np.tan(x) - np.sin(angle)],
        [lean, -lean * np.tan(x) + np.cos(angle)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)
