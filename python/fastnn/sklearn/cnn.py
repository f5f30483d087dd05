"""A convolutional classifier of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from fastnn import nn
from fastnn.sklearn.classifier import NetClassifier
from fastnn.sklearn.network import after_layer, conv_blocks, make_mlp
from fastnn.sklearn.options import as_sizes
from fastnn.train import Callback


class CNNClassifier(NetClassifier):
    """A convolutional net for classes of images.

    For each number in `channels`: convolution, batch norm where wanted, ReLU, pooling by 2 x 2 (an axis of
    length 1 is not pooled). Then all is flattened, and dense layers of `hidden_layer_sizes` follow, with ReLU
    and dropout. Initial weights are PyTorch's.

    Parameters
    ----------
    channels : int or sequence of int
        Maps of each convolution.
    kernel_size : int
        Side of their windows; the plane keeps its size.
    hidden_layer_sizes : int or sequence of int
        Dense layers between convolutions and output; () for none.
    image_shape : (channels, height, width), optional
        What a row of X is reshaped to. Without it X is (N, C, H, W), or (N, F): then each row is an image of
        1 x F.
    batch_norm : bool
    dropout : float in [0, 1)
        In front of the dense layers and between them.
    solver, alpha, ..., class_weight, callbacks
        As of `MLPClassifier`.

    Attributes
    ----------
    image_shape_ : tuple of int
    classes_, loss_curve_, validation_scores_, ...
        As of `MLPClassifier`, but for `coefs_` and `intercepts_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnn.sklearn import CNNClassifier
    >>> x, y = load_digits(return_X_y=True)
    >>> net = CNNClassifier(image_shape=(1, 8, 8), batch_size=50, learning_rate_init=0.003, random_state=0)
    >>> for _ in range(8):
    ...     net = net.partial_fit(x[:1000] / 16, y[:1000], classes=range(10))
    >>> bool(net.score(x[1000:] / 16, y[1000:]) > 0.9)
    True
    """

    def __init__(
        self,
        channels: Any = (16, 32),
        *,
        kernel_size: int = 3,
        hidden_layer_sizes: Any = (64,),
        image_shape: Sequence[int] | None = None,
        batch_norm: bool = False,
        dropout: float = 0.0,
        solver: Literal["lbfgs", "sgd", "adam"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        callbacks: Iterable[Callback] | None = None,
    ) -> None:
        self._store(locals())

    _accepts = {"allow_nd": True}  # noqa: RUF012, read only
    _draws_natively = True

    def _as_inputs(self, x: Any, new: bool = False) -> Any:
        shape = self._shape_of(x)
        if new:
            self.image_shape_ = shape
        elif shape != self.image_shape_:
            raise ValueError(
                f"[CNNClassifier] expected images of shape {self.image_shape_}, as in fit, got {shape}"
            )
        return np.ascontiguousarray(x).reshape(len(x), *shape)

    def _shape_of(self, x: Any) -> tuple[int, ...]:
        """Channels, height and width of the images in x."""
        given = self.image_shape
        if given is None:
            if x.ndim not in (2, 4):
                raise ValueError(
                    f"[CNNClassifier] expected X of shape (N, F) or (N, C, H, W), got {x.shape}; "
                    "see image_shape"
                )
            return tuple(x.shape[1:]) if x.ndim == 4 else (1, 1, x.shape[1])
        shape = tuple(as_sizes("CNNClassifier", "image_shape", given))
        if len(shape) != 3 or np.prod(shape) != np.prod(x.shape[1:]):
            raise ValueError(
                f"[CNNClassifier] expected image_shape (C, H, W) of the {np.prod(x.shape[1:])} numbers of a "
                f"sample, got {given}"
            )
        return shape

    def _make_model(self, dtype: Any) -> nn.Sequential:
        op = "CNNClassifier"
        channels = as_sizes(op, "channels", self.channels)
        blocks, left = conv_blocks(self.image_shape_, channels, self.kernel_size, self.batch_norm, dtype)
        dense = [left, *as_sizes(op, "hidden_layer_sizes", self.hidden_layer_sizes), self.n_outputs_]
        between = after_layer("identity", self.dropout)
        return nn.Sequential(*blocks, nn.Flatten(), *between, *make_mlp(dense, "relu", self.dropout, dtype))
