"""Optimizers over many steps, and clipping of gradients: values and state against torch.optim."""

from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from fastnn import nn, optim
from tests.peers.differential.case import Case, Results

Shapes = list[list[tuple[int, ...]]]
Options = dict[str, Any]


def as_array(value: Any) -> np.ndarray:
    """A copy of an array, a tensor or a number."""
    return np.asarray(value.detach() if isinstance(value, torch.Tensor) else value).copy()


def flag(rng: Generator) -> bool:
    return bool(rng.integers(2))


def pick(rng: Generator, *values: float) -> float:
    return float(rng.choice(values))


def sgd_options(rng: Generator) -> Options:
    momentum = pick(rng, 0.0, 0.5, 0.9)
    nesterov = momentum > 0 and flag(rng)
    return {
        "momentum": momentum,
        "dampening": 0.0 if nesterov else pick(rng, 0.0, 0.3),
        "nesterov": nesterov,
    }


def adam_options(rng: Generator) -> Options:
    betas = (pick(rng, 0.0, 0.9), pick(rng, 0.9, 0.999))
    return {"betas": betas, "eps": pick(rng, 1e-8, 1e-2), "amsgrad": flag(rng)}


def plain_adam_options(rng: Generator) -> Options:
    return {**adam_options(rng), "decoupled_weight_decay": flag(rng)}


def rmsprop_options(rng: Generator) -> Options:
    return {
        "alpha": pick(rng, 0.5, 0.9, 0.99),
        "eps": pick(rng, 1e-8, 1e-2),
        "momentum": pick(rng, 0.0, 0.5, 0.9),
        "centered": flag(rng),
    }


def adagrad_options(rng: Generator) -> Options:
    return {"lr_decay": pick(rng, 0.0, 0.1), "eps": pick(rng, 1e-10, 1e-2)}


OPTIONS = {
    "SGD": sgd_options,
    "Adam": plain_adam_options,
    "AdamW": adam_options,
    "RMSprop": rmsprop_options,
    "Adagrad": adagrad_options,
}


def common_options(rng: Generator) -> Options:
    return {
        "lr": pick(rng, 0.001, 0.01, 0.1),
        "weight_decay": pick(rng, 0.0, 0.1),
        "maximize": flag(rng),
    }


def draw_shapes(rng: Generator) -> Shapes:
    """Of one to three groups of parameters, scalars among them."""
    return [
        [tuple(map(int, rng.integers(1, 6, rng.integers(0, 4)))) for _ in range(rng.integers(1, 4))]
        for _ in range(rng.integers(1, 4))
    ]


def draw_gradients(rng: Generator, shapes: Shapes, dtype: str, steps: int) -> list[list[Any]]:
    """For each step one a parameter: an array, zeros, or None."""
    flat = [shape for group in shapes for shape in group]
    late = [int(rng.integers(steps)) if rng.random() < 0.2 else 0 for _ in flat]

    def one(shape: tuple[int, ...], first: int, step: int) -> Any:
        if step < first or rng.random() < 0.1:
            return None
        scale = rng.choice([0.0, 1.0, 1.0, 1.0, 10.0])
        return np.asarray(scale * rng.standard_normal(shape), dtype)

    return [
        [one(shape, first, step) for shape, first in zip(flat, late, strict=True)] for step in range(steps)
    ]


def run_optimizer(
    make: Any,
    params: list[Any],
    gradients: list[list[Any]],
    as_gradient: Any,
    move: list[tuple[int, str, float]],
) -> tuple[Any, dict[str, Any]]:
    """The optimizer after all steps, and the parameters after each third; `move` changes options between."""
    optimizer = make()
    results = {}
    for step, row in enumerate(gradients):
        for at, key, value in move:
            if at == step:
                optimizer.param_groups[0][key] = value
        for param, grad in zip(params, row, strict=True):
            param.grad = None if grad is None else as_gradient(grad)
        optimizer.step()
        if step % 3 == 0 or step == len(gradients) - 1:
            results |= {f"parameter {i} after step {step}": as_array(p.data) for i, p in enumerate(params)}
    return optimizer, results


def state_of(optimizer: Any) -> Results:
    """By number and name, without what torch keeps for parameters that never moved."""
    return {
        f"{name} of parameter {number}": as_array(value)
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
        if value is not None and float(values.get("step", 1)) > 0
    }


