"""Windows of images at random places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastnn.data.transforms.checks import as_images, as_planes, described, rng_of
from fastnn.functional._window import pair, sides

if TYPE_CHECKING:
    from numpy.random import Generator

    from fastnn.functional._window import IntOrPair, PaddingLike


class RandomCrop:
    """Cut a window from each image, after padding with `fill`.

    Parameters
    ----------
    size : int or (h, w)
        Of the window.
    padding : int, (h, w) or ((top, bottom), (left, right))
        Cells of `fill` around the image.
    fill : float
        Has to fit the dtype of x.

    Raises
    ------
    TypeError
        For sizes that are no integers, or an x that is no array.
    ValueError
        For sizes out of range, or, in a call, a window larger than the padded image.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import RandomCrop
    >>> x = np.ones((2, 1, 2, 2))
    >>> crops, _ = RandomCrop(2, padding=1)(x, None, np.random.default_rng(0))
    >>> crops[1, 0]
    array([[0., 1.],
           [0., 1.]])
    """

    def __init__(self, size: IntOrPair, padding: PaddingLike = 0, fill: float = 0) -> None:
        self.size = pair("RandomCrop", "size", size, 1)
        if isinstance(padding, str):
            raise TypeError(f"[RandomCrop] expected padding as cells, got {padding!r}")
        self.padding = sides("RandomCrop", padding, (1, 1), (1, 1), (1, 1))
        self.fill = fill

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """The windows, and y."""
        padded = self._padded(as_images("RandomCrop", x))
        rooms = [n - k + 1 for n, k in zip(padded.shape[-2:], self.size, strict=True)]
        if min(rooms) < 1:
            raise ValueError(
                f"[RandomCrop] expected images of at least {self.size} cells after padding, "
                f"got {padded.shape[-2:]}"
            )
        N = len(padded)
        top, left = (rng_of("RandomCrop", rng).integers(0, room, N) for room in rooms)
        windows = sliding_window_view(as_planes(padded), self.size, axis=(2, 3))
        return windows[np.arange(N), :, top, left].reshape(*padded.shape[:-2], *self.size), y

    def _padded(self, x: Any) -> Any:
        above, below, left, right = self.padding
        if not any(self.padding):
            return x
        H, W = x.shape[-2:]
        padded = np.full((*x.shape[:-2], above + H + below, left + W + right), self.fill, x.dtype)
        padded[..., above : above + H, left : left + W] = x
        return padded

    def __repr__(self) -> str:
        return described(self, "size", "padding", "fill")
