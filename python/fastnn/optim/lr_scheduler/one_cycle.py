"""One cycle of the learning rate: up, down, and far below where it began."""

from __future__ import annotations

from functools import partial
from typing import Literal

from fastnn._checks import as_bool, as_probability
from fastnn.optim.lr_scheduler.annealing import cosine, linear
from fastnn.optim.lr_scheduler.checks import (
    as_count,
    as_numbers,
    as_one_of,
    as_optimizer,
    as_positive,
    checks,
    per_group,
)
from fastnn.optim.lr_scheduler.scheduler import LRScheduler
from fastnn.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """Go up from max_lr / div_factor to max_lr, and down to max_lr / div_factor / final_div_factor.

    Momentum, or Adam's first beta, goes the other way, from max_momentum to base_momentum and back. With
    three_phase the way down ends where the way up began, and a third phase leads to the end. Smith and Topin,
    "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018.

    Parameters
    ----------
    optimizer : Optimizer
        Its learning rates are overwritten.
    max_lr : float, or list of them, one a group
    total_steps : int, optional
        Batches of the whole training; or give epochs and steps_per_epoch. The end is reached at step
        total_steps - 1, one more step stays there, and any further one is an error.
    epochs, steps_per_epoch : int, optional
    pct_start : float in [0, 1]
        The share of the steps on the way up.
    anneal_strategy : "cos" or "linear"
    cycle_momentum : bool
        Needs an optimizer with momentum or betas.
    base_momentum, max_momentum : float, or list of them, one a group
    div_factor, final_div_factor : float
    three_phase : bool
    last_epoch : int
        See `LRScheduler`, also for attributes and errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter(np.zeros(2))])
    >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    >>> for batch in range(10):
    ...     print(f"{scheduler.get_last_lr()[0]:.2f}, {optimizer.param_groups[0]['momentum']:.2f}", end="; ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.04, 0.95; 0.52, 0.90; 1.00, 0.85; 0.95, 0.85; 0.81, 0.87; 0.61, 0.89; 0.39, 0.91; 0.19, 0.93;
    0.05, 0.95; 0.00, 0.95;
    """

    _options = checks(
        max_lrs=as_numbers,
        total_steps=as_count,
        pct_start=as_probability,
        anneal_strategy=as_one_of("cos", "linear"),
        cycle_momentum=as_bool,
        base_momentums=as_numbers,
        max_momentums=as_numbers,
        div_factor=as_positive,
        final_div_factor=as_positive,
        three_phase=as_bool,
    )
    max_lrs: list[float]
    total_steps: int
    pct_start: float
    anneal_strategy: Literal["cos", "linear"]
    cycle_momentum: bool
    base_momentums: list[float]
    max_momentums: list[float]
    div_factor: float
    final_div_factor: float
    three_phase: bool

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        groups = len(as_optimizer("OneCycleLR", optimizer).param_groups)
        each = partial(per_group, "OneCycleLR", groups=groups)
        self._set_options(
            max_lrs=each("max_lr", max_lr),
            total_steps=_count_steps(total_steps, epochs, steps_per_epoch),
            pct_start=pct_start,
            anneal_strategy=anneal_strategy,
            cycle_momentum=cycle_momentum,
            base_momentums=each("base_momentum", base_momentum),
            max_momentums=each("max_momentum", max_momentum),
            div_factor=div_factor,
            final_div_factor=final_div_factor,
            three_phase=three_phase,
        )
        if self.cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                "[OneCycleLR] expected an optimizer with momentum or betas for cycle_momentum, "
                f"got {type(optimizer).__name__}"
            )
        for group, top in zip(optimizer.param_groups, self.max_lrs, strict=True):
            group["initial_lr"] = top / self.div_factor
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at step `last_epoch`."""
        ends = [
            (low, top, low / self.final_div_factor)
            for low, top in zip(self.base_lrs, self.max_lrs, strict=True)
        ]
        if self.three_phase:
            return [self._on_the_way(low, top, low, end) for low, top, end in ends]
        return [self._on_the_way(low, top, end) for low, top, end in ends]

    def _move(self, epoch: int) -> None:
        if epoch > self.total_steps:
            raise ValueError(
                f"[OneCycleLR] expected at most total_steps={self.total_steps} steps, got step {epoch}"
            )
        super()._move(epoch)

    def _apply(self) -> None:
        super()._apply()
        if not self.cycle_momentum:
            return
        ends = zip(self.base_momentums, self.max_momentums, strict=True)
        for group, (low, high) in zip(self.optimizer.param_groups, ends, strict=True):
            momentum = self._on_the_way(high, low, high, high)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def _on_the_way(self, *points: float) -> float:
        """Where this step is between the two points that its phase leads from and to."""
        phase, part = self._phase()
        anneal = cosine if self.anneal_strategy == "cos" else linear
        return anneal(points[phase], points[phase + 1], part)

    def _phase(self) -> tuple[int, float]:
        """The number of the phase, and the part of it that is done."""
        ends = [self.pct_start * self.total_steps - 1.0, self.total_steps - 1.0]
        if self.three_phase:
            ends.insert(1, 2.0 * self.pct_start * self.total_steps - 2.0)
        last = len(ends) - 1
        phase = next((i for i, end in enumerate(ends) if self.last_epoch <= end), last)
        start = ends[phase - 1] if phase else 0.0
        length = ends[phase] - start
        # A phase may have no steps; the last is done at total_steps - 1.
        return phase, min((self.last_epoch - start) / length, 1.0) if length > 0.0 else 1.0


def _count_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return as_count("OneCycleLR", "total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError(
            "[OneCycleLR] expected total_steps, or epochs and steps_per_epoch, "
            f"got epochs={epochs}, steps_per_epoch={steps_per_epoch}"
        )
    steps = as_count("OneCycleLR", "steps_per_epoch", steps_per_epoch)
    return as_count("OneCycleLR", "epochs", epochs) * steps
