"""Standardisation of features, with the names of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from fastnn.data.fields import Array


class StandardScaler:
    """Give each feature mean 0 and variance 1, as measured on training data.

    A feature is a column of x (N, F), or a channel of images (N, C, H, W): all axes but 1 are measured
    together. The statistics are in float64, whatever the dtype of x.

    Parameters
    ----------
    with_mean : bool
        Subtract the mean.
    with_std : bool
        Divide by the standard deviation, the biased one; a constant feature is divided by 1.

    Attributes
    ----------
    mean_ : float64 array of shape (F,), or None without either option
    var_, scale_ : float64 arrays of shape (F,), or None where not `with_std`
    n_samples_seen_ : int
        The values that went into each feature's statistics.
    n_features_in_ : int

    Raises
    ------
    TypeError
        For anything but numbers, and masked arrays.
    ValueError
        For x without samples or with less than two axes, other features than `fit` has seen, or a transform
        before `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import StandardScaler
    >>> scaler = StandardScaler()
    >>> scaler.fit_transform(np.array([[0.0, 5.0], [2.0, 5.0]]))
    array([[-1.,  0.],
           [ 1.,  0.]])
    >>> scaler.mean_, scaler.scale_
    (array([1., 5.]), array([1., 1.]))
    >>> scaler.transform(np.array([[4.0, 6.0]], np.float32))
    array([[3., 1.]], dtype=float32)
    """

    mean_: Array | None
    var_: Array | None
    scale_: Array | None
    n_samples_seen_: int
    n_features_in_: int

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean = bool(with_mean)
        self.with_std = bool(with_std)

    def fit(self, x: Any, y: Any = None) -> Self:
        """Measure the features of x; `y` is for scikit-learn's pipelines and not looked at.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.data import StandardScaler
        >>> StandardScaler().fit(np.array([[1.0], [3.0]])).mean_
        array([2.])
        """
        array = _as_array(x)
        axes = (0, *range(2, array.ndim))
        count = array.size // max(array.shape[1], 1)
        if count == 0:
            raise ValueError(f"[StandardScaler] expected x with at least one sample, got shape {array.shape}")
        wide = array.astype(np.float64)
        mean = wide.mean(axis=axes)
        # About the first mean: what is left of it is the rounding of the sum.
        wide -= _along(wide, mean)
        rest = wide.mean(axis=axes)
        self.n_samples_seen_, self.n_features_in_ = count, array.shape[1]
        self.mean_ = mean + rest if self.with_mean or self.with_std else None
        self.var_ = np.square(wide).mean(axis=axes) - rest**2 if self.with_std else None
        self.scale_ = None if self.var_ is None else _scale(mean, self.var_, count)
        return self

    def transform(self, x: Any) -> Array:
        """`(x - mean_) / scale_`, a new array; float32 stays float32, all else becomes float64.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.data import StandardScaler
        >>> images = np.random.default_rng(0).normal(3.0, 2.0, (10, 1, 8, 8))
        >>> z = StandardScaler().fit(images).transform(images)
        >>> z.shape, bool(abs(z.mean()) < 1e-12)
        ((10, 1, 8, 8), True)
        """
        array = self._checked(x)
        result = array.astype(np.float64)
        if self.with_mean and self.mean_ is not None:
            result -= _along(result, self.mean_)
        if self.scale_ is not None:
            result /= _along(result, self.scale_)
        return result.astype(_result_dtype(array), copy=False)

    def fit_transform(self, x: Any, y: Any = None) -> Array:
        """`fit`, and x transformed.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.data import StandardScaler
        >>> StandardScaler(with_std=False).fit_transform(np.array([[1.0], [3.0]]))
        array([[-1.],
               [ 1.]])
        """
        return self.fit(x, y).transform(x)

    def inverse_transform(self, x: Any) -> Array:
        """Undo `transform`: `x * scale_ + mean_`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.data import StandardScaler
        >>> scaler = StandardScaler().fit(np.array([[1.0], [3.0]]))
        >>> scaler.inverse_transform(np.array([[-1.0], [1.0]]))
        array([[1.],
               [3.]])
        """
        array = self._checked(x)
        result = array.astype(np.float64)
        if self.scale_ is not None:
            result *= _along(result, self.scale_)
        if self.with_mean and self.mean_ is not None:
            result += _along(result, self.mean_)
        return result.astype(_result_dtype(array), copy=False)

    def _checked(self, x: Any) -> Array:
        features = getattr(self, "n_features_in_", None)
        if features is None:
            raise ValueError("[StandardScaler] expected a call of fit before transform, got none")
        array = _as_array(x)
        if array.shape[1] != features:
            raise ValueError(
                f"[StandardScaler] expected x with {features} features along axis 1, got shape {array.shape}"
            )
        return array

    def __repr__(self) -> str:
        return f"StandardScaler(with_mean={self.with_mean}, with_std={self.with_std})"


def _as_array(x: Any) -> Array:
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError("[StandardScaler] expected x without a mask, got a MaskedArray: fill it first")
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"[StandardScaler] expected x of real numbers, got dtype {array.dtype}")
    if array.ndim < 2:
        raise ValueError(f"[StandardScaler] expected x of shape (N, F) or (N, C, ...), got {array.shape}")
    return array


def _along(x: Array, values: Array) -> Array:
    """One value a feature, to be broadcast over x."""
    return values.reshape(1, -1, *(1,) * (x.ndim - 2))


def _result_dtype(x: Array) -> type[np.floating[Any]]:
    return np.float32 if x.dtype == np.float32 else np.float64


def _scale(mean: Array, var: Array, count: int) -> Array:
    """The deviation, or 1 where it is only the rounding of a sum of equal numbers: scikit-learn's test."""
    eps = float(np.finfo(np.float64).eps)
    constant = var <= count * eps * var + (count * mean * eps) ** 2
    return np.where(constant, 1.0, np.sqrt(var))