def draw_optimizer(rng: Generator, dtype: str) -> Case:
    name = str(rng.choice(list(OPTIONS)))
    options = {**OPTIONS[name](rng), **common_options(rng)}
    if name == "Adagrad":
        options["initial_accumulator_value"] = pick(rng, 0.0, 0.5)
    shapes, steps = draw_shapes(rng), int(rng.integers(10, 21))
    groups = [{}, *(common_options(rng) | OPTIONS[name](rng) for _ in shapes[1:])]
    start = [np.asarray(rng.standard_normal(shape), dtype) for group in shapes for shape in group]
    gradients = draw_gradients(rng, shapes, dtype, steps)
    move = [(int(rng.integers(1, steps)), "lr", pick(rng, 0.0, 0.05)) for _ in range(rng.integers(2))]
    save_at = int(rng.integers(1, steps))

    def grouped(params: list[Any]) -> list[dict[str, Any]]:
        rest = iter(params)
        return [
            {"params": [next(rest) for _ in group], **own} for group, own in zip(shapes, groups, strict=True)
        ]

    def fastnn_side() -> Results:
        params = [nn.Parameter(a.copy()) for a in start]
        cls = getattr(optim, name)
        first, results = run_optimizer(
            lambda: cls(grouped(params), **options), params, gradients[:save_at], np.array, move
        )
        saved = first.state_dict()

        def resumed() -> Any:
            made = cls(grouped(params))
            made.load_state_dict(saved)
            return made

        later = [(at - save_at, key, value) for at, key, value in move if at >= save_at]
        second, _ = run_optimizer(resumed, params, gradients[save_at:], np.array, later)
        last = {f"parameter {i} at the end": p.data for i, p in enumerate(params)}
        return {**results, **last, **state_of(second)}

    def torch_side() -> Results:
        params = [torch.nn.Parameter(torch.tensor(a)) for a in start]
        cls = getattr(torch.optim, name)
        made = cls(grouped(params), **options)
        _, results = run_optimizer(lambda: made, params, gradients[:save_at], torch.tensor, move)
        later = [(at - save_at, key, value) for at, key, value in move if at >= save_at]
        run_optimizer(lambda: made, params, gradients[save_at:], torch.tensor, later)
        last = {f"parameter {i} at the end": p.detach() for i, p in enumerate(params)}
        return {**results, **last, **state_of(made)}

    label = f"{name} {options} groups {groups} shapes {shapes} steps {steps} saved at {save_at} moves {move}"
    return Case(label, dtype, fastnn_side, torch_side)


def draw_torch_state(rng: Generator, dtype: str) -> Case:
    """A state that torch saved, loaded by fastnn, both stepped on."""
    name = str(rng.choice(list(OPTIONS)))
    options = {**OPTIONS[name](rng), **common_options(rng)}
    shapes = draw_shapes(rng)
    before, after = (draw_gradients(rng, shapes, dtype, 5) for _ in range(2))
    start = [np.asarray(rng.standard_normal(shape), dtype) for group in shapes for shape in group]

    def run_torch(gradients: list[list[Any]]) -> tuple[list[Any], Any]:
        params = [torch.nn.Parameter(torch.tensor(a)) for a in start]
        made = getattr(torch.optim, name)(params, **options)
        run_optimizer(lambda: made, params, gradients, torch.tensor, [])
        return params, made

    def fastnn_side() -> Results:
        theirs, saved = run_torch(before)
        params = [nn.Parameter(p.detach().numpy().copy()) for p in theirs]
        made = getattr(optim, name)(params)
        made.load_state_dict(saved.state_dict())
        run_optimizer(lambda: made, params, after, np.array, [])
        return {**{str(i): p.data for i, p in enumerate(params)}, **state_of(made)}

    def torch_side() -> Results:
        params, made = run_torch(before + after)
        return {**{str(i): p.detach() for i, p in enumerate(params)}, **state_of(made)}

    return Case(f"torch's state of {name} {options} shapes {shapes}", dtype, fastnn_side, torch_side)


def draw_clip(rng: Generator, dtype: str) -> Case:
    by_value = rng.random() < 0.3
    limit = pick(rng, 0.0, 0.1, 1.0, 5.0, 1e9)
    kind = rng.choice(["1", "2", "inf", "0.5", "3"])
    shapes = draw_shapes(rng)
    (gradients,) = draw_gradients(rng, shapes, dtype, 1)

    def run(package: Any, params: list[Any], as_gradient: Any) -> Results:
        for param, grad in zip(params, gradients, strict=True):
            param.grad = None if grad is None else as_gradient(grad)
        norm = 0.0
        if by_value:
            package.clip_grad_value_(params, limit)
        else:
            norm = float(package.clip_grad_norm_(params, limit, float(kind)))
        return {"norm": norm, **{str(i): p.grad for i, p in enumerate(params) if p.grad is not None}}

    zeros = [np.zeros(shape, dtype) for group in shapes for shape in group]
    return Case(
        f"clip_grad by {'value' if by_value else kind} {limit} shapes {shapes}",
        dtype,
        lambda: run(nn.utils, [nn.Parameter(a) for a in zeros], np.array),
        lambda: run(torch.nn.utils, [torch.nn.Parameter(torch.tensor(a)) for a in zeros], torch.tensor),
    )


DRAWS = (draw_optimizer, draw_torch_state, draw_clip)
