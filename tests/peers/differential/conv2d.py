"""Convolutions with random shapes and options: the result and all three gradients."""

from typing import Any

import torch
from numpy.random import Generator

import fastnn.functional as F
from tests.peers.differential.case import Case, Draw

MODES = ("zeros", "zeros", "reflect", "replicate", "circular")


def pair_or_int(rng: Generator, low: int, high: int) -> Any:
    if rng.random() < 0.5:
        return int(rng.integers(low, high))
    return tuple(rng.integers(low, high, 2).tolist())


def two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def draw_options(rng: Generator) -> dict[str, Any]:
    options: dict[str, Any] = {
        "stride": pair_or_int(rng, 1, 4),
        "dilation": pair_or_int(rng, 1, 4),
        "groups": int(rng.choice([1, 1, 2, 3, 8])),
        "padding_mode": str(rng.choice(MODES)),
    }
    kind = rng.choice(["number", "sides", "same", "valid"], p=[0.5, 0.2, 0.2, 0.1])
    if kind == "number":
        options["padding"] = pair_or_int(rng, 0, 4)
    elif kind == "sides":
        options["padding"] = tuple(map(tuple, rng.integers(0, 4, (2, 2)).tolist()))
    else:
        options["padding"] = str(kind)
    if kind == "same":
        options["stride"] = 1
    return options


def sides(options: dict[str, Any], kernel: tuple[int, int]) -> tuple[int, int, int, int]:
    """Top, bottom, left, right."""
    padding = options["padding"]
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        h, w = (d * (k - 1) for d, k in zip(two(options["dilation"]), kernel, strict=True))
        return h // 2, h - h // 2, w // 2, w - w // 2
    if isinstance(padding, int) or isinstance(padding[0], int):
        h, w = two(padding)
        return h, h, w, w
    return (*padding[0], *padding[1])


def fits(plane: tuple[int, ...], kernel: tuple[int, int], options: dict[str, Any]) -> bool:
    top, bottom, left, right = sides(options, kernel)
    least = min(plane) - (options["padding_mode"] == "reflect")
    if options["padding_mode"] != "zeros" and max(top, bottom, left, right) > least:
        return False
    padded = plane[0] + top + bottom, plane[1] + left + right
    return all(p > d * (k - 1) for p, d, k in zip(padded, two(options["dilation"]), kernel, strict=True))


def draw_conv2d(rng: Generator, dtype: str) -> Case:
    while True:
        options, kernel = draw_options(rng), tuple(rng.integers(1, 6, 2).tolist())
        plane = tuple(rng.integers(1, 24, 2).tolist())
        if fits(plane, kernel, options):
            break
    groups = options["groups"]
    channels, filters = (groups * int(n) for n in rng.choice([1, 2, 3, 7, 18], 2))
    lead = () if rng.random() < 0.1 else (int(rng.integers(1, 6)),)
    x = rng.standard_normal((*lead, channels, *plane)).astype(dtype)
    weight = rng.standard_normal((filters, channels // groups, *kernel)).astype(dtype)
    bias = rng.standard_normal(filters).astype(dtype) if rng.random() < 0.7 else None
    activation = "relu" if rng.random() < 0.3 else None
    shape = F.conv2d(x, weight, **options).shape
    g = rng.standard_normal(shape).astype(dtype)

    def run_fastnn() -> dict[str, Any]:
        y = F.conv2d(x, weight, bias, **options, activation=activation)
        grad = F.relu_backward(g, y) if activation else g
        grads = F.conv2d_backward(grad, x, weight, **options)
        results = dict(zip(("grad_x", "grad_weight", "grad_bias"), grads, strict=True))
        if bias is None:
            del results["grad_bias"]
        return {"y": y, **results}

    def run_torch() -> dict[str, Any]:
        leaves = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias) if a is not None]
        top, bottom, left, right = sides(options, kernel)
        mode = options["padding_mode"].replace("zeros", "constant")
        batch = leaves[0] if lead else leaves[0][None]
        padded = torch.nn.functional.pad(batch, (left, right, top, bottom), mode=mode)
        y = torch.nn.functional.conv2d(
            padded, *leaves[1:], stride=options["stride"], dilation=options["dilation"], groups=groups
        )
        y = (torch.relu(y) if activation else y).reshape(shape)
        y.backward(torch.from_numpy(g))
        names = ("grad_x", "grad_weight", "grad_bias")
        return {"y": y, **{name: leaf.grad for name, leaf in zip(names, leaves, strict=False)}}

    label = f"conv2d x{x.shape} weight{weight.shape} bias={bias is not None} {options} {activation}"
    return Case(label, dtype, run_fastnn, run_torch)


DRAWS: tuple[Draw, ...] = (draw_conv2d,)
