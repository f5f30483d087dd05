"""Batch normalisation whose statistics are those of the batches of all ranks.

Forward: each rank sums up its part (values, mean, sum of squares), the parts are joined in rank order, and
the kernel for evaluation normalises with the result. Backward: with S1 = sum dy and S2 = sum dy xhat over all
n values of a channel, grad_x = weight invstd (dy - S1 / n - xhat S2 / n). The first term is the backward of
evaluation, the rest is a normalisation of x by a weight and a bias of its own: no kernel is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastnn import functional as F
from fastnn.backend import device_of, full_like, to_device, to_host
from fastnn.distributed.group import Group, as_group
from fastnn.nn.batch_norm import _BatchNorm
from fastnn.nn.container import Sequential
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from fastnn._core import Array
    from fastnn.nn.parameter import Parameter


class SyncBatchNorm(_BatchNorm):
    """`nn.BatchNorm1d` and `nn.BatchNorm2d` over the global batch: x (N, C), (N, C, L) or (N, C, H, W).

    In training, all ranks have to call it in the same order, forward and backward; a rank may bring a batch
    of 0 samples. Weights, their names, and evaluation are those of the layers that it replaces.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats
        As for `nn.BatchNorm1d`.
    group : Group
        None is a group of one.
    dtype, bias
        As for `nn.BatchNorm1d`.

    Attributes
    ----------
    weight, bias, running_mean, running_var, num_batches_tracked
        As of `nn.BatchNorm1d`.

    Raises
    ------
    TypeError, ValueError
        As `nn.BatchNorm1d`; in training also for one value a channel over all ranks.
    RankLostError
        Where another rank is lost.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import distributed
    >>> layer = distributed.SyncBatchNorm(2, group=distributed.init())
    >>> layer(np.array([[1.0, 10.0], [3.0, 30.0]], np.float32)).round(3)
    array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    """

    _axes = ("N, C", "N, C, L", "N, C, H, W")
    _ndims = (2, 3, 4)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        group: Group | None = None,
        dtype: DTypeLike = np.float32,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias=bias)
        self._group = Group() if group is None else as_group("SyncBatchNorm", group)
        self._values = 0  # of a channel, over all ranks, at the last forward

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, group: Group) -> Module:
        """Replace every BatchNorm1d and BatchNorm2d inside `module`, in place; returns the module.

        The new layers take over parameters and buffers, so an optimizer made before keeps its parameters.

        Examples
        --------
        >>> from fastnn import distributed, nn
        >>> model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        >>> distributed.SyncBatchNorm.convert_sync_batchnorm(model, distributed.init())[1]
        SyncBatchNorm(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
        """
        as_group("convert_sync_batchnorm", group)
        if isinstance(module, _BatchNorm):
            layer = cls.__new__(cls)
            layer.__dict__.update(module.__dict__)
            layer._group, layer._values = group, 0
            return layer
        for i, (name, child) in enumerate(module.named_children()):
            converted = cls.convert_sync_batchnorm(child, group)
            if converted is child:
                continue
            if isinstance(module, Sequential):
                module[i] = converted
            else:
                setattr(module, name, converted)
        return module

    def _forward(self, x: Any, activation: str | None) -> Array:
        """Without running statistics, those of the batch serve in evaluation, too."""
        if self._group.size == 1 or not (self.training or self.running_mean is None):
            return super()._forward(x, activation)
        self._check_shape(x)
        mean, var, self._values = self._statistics(x)
        weight, bias, relu = _data(self.weight), _data(self.bias), _relu(activation)
        y, mean, invstd = F.batch_norm_with_stats(x, mean, var, weight, bias, eps=self.eps, activation=relu)
        if self.training:
            self._track(mean, var)
        self._saved = (x, mean, invstd) if self.training else None
        self._var = var
        return y

    def _statistics(self, x: Array) -> tuple[Array, Array, int]:
        """Mean and biased variance of each channel over all ranks, and how many values those are."""
        C, values = self.num_features, x.size // self.num_features
        own = np.zeros((3, C))  # values, mean, sum of squared distances from it
        own[0] = values
        if values == 1:
            own[1] = to_host(x).reshape(C)
        elif values > 1:  # the kernel's own sums: with momentum 1 they end up in the running statistics
            mean, var = (to_device(np.zeros(C, x.dtype), device_of(x)) for _ in range(2))
            F.batch_norm(x, mean, var, training=True, momentum=1.0, eps=1.0)
            own[1:] = to_host(mean), (values - 1.0) * to_host(var)
        counts, means, squares = np.moveaxis(self._group.all_gather(own), 1, 0)
        total = int(counts[:, 0].sum())
        if total < 2:
            raise ValueError(
                "[SyncBatchNorm] expected more than one value a channel over all ranks in training, "
                f"got x of shape {x.shape} on rank {self._group.rank}"
            )
        mean = (counts * means).sum(axis=0) / total
        var = (squares + counts * (means - mean) ** 2).sum(axis=0) / total
        device = device_of(x)
        return to_device(mean.astype(x.dtype), device), to_device(var.astype(x.dtype), device), total

    def _track(self, mean: Array, var: Array) -> None:
        """Move the running statistics towards those of the batch; the variance is the unbiased one."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked[...] = seen = self.num_batches_tracked.item() + 1
        momentum = 1.0 / seen if self.momentum is None else self.momentum
        unbiased = var * (self._values / (self._values - 1))
        for running, batch in ((self.running_mean, mean), (self.running_var, unbiased)):
            running *= 1.0 - momentum
            running += momentum * batch

    def _backward(self, grad_output: Any, needs_x: bool, activation: str | None) -> Any:
        if self._group.size == 1:
            return super()._backward(grad_output, needs_x, activation)
        if self._saved is None:
            self._no_forward()
        x, mean, invstd = self._saved
        weight = full_like(mean, 1.0) if self.weight is None else self.weight._data
        relu, needs = _relu(activation), (needs_x, True, True)
        grads: Any = F.batch_norm_backward(
            grad_output, x, weight, mean, invstd, False, activation=relu, bias=_data(self.bias), needs=needs
        )
        grad_x, grad_weight, grad_bias = grads
        for parameter, grad in ((self.weight, grad_weight), (self.bias, grad_bias)):
            if parameter is not None:
                parameter.add_grad(grad)
        self._saved = None
        if not needs_x:
            return None
        sums = np.stack([to_host(grad_weight), to_host(grad_bias)]).astype(np.float64)
        self._group.all_reduce(sums)
        by_xhat, by_one = to_device((sums / -self._values).astype(x.dtype), device_of(x))
        scale = weight * invstd
        grad_x += F.batch_norm(x, mean, self._var, scale * by_xhat, scale * by_one, eps=self.eps)
        return grad_x


def _data(parameter: Parameter | None) -> Array | None:
    return None if parameter is None else parameter._data


def _relu(activation: str | None) -> Literal["relu"] | None:
    return None if activation is None else "relu"
