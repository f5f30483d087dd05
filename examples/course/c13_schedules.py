"""C13. Learning-rate schedules: steps, exponential and cosine decay, and warm-up before decay.

Seen: with a constant rate Adagrad (mean form) bursts out of the gully late; with a rate that decays, in
whatever way, it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _common import Array, descend, panels, parse, save, table
from _surfaces import GULLY, from_floor

from fastnn import nn, optim
from fastnn.optim import lr_scheduler

RATE, STEPS, WARM_UP, LATE = 0.06, 2000, 200, 500


def warm_up_then_cosine(optimizer: optim.Optimizer) -> lr_scheduler.LRScheduler:
    """Up from a tenth of the rate, then down half a cosine wave."""
    up = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=WARM_UP)
    down = lr_scheduler.CosineAnnealingLR(optimizer, STEPS - WARM_UP)
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[WARM_UP])


SCHEDULES: dict[str, Callable[[optim.Optimizer], lr_scheduler.LRScheduler]] = {
    "constant": lambda o: lr_scheduler.ConstantLR(o, factor=1.0),
    "step": lambda o: lr_scheduler.StepLR(o, step_size=300, gamma=0.5),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.998),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS),
    "warm-up, cosine": warm_up_then_cosine,
}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Draw the schedules, and Adagrad's distance from the floor under each."""
    options = parse(__doc__, arguments)
    ways = {name: walk(make) for name, make in SCHEDULES.items()}
    late = {name: float(from_floor(way[LATE:]).max()) for name, way in ways.items()}
    rates = {name: rates_of(make) for name, make in SCHEDULES.items()}
    table(
        ("schedule", "first rate", "highest", "last", f"farthest after step {LATE}"),
        [(name, r[0], max(r), r[-1], f"{late[name]:.1e}") for name, r in rates.items()],
    )
    figure, (left, right) = panels(2, width=4.6)
    for name in SCHEDULES:
        left.plot(rates[name], label=name)
        right.semilogy(from_floor(ways[name]) + 1e-9, label=name, linewidth=1)
    left.set(title="The rate", xlabel="step", ylim=(0, 0.09))
    right.set(title="Adagrad in the gully", xlabel="step", ylabel="distance from the floor", ylim=(1e-6, 3))
    left.legend(frameon=False, fontsize=8, ncols=2, loc="upper center")
    save(figure, options, __file__)
    return {"late": late, "rates": {name: (r[0], float(np.max(r)), r[-1]) for name, r in rates.items()}}


def walk(make_scheduler: Callable[[optim.Optimizer], Any]) -> Array:
    """The points of Adagrad in the gully."""
    return descend(
        GULLY.gradient,
        GULLY.start,
        lambda p: optim.Adagrad(p, lr=RATE, average=True),
        STEPS,
        make_scheduler,
    )


def rates_of(make_scheduler: Callable[[optim.Optimizer], lr_scheduler.LRScheduler]) -> list[float]:
    """The rate of each step."""
    optimizer = optim.SGD([nn.Parameter(np.zeros(1))], lr=RATE)
    scheduler = make_scheduler(optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


if __name__ == "__main__":
    main()
