"""From the bytes of images to numbers that a net takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from fastnn._checks import as_float
from fastnn.data.transforms.checks import described

if TYPE_CHECKING:
    from numpy.random import Generator


class ToFloat:
    """x / scale in a floating dtype; so a data set of bytes stays one in memory, or in a file.

    Parameters
    ----------
    scale : float
        The default takes 0 to 255 to 0 to 1.
    dtype : float32 or float64

    Raises
    ------
    TypeError
        For another dtype, a scale that is no number, or an x that is no array of real numbers.
    ValueError
        For a scale of 0, or one that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import ArrayLoader
    >>> from fastnn.data.transforms import ToFloat
    >>> x = np.array([[0, 51], [102, 255]], np.uint8)
    >>> next(iter(ArrayLoader(x, transform=ToFloat())))
    array([[0. , 0.2],
           [0.4, 1. ]], dtype=float32)
    """

    def __init__(self, scale: float = 255.0, dtype: DTypeLike = np.float32) -> None:
        self.scale = as_float("ToFloat", "scale", scale)
        if not 0 < abs(self.scale) < np.inf:
            raise ValueError(f"[ToFloat] expected scale to be finite and not 0, got {scale}")
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"[ToFloat] expected dtype float32 or float64, got {self.dtype}")

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """The floats, and y."""
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiub":
            kind = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"[ToFloat] expected x to be an array of real numbers, got {kind}")
        floats = x.astype(self.dtype)
        floats /= self.dtype.type(self.scale)
        return floats, y

    def __repr__(self) -> str:
        return described(self, "scale", "dtype")
