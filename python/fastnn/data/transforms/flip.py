"""Images mirrored at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn._checks import as_probability
from fastnn.data.transforms.checks import as_images, described, rng_of

if TYPE_CHECKING:
    from numpy.random import Generator


class _RandomFlip:
    _axis: int

    def __init__(self, p: float = 0.5) -> None:
        self.p = as_probability(type(self).__name__, "p", p)

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """A copy of x, some images of it mirrored, and y."""
        name = type(self).__name__
        images = as_images(name, x)
        flipped = images.copy()
        chosen = rng_of(name, rng).random(len(images)) < self.p
        mirror = [slice(None)] * (images.ndim + self._axis) + [slice(None, None, -1)]
        flipped[chosen] = images[tuple(mirror)][chosen]
        return flipped, y

    def __repr__(self) -> str:
        return described(self, "p")


class RandomHorizontalFlip(_RandomFlip):
    """Mirror each image left to right with probability p.

    Parameters
    ----------
    p : float in [0, 1]

    Raises
    ------
    TypeError
        For a p that is no number, or an x that is no array.
    ValueError
        For a p out of range, or an x without planes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import RandomHorizontalFlip
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> RandomHorizontalFlip(p=1.0)(x, None, np.random.default_rng(0))[0]
    array([[[[1., 0.],
             [3., 2.]]]])
    """

    _axis = -1


class RandomVerticalFlip(_RandomFlip):
    """Mirror each image top to bottom with probability p.

    Parameters
    ----------
    p : float in [0, 1]

    Raises
    ------
    TypeError, ValueError
        As `RandomHorizontalFlip`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import RandomVerticalFlip
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> RandomVerticalFlip(p=1.0)(x, None, np.random.default_rng(0))[0]
    array([[[[2., 3.],
             [0., 1.]]]])
    """

    _axis = -2
