"""Transforms in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.random import Generator


class Compose:
    """Call transforms one after the other, each on what the one before gave, all with one `rng`.

    Parameters
    ----------
    transforms : list of callables
        Called as `transform(x, y, rng) -> (x, y)`.

    Raises
    ------
    TypeError
        For anything but callables.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import ArrayLoader
    >>> from fastnn.data.transforms import Compose, RandomCrop, RandomHorizontalFlip, ToFloat
    >>> images = np.zeros((100, 3, 32, 32), np.uint8)
    >>> augment = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip(), ToFloat()])
    >>> batch = next(iter(ArrayLoader(images, batch_size=8, shuffle=True, seed=0, transform=augment)))
    >>> batch.shape, batch.dtype
    ((8, 3, 32, 32), dtype('float32'))
    """

    def __init__(self, transforms: Sequence[Callable[..., tuple[Any, Any]]]) -> None:
        if not isinstance(transforms, (list, tuple)) or not all(map(callable, transforms)):
            raise TypeError(f"[Compose] expected transforms as a list of callables, got {transforms!r}")
        self.transforms = list(transforms)

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """The batch after all transforms."""
        for transform in self.transforms:
            x, y = transform(x, y, rng)
        return x, y

    def __repr__(self) -> str:
        return f"Compose({self.transforms!r})"
