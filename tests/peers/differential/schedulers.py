"""Learning rates and momenta over many steps, against torch.optim.lr_scheduler."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from fastnn import nn, optim
from fastnn.optim import lr_scheduler
from tests.peers.differential.case import Case, Results

# make(module, optimizer): the scheduler of that library.
Make = Callable[[Any, Any], Any]
Drawn = tuple[str, Make]


def integer(rng: Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high))


def plain(name: str, *arguments: Any, **options: Any) -> Drawn:
    return f"{name}{arguments}{options or ''}", lambda module, optimizer: getattr(module, name)(
        optimizer, *arguments, **options
    )


def draw_step(rng: Generator) -> Drawn:
    return plain("StepLR", integer(rng, 1, 20), float(rng.uniform(0.1, 1.1)))


def draw_multi_step(rng: Generator) -> Drawn:
    milestones = sorted(map(int, rng.integers(1, 60, integer(rng, 1, 6))))
    return plain("MultiStepLR", milestones, float(rng.uniform(0.1, 1.0)))


def draw_constant(rng: Generator) -> Drawn:
    return plain("ConstantLR", float(rng.uniform(0.1, 1.0)), integer(rng, 1, 30))


def draw_linear(rng: Generator) -> Drawn:
    return plain("LinearLR", float(rng.uniform(0.01, 1.0)), float(rng.uniform(0, 1)), integer(rng, 1, 60))


def draw_exponential(rng: Generator) -> Drawn:
    return plain("ExponentialLR", float(rng.uniform(0.5, 1.01)))


def draw_polynomial(rng: Generator) -> Drawn:
    return plain("PolynomialLR", integer(rng, 1, 80), float(rng.uniform(0.1, 3.0)))


def draw_cosine(rng: Generator) -> Drawn:
    return plain("CosineAnnealingLR", integer(rng, 1, 60), float(rng.choice([0.0, 1e-3])))


def draw_restarts(rng: Generator) -> Drawn:
    return plain(
        "CosineAnnealingWarmRestarts", integer(rng, 1, 20), integer(rng, 1, 4), float(rng.choice([0.0, 1e-3]))
    )


def draw_lambda(rng: Generator) -> Drawn:
    rate = float(rng.uniform(0.0, 1.0))
    _, make = plain("LambdaLR", lambda t: 1.0 / (1.0 + rate * t))
    return f"LambdaLR 1 / (1 + {rate} t)", make


CHAINABLE = (
    draw_step,
    draw_multi_step,
    draw_constant,
    draw_linear,
    draw_exponential,
    draw_polynomial,
    draw_cosine,
    draw_restarts,
    draw_lambda,
)


def draw_sequence(rng: Generator) -> Drawn:
    parts = [CHAINABLE[integer(rng, 0, len(CHAINABLE))](rng) for _ in range(integer(rng, 1, 5))]
    milestones = sorted({int(m) for m in rng.integers(1, 80, len(parts) - 1)})
    parts = parts[: len(milestones) + 1]

    def make(module: Any, optimizer: Any) -> Any:
        return module.SequentialLR(optimizer, [part(module, optimizer) for _, part in parts], milestones)

    return f"SequentialLR {[label for label, _ in parts]} at {milestones}", make


STEPS = 100


def draw_one_cycle(rng: Generator) -> Drawn:
    return plain(
        "OneCycleLR",
        float(rng.uniform(0.01, 1.0)),
        total_steps=STEPS,  # torch draws its line on beyond total_steps - 1, fastnn stays at the end
        pct_start=float(rng.uniform(0.05, 0.95)),
        anneal_strategy=str(rng.choice(["cos", "linear"])),
        cycle_momentum=bool(rng.integers(2)),
        base_momentum=float(rng.uniform(0.5, 0.8)),
        max_momentum=float(rng.uniform(0.8, 0.99)),
        div_factor=float(rng.uniform(2.0, 50.0)),
        final_div_factor=float(rng.choice([10.0, 1e4])),
        three_phase=bool(rng.integers(2)),
    )


def make_optimizers(rng: Generator) -> Callable[[bool], Any]:
    name = str(rng.choice(["SGD", "Adam", "RMSprop"]))
    lrs = [float(rng.uniform(0.001, 1.0)) for _ in range(integer(rng, 1, 4))]

    def make(ours: bool) -> Any:
        fresh = (lambda: nn.Parameter(np.zeros(2))) if ours else (lambda: torch.nn.Parameter(torch.zeros(2)))
        package = optim if ours else torch.optim
        return getattr(package, name)([{"params": [fresh()], "lr": lr} for lr in lrs])

    return make


def readings(optimizer: Any) -> list[list[float]]:
    """Learning rate and momentum, or Adam's first beta, of each group."""
    return [
        [float(group["lr"]), float(group.get("momentum", group.get("betas", (0.0,))[0]))]
        for group in optimizer.param_groups
    ]


