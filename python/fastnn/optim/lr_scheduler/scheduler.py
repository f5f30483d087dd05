"""What all schedulers share: the count of steps, the learning rates written into the groups, saving.

A schedule is a function of the step number alone, by its closed form: a resumed or chained run gives the
bits of an unbroken one. What others write into `group["lr"]` lasts until the next `step()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from fastnn._checks import as_int
from fastnn.optim.lr_scheduler.checks import Check, as_numbers, as_optimizer
from fastnn.optim.optimizer import Optimizer


class LRScheduler:
    """The base of all schedulers. One of your own writes `get_lr`.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups keep the learning rates they came with under "initial_lr".
    last_epoch : int
        The last epoch of an earlier run to go on from; -1 starts afresh.

    Attributes
    ----------
    last_epoch : int
        Number of steps so far.
    base_lrs : list of float
        The learning rates that the groups started with.

    Raises
    ------
    TypeError
        For anything but an optimizer, and options of the wrong type.
    ValueError
        For options out of range; from `step` where groups were added meanwhile.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> class Halving(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=0.8)
    >>> scheduler = Halving(optimizer)
    >>> scheduler.step()
    >>> optimizer.param_groups[0]["lr"]
    0.4
    """

    # Saved under these names, each with what checks it on the way in.
    _options: ClassVar[Mapping[str, Check]] = {}
    _progress: ClassVar[Mapping[str, Check]] = {
        "base_lrs": as_numbers,
        "last_epoch": partial(as_int, minimum=-1),  # of a scheduler whose turn has not come, in torch
        "_last_lr": as_numbers,
    }
    # What torch saves besides.
    _passed_over: ClassVar[tuple[str, ...]] = ()

    _last_lr: list[float]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        name = type(self).__name__
        last_epoch = as_int(name, "last_epoch", last_epoch, minimum=-1)
        self.optimizer = as_optimizer(name, optimizer)
        if last_epoch == -1:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
        elif any("initial_lr" not in group for group in optimizer.param_groups):
            raise ValueError(
                f'[{name}] expected every parameter group to have "initial_lr" with last_epoch={last_epoch}: '
                "load the optimizer's state first"
            )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self._move(last_epoch + 1)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """Return the learning rates that were set last, one a group."""
        return list(self._last_lr)

    def step(self) -> None:
        """Go one step on and write the learning rates into the groups."""
        self._move(self.last_epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        """Return options and progress as plain numbers, strings and lists, under torch's names.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=0.5)
        >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler.step()
        >>> scheduler.state_dict()
        {'gamma': 0.5, 'base_lrs': [0.5], 'last_epoch': 1, '_last_lr': [0.25]}
        """
        state = {name: getattr(self, name) for name in (*self._options, *self._progress)}
        return {name: list(value) if isinstance(value, list) else value for name, value in state.items()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take options and progress from `state_dict`, and set the learning rates of that step.

        Everything is checked before anything changes.

        Raises
        ------
        TypeError, ValueError
            For the state of another kind of scheduler, or of another number of groups.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))], lr=0.5)
        >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": 3})
        >>> scheduler.get_last_lr()
        [0.0625]
        """
        self._take(self._checked_state(state_dict))
        self._apply()

    # --- for subclasses -------------------------------------------------------------------------

    def _set_options(self, **options: Any) -> None:
        name = type(self).__name__
        vars(self).update({key: self._options[key](name, key, value) for key, value in options.items()})

    def _move(self, epoch: int) -> None:
        self.last_epoch = epoch
        self._apply()

    def _apply(self) -> None:
        self._write(self.get_lr())

    def _write(self, lrs: list[float]) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(lrs):
            raise ValueError(
                f"[{type(self).__name__}] expected {len(lrs)} parameter groups, as there were when it was "
                f"made, got {len(groups)}"
            )
        for group, lr in zip(groups, lrs, strict=True):
            group["lr"] = lr
        self._last_lr = list(lrs)

    def _checked_state(self, saved: Mapping[str, Any]) -> dict[str, Any]:
        op = f"{type(self).__name__}.load_state_dict"
        if not isinstance(saved, Mapping):
            raise TypeError(f"[{op}] expected a dict, got {type(saved).__name__}")
        wanted = {**self._options, **self._progress}
        known = (*wanted, *self._passed_over)
        strange = [key for key in saved if key not in known and not str(key).startswith("_")]
        if strange or not wanted.keys() <= saved.keys():
            raise ValueError(f"[{op}] expected {', '.join(wanted)}, got {', '.join(map(str, saved))}")
        state = {key: check(op, key, saved[key]) for key, check in wanted.items()}
        groups = len(self.optimizer.param_groups)
        for key, check in wanted.items():
            if check is as_numbers and len(state[key]) != groups:
                raise ValueError(f"[{op}] expected {key} of {groups} parameter groups, got {state[key]}")
        return state

    def _take(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
