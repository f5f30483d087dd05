"""Batches mixed with themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_float, as_int
from fastnn.data.fields import Array
from fastnn.data.transforms.checks import check_floating, described, rng_of

if TYPE_CHECKING:
    from numpy.random import Generator


class MixUp:
    """Mix each sample with another one of the batch, and its target likewise.

    Zhang et al., "mixup: Beyond empirical risk minimization", 2017: x becomes lam x + (1 - lam) x[order], y
    likewise, with one lam ~ Beta(alpha, alpha) and one permutation a batch.

    Parameters
    ----------
    alpha : float > 0
        1 draws lam evenly from 0 to 1, smaller ones mix less.
    num_classes : int, optional
        Needed for class indices, which become one-hot rows; targets of floats are mixed as they are.

    Raises
    ------
    TypeError
        For options of other types, or an x of other than float32 and float64.
    ValueError
        For options out of range, or, in a call, class indices without `num_classes`, or no targets.
    IndexError
        For a class index out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.transforms import MixUp
    >>> x, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    >>> mixed, targets = MixUp(num_classes=2)(x, y, np.random.default_rng(0))
    >>> mixed.round(3).tolist(), targets.round(3).tolist()
    ([[0.298], [0.702]], [[0.702, 0.298], [0.298, 0.702]])
    """

    def __init__(self, alpha: float = 1.0, num_classes: int | None = None) -> None:
        self.alpha = as_float("MixUp", "alpha", alpha)
        if not 0 < self.alpha < np.inf:
            raise ValueError(f"[MixUp] expected alpha to be finite and > 0, got {alpha}")
        self.num_classes = None if num_classes is None else as_int("MixUp", "num_classes", num_classes, 1)

    def __call__(self, x: Any, y: Any, rng: Generator) -> tuple[Any, Any]:
        """The mixed batch, and mixed targets of the dtype of x."""
        check_floating("MixUp", x)
        if y is None or len(x) != len(y):
            raise ValueError(f"[MixUp] expected a target for each of {len(x)} samples, got {y!r}")
        targets = self._targets(np.asarray(y), x.dtype)
        rng = rng_of("MixUp", rng)
        share = x.dtype.type(rng.beta(self.alpha, self.alpha))
        order = rng.permutation(len(x))
        mixed, soft = (share * a + (1 - share) * a[order] for a in (x, targets))
        return mixed, soft

    def _targets(self, y: Array, dtype: Any) -> Array:
        if y.dtype.kind == "f":
            return y.astype(dtype)
        if self.num_classes is None:
            raise ValueError("[MixUp] expected num_classes for targets that are class indices, got None")
        if y.ndim != 1 or y.dtype.kind not in "iu":
            raise ValueError(
                f"[MixUp] expected y as (N,) integers or as floats, got {y.dtype} of shape {y.shape}"
            )
        wrong = np.flatnonzero((y < 0) | (y >= self.num_classes))
        if wrong.size:
            raise IndexError(
                f"[MixUp] expected classes in [0, {self.num_classes}), got {y[wrong[0]]} "
                f"at position {wrong[0]}"
            )
        return np.eye(self.num_classes, dtype=dtype)[y]

    def __repr__(self) -> str:
        return described(self, "alpha", "num_classes")