def follow(scheduler: Any, steps: int) -> list[list[list[float]]]:
    found = [readings(scheduler.optimizer)]
    for _ in range(steps):
        scheduler.optimizer.step()  # torch warns where the scheduler comes first
        scheduler.step()
        found.append(readings(scheduler.optimizer))
    return found


def draw_schedule(rng: Generator, dtype: str) -> Case:
    """Saved and loaded on the way, into a scheduler that has seen nothing."""
    draws = (*CHAINABLE, draw_sequence, draw_sequence, draw_sequence, draw_one_cycle, draw_one_cycle)
    label, make = draws[integer(rng, 0, len(draws))](rng)
    optimizers, save_at = make_optimizers(rng), integer(rng, 1, STEPS - 1)

    def fastnn_side() -> Results:
        scheduler = make(lr_scheduler, optimizers(True))
        found = follow(scheduler, save_at)
        resumed = make(lr_scheduler, optimizers(True))
        resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
        return by_group([*found[:-1], *follow(resumed, STEPS - 1 - save_at)])

    def torch_side() -> Results:
        return by_group(follow(make(torch.optim.lr_scheduler, optimizers(False)), STEPS - 1))

    return Case(f"{label} saved at {save_at}", dtype, fastnn_side, torch_side)


def by_group(found: list[list[list[float]]]) -> Results:
    array = np.array(found)
    return {f"group {i}": array[:, i, 0] for i in range(array.shape[1])} | {"momentum": array[:, :, 1]}


def draw_torch_state(rng: Generator, dtype: str) -> Case:
    """Optimizer and scheduler saved by torch and loaded by fastnn, both stepped on."""
    draws = (*CHAINABLE, draw_sequence)
    label, make = draws[integer(rng, 0, len(draws))](rng)
    optimizers, save_at = make_optimizers(rng), integer(rng, 1, STEPS - 1)

    def torch_side() -> Results:
        return by_group(follow(make(torch.optim.lr_scheduler, optimizers(False)), STEPS)[save_at:])

    def fastnn_side() -> Results:
        theirs = make(torch.optim.lr_scheduler, optimizers(False))
        follow(theirs, save_at)
        ours = make(lr_scheduler, optimizers(True))
        ours.optimizer.load_state_dict(theirs.optimizer.state_dict())
        ours.load_state_dict(theirs.state_dict())
        return by_group(follow(ours, STEPS - save_at))

    return Case(f"torch's state of {label} saved at {save_at}", dtype, fastnn_side, torch_side)


def draw_plateau(rng: Generator, dtype: str) -> Case:
    options = {
        "mode": str(rng.choice(["min", "max"])),
        "factor": float(rng.uniform(0.1, 0.9)),
        "patience": integer(rng, 0, 5),
        "threshold": float(rng.choice([0.0, 1e-4, 0.1])),
        "threshold_mode": str(rng.choice(["rel", "abs"])),
        "cooldown": integer(rng, 0, 4),
        "min_lr": float(rng.choice([0.0, 1e-3])),
        "eps": float(rng.choice([0.0, 1e-8, 1e-3])),
    }
    walk = np.cumsum(rng.standard_normal(STEPS)) / 5
    metrics = [float(m) for m in np.where(rng.random(STEPS) < 0.03, np.nan, np.exp(walk))]
    optimizers, save_at = make_optimizers(rng), integer(rng, 1, STEPS - 1)

    def run(module: Any, ours: bool) -> Results:
        scheduler = module.ReduceLROnPlateau(optimizers(ours), **options)
        found = []
        for i, metric in enumerate(metrics):
            if i == save_at:
                saved, lrs = scheduler.state_dict(), readings(scheduler.optimizer)
                scheduler = module.ReduceLROnPlateau(optimizers(ours))
                scheduler.load_state_dict(copy.deepcopy(saved))
                for group, (lr, _) in zip(scheduler.optimizer.param_groups, lrs, strict=True):
                    group["lr"] = lr
            scheduler.step(metric)
            found.append(readings(scheduler.optimizer))
        counts = [scheduler.best, scheduler.num_bad_epochs, scheduler.cooldown_counter, scheduler.last_epoch]
        return by_group(found) | {"counters": np.array(counts)}

    return Case(
        f"ReduceLROnPlateau {options} saved at {save_at}",
        dtype,
        lambda: run(lr_scheduler, True),
        lambda: run(torch.optim.lr_scheduler, False),
    )


DRAWS = (draw_schedule, draw_torch_state, draw_plateau)
