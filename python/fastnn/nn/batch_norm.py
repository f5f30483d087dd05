"""Batch normalisation as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._capture import at_each_call, refuse_capture
from fastnn._checks import as_float, as_int, as_non_negative
from fastnn.backend import kernels_for
from fastnn.functional.batch_norm import gradient_options, make_options, options
from fastnn.nn.module import Module
from fastnn.nn.parameter import Parameter, grad_targets, set_grads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from fastnn._core import Array
    from fastnn.nn.pool import MaxPool2d


class _BatchNorm(Module):
    """What the layers share; they differ in the number of axes that they take."""

    _axes: tuple[str, ...]  # shapes of x, as the messages name them
    _ndims: tuple[int, ...]  # how many axes those have

    running_mean: Array | None
    running_var: Array | None
    num_batches_tracked: Array | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: DTypeLike = np.float32,
        *,
        bias: bool = True,
    ) -> None:
        name = type(self).__name__
        self.num_features = as_int(name, "num_features", num_features, minimum=1)
        self.eps = as_non_negative(name, "eps", eps)
        self.momentum = None if momentum is None else as_float(name, "momentum", momentum)
        self.affine = bool(affine)
        self.track_running_stats = bool(track_running_stats)
        self.weight = Parameter(np.empty(self.num_features, dtype)) if affine else None
        self.bias = Parameter(np.empty(self.num_features, dtype)) if affine and bias else None
        tracked = self.track_running_stats
        self.register_buffer("running_mean", np.empty(self.num_features, dtype) if tracked else None)
        self.register_buffer("running_var", np.empty(self.num_features, dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", np.zeros((), np.int64) if tracked else None)
        self._saved: tuple[Array, Array, Array] | None = None
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the variance to 1, and the count of batches to 0.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn
        >>> layer = nn.BatchNorm1d(1)
        >>> y = layer(np.array([[1.0], [3.0]], np.float32))
        >>> layer.running_mean, layer.num_batches_tracked
        (array([0.2], dtype=float32), array(1))
        >>> layer.reset_running_stats()
        >>> layer.running_mean, layer.num_batches_tracked
        (array([0.], dtype=float32), array(0))
        """
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.running_mean.fill(0.0)
        self.running_var.fill(1.0)
        self.num_batches_tracked.fill(0)

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and reset the running statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            self.weight.data.fill(1.0)
        if self.bias is not None:
            self.bias.data.fill(0.0)

    def forward(self, x: Array) -> Array:
        """An x of shape (N, C, ...) gives one of that shape; in training, the running statistics move."""
        return self._forward(x, None)

    def forward_relu(self, x: Array) -> Array:
        """`forward` with ReLU on top, in one kernel; the same bits as one after the other."""
        return self._forward(x, "relu")

    def _forward(self, x: Any, activation: str | None) -> Array:
        kernels = kernels_for(x, "batch_norm", "x")
        self._check_shape(x)
        y: Array
        y, mean, invstd = kernels.batch_norm(
            x, (self.running_mean, self.running_var), *self._affine(), self._options(activation), None
        )
        self._keep(x, mean, invstd)
        return y

    def _affine(self) -> tuple[Array | None, Array | None]:
        weight, bias = self.weight, self.bias
        return None if weight is None else weight._data, None if bias is None else bias._data

    def _keep(self, x: Array, mean: Array, invstd: Array) -> None:
        """Count the batch and keep what the backward needs, in training."""
        if self.training:
            at_each_call(self._count)
        self._saved = (x, mean, invstd) if self.training else None

    def _count(self) -> None:
        if (count := self.num_batches_tracked) is not None:
            count[...] = count.item() + 1

    def _options(self, activation: str | None) -> Any:
        """Without running statistics, those of the batch serve in evaluation, too."""
        name = type(self).__name__
        training = self.training or self.running_mean is None
        if self.momentum is not None:
            return options(name, training, self.momentum, self.eps, activation)
        refuse_capture(name, "with momentum=None, each batch has another share in the running statistics")
        # The mean over all batches; it changes with each, so a cache would keep what is not asked for again.
        seen = 0 if self.num_batches_tracked is None else self.num_batches_tracked.item()
        return make_options(name, training, 1.0 / (seen + 1), self.eps, activation)

    def _check_shape(self, x: Array) -> None:
        if x.ndim not in self._ndims or x.shape[1] != self.num_features:
            wanted = " or ".join(f"({axes})" for axes in self._axes).replace("C", str(self.num_features))
            raise ValueError(f"[{type(self).__name__}] expected x of shape {wanted}, got {x.shape}")

    def backward(self, grad_output: Array) -> Array:
        """A grad_output of the shape of x gives grad_x of that shape."""
        return self._backward(grad_output, True, None)

    def backward_relu(self, grad_output: Array) -> Array:
        """The backward of `forward_relu`, its ReLU included, without its output; the same bits."""
        return self._backward(grad_output, True, "relu")

    def backward_parameters(self, grad_output: Array) -> None:
        """`backward` without grad_x."""
        self._backward(grad_output, False, None)

    def _backward(self, grad_output: Any, needs_x: bool, activation: str | None) -> Array:
        kernels = kernels_for(grad_output, "batch_norm_backward", "grad_output")
        x, stats, options, out, fresh = self._backward_arguments(needs_x, activation)
        grads = kernels.batch_norm_backward(grad_output, x, self._affine(), stats, options, out)
        return self._take_gradients(grads, fresh)

    def _backward_arguments(self, needs_x: bool, activation: str | None) -> tuple[Any, ...]:
        """x, the statistics, options and `out` of a native backward; whether gradients replace others."""
        weight, bias = self.weight, self.bias
        if self._saved is None:
            self._no_forward()
        x, mean, invstd = self._saved
        accumulate, out_weight, out_bias = (
            (False, None, None) if weight is None else grad_targets(weight, bias)
        )
        needs = (needs_x, weight is not None, bias is not None)
        options = gradient_options("batch_norm_backward", True, activation, needs, accumulate)
        return x, (mean, invstd), options, (None, out_weight, out_bias), not accumulate

    def _take_gradients(self, grads: tuple[Any, Any, Any], fresh: bool) -> Array:
        """Put those of the parameters in place, return that of x; the forward has been used up."""
        grad_x: Array
        grad_x, grad_weight, grad_bias = grads
        if self.weight is not None and fresh:
            set_grads(self.weight, grad_weight, self.bias, grad_bias)
        self._saved = None
        return grad_x

    def extra_repr(self) -> str:
        """As torch has it."""
        bias = "" if self.bias is not None or not self.affine else ", bias=False"
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}{bias}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of x (N, C) or (N, C, L) by channel.

    In training, each channel gets the mean 0 and the variance 1 over the batch, and the running statistics
    move towards the batch's: running = (1 - momentum) running + momentum batch. In evaluation the running
    statistics take the batch's place. Then y = weight xhat + bias. Ioffe and Szegedy, "Batch
    Normalization", ICML 2015.

    Parameters
    ----------
    num_features : int
        The channels C.
    eps : float
        Added to the variance, inside the root.
    momentum : float or None
        None makes the running statistics the mean over all batches.
    affine : bool
        Whether there are weight and bias.
    track_running_stats : bool
        False uses the statistics of the batch in evaluation, too.
    dtype : float32 or float64
    bias : bool
        False leaves out the bias where `affine`.

    Attributes
    ----------
    weight, bias : Parameter of shape (C,), or None
        1 and 0 at first.
    running_mean, running_var : arrays of shape (C,), or None
        0 and 1 at first; the variance is the unbiased one.
    num_batches_tracked : array of shape () and int64, or None

    Raises
    ------
    TypeError, ValueError
        For arguments out of range; in a forward, for x of another shape, or one value a channel.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.BatchNorm1d(2)
    >>> layer
    BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
    >>> layer(np.array([[1.0, 10.0], [3.0, 30.0]], np.float32)).round(3)
    array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    >>> layer.running_mean
    array([0.2, 2. ], dtype=float32)
    """

    _axes = ("N, C", "N, C, L")
    _ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of x (N, C, H, W) by channel; see `BatchNorm1d`.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, dtype, bias
        As for `BatchNorm1d`.

    Attributes
    ----------
    weight, bias, running_mean, running_var, num_batches_tracked
        As of `BatchNorm1d`.

    Raises
    ------
    TypeError, ValueError
        As `BatchNorm1d`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> layer = nn.BatchNorm2d(3, dtype=np.float64)
    >>> x = np.random.default_rng(0).normal(5.0, 2.0, (8, 3, 4, 4))
    >>> y = layer(x)
    >>> bool(abs(y.mean((0, 2, 3))).max() < 1e-12), y.var((0, 2, 3)).round(3)
    (True, array([1., 1., 1.]))
    >>> layer.backward(np.ones_like(x)).shape
    (8, 3, 4, 4)
    """

    _axes = ("N, C, H, W",)
    _ndims = (4,)

    def forward_relu_max_pool(self, x: Any, pool: MaxPool2d) -> Array:
        """`pool` on top of `forward_relu`, the same bits; what comes between is not kept."""
        kernels = kernels_for(x, "batch_norm", "x")
        self._check_shape(x)
        y: Array
        y, places, mean, invstd = kernels.batch_norm_max_pool2d(
            x,
            (self.running_mean, self.running_var),
            self._affine(),
            self._options("relu"),
            pool._options,
            pool.training,
        )
        self._keep(x, mean, invstd)
        pool._take_places(places, x.shape)
        return y

    def backward_relu_max_pool(self, grad_output: Any, pool: MaxPool2d) -> Array:
        """The backward of `forward_relu_max_pool`; the same bits."""
        kernels = kernels_for(grad_output, "batch_norm_backward", "grad_output")
        places, _ = pool._kept_places()
        x, stats, options, out, fresh = self._backward_arguments(True, "relu")
        grads = kernels.batch_norm_max_pool2d_backward(
            grad_output, (x, places, *stats), self._affine(), options, pool._options, out
        )
        grad_x = self._take_gradients(grads, fresh)
        pool._take_places(None, None)
        return grad_x
