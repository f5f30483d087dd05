"""An optimizer that steps with the gradients of all ranks.

Gradients lie one after another in flat arrays, the buckets, so a small net takes one collective call. The
backward writes straight into the buckets: each is the memory that its parameters' gradients use anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn._checks import as_int, as_non_negative
from fastnn.distributed.buckets import Bucket, make_buckets
from fastnn.distributed.group import Group, as_group
from fastnn.optim.optimizer import Group as ParamGroup
from fastnn.optim.optimizer import Optimizer


class DistributedOptimizer(Optimizer):
    """`optimizer(...)` makes it: another optimizer, fed with averages over all ranks.

    Options, state and saving are those of the optimizer inside.

    Attributes
    ----------
    group : Group
    param_groups, state
        Of the optimizer inside.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import distributed, nn, optim
    >>> weight = nn.Parameter(np.ones(2))
    >>> group = distributed.init()
    >>> optimizer = distributed.optimizer(optim.SGD([weight], lr=0.5), group)
    >>> weight.grad = np.array([1.0, 2.0])
    >>> optimizer.step()
    >>> weight.data
    array([0.5, 0. ])
    """

    def __init__(self, optimizer: Optimizer, group: Group, bucket_bytes: int) -> None:
        self._inner, self.group, self._bucket_bytes = optimizer, group, bucket_bytes
        self.defaults, self.param_groups = optimizer.defaults, optimizer.param_groups
        self.state = optimizer.state
        self._buckets: list[Bucket] = []
        self._bucketed = 0  # parameters in them
        self._synchronized = False

    def synchronize(self, samples: float | None = 1.0) -> None:
        """Average the gradients over all ranks now: before they are clipped, say. `step` does it otherwise.

        The average is the sum of the ranks' gradients over the sum of their `samples`. A gradient of a mean
        needs no argument where the batches of all ranks are of one size. Where they are not, each rank gives
        the gradient of a sum, or that of a mean times its samples, and how many samples those were.

        Parameters
        ----------
        samples : float or None
            At least 0; None leaves the sum over the ranks as it is.

        Raises
        ------
        TypeError, ValueError
            For anything else.
        RankLostError
            Where another rank is lost.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import distributed, nn, optim
        >>> weight = nn.Parameter(np.ones(2))
        >>> optimizer = distributed.optimizer(optim.SGD([weight], lr=0.5), distributed.init())
        >>> weight.grad = np.array([8.0, 4.0])  # a sum over 4 samples
        >>> optimizer.synchronize(4)
        >>> weight.grad
        array([2., 1.])
        """
        amount = None if samples is None else as_non_negative("synchronize", "samples", samples)
        self._synchronized = True
        if self.group.size == 1 and amount in (None, 1.0):
            return
        for bucket in self._current_buckets():
            bucket.pack(0.0 if amount is None else amount)
            bucket.all_reduce()
            bucket.unpack(divide=amount is not None)

    def step(self) -> None:
        """Average, unless `synchronize` has done it since the last step, and step."""
        if not self._synchronized:
            self.synchronize()
        self._synchronized = False
        self._inner.step()

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """As of the optimizer inside."""
        self._inner.add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Of the optimizer inside, so that a file fits either."""
        return self._inner.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Into the optimizer inside."""
        self._inner.load_state_dict(state_dict)
        self.state = self._inner.state

    def __repr__(self) -> str:
        return f"Distributed({self.group}) {self._inner!r}"

    def _checked(self, options: ParamGroup) -> ParamGroup:
        return self._inner._checked(options)

    def _current_buckets(self) -> list[Bucket]:
        parameters = self._parameters()
        if len(parameters) != self._bucketed or not all(bucket.fits() for bucket in self._buckets):
            self._buckets = make_buckets(parameters, self._bucket_bytes, self.group)
            self._bucketed = len(parameters)
        return self._buckets


def optimizer(opt: Optimizer, group: Group, bucket_bytes: int = 32 << 20) -> DistributedOptimizer:
    """Wrap an optimizer so that each step uses the average of all ranks' gradients.

    Give it to `train.fit`, which then trains on all ranks together, or call `step` as usual after each
    backward. Schedulers take either, the wrapped one or this.

    Parameters
    ----------
    opt : Optimizer
    group : Group
        From `init`.
    bucket_bytes : int
        At least 1: gradients of up to so many bytes travel in one call.

    Returns
    -------
    DistributedOptimizer

    Raises
    ------
    TypeError, ValueError
        For anything else.

    Notes
    -----
    All ranks need the same parameters at first: `fit` broadcasts them, as `broadcast_parameters` does. With
    the same gradients in, they then stay the same bit for bit.

    Examples
    --------
    >>> from fastnn import distributed, nn, optim
    >>> model = nn.Linear(3, 2)
    >>> group = distributed.init()
    >>> distributed.broadcast_parameters(model, group)
    >>> optimizer = distributed.optimizer(optim.Adam(model.parameters()), group)
    """
    if not isinstance(opt, Optimizer) or isinstance(opt, DistributedOptimizer):
        raise TypeError(f"[optimizer] expected opt to be an optimizer of optim, got {type(opt).__name__}")
    as_group("optimizer", group)
    return DistributedOptimizer(opt, group, as_int("optimizer", "bucket_bytes", bucket_bytes, minimum=1))
