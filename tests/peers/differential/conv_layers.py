"""Padding, columns, and convolutions as functions and layers, over random shapes and options."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

import fastnn.functional as F
from fastnn import nn, optim
from tests.peers.differential.case import Case, Results

TF = torch.nn.functional
PAD_MODES = ("constant", "reflect", "replicate", "circular")
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
STEPS = 3


def sizes(rng: Generator, count: int, least: int, most: int) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(least, most + 1, count))


def one_of(rng: Generator, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def leaf(a: np.ndarray) -> torch.Tensor:
    return torch.tensor(a.copy(), requires_grad=True)


def draw_pad(rng: Generator, dtype: str) -> Case:
    mode, axes = one_of(rng, *PAD_MODES), int(rng.integers(1, 3))
    shape = (*sizes(rng, int(rng.integers(1, 3)), 1, 4), *sizes(rng, axes, 2, 9))
    least = -1 if mode == "constant" else 0
    most = [size - 1 if mode == "reflect" else size for size in shape[::-1][:axes]]
    pad = tuple(int(rng.integers(least, limit + 1)) for limit in most for _ in range(2))
    value = {"value": float(rng.integers(-3, 4))} if mode == "constant" else {}
    x = rng.standard_normal(shape).astype(dtype)
    grad = rng.standard_normal(F.pad(x, pad, mode, **value).shape).astype(dtype)

    def theirs() -> Results:
        source = leaf(x)
        # PyTorch wants a batch and channels beside the axes of these modes, and no more.
        y = TF.pad(source.reshape(1, -1, *shape[len(shape) - axes :]), pad, mode, **value)
        y.backward(torch.tensor(grad).reshape(y.shape))
        return {"y": y.reshape(grad.shape), "grad_x": source.grad}

    def ours() -> Results:
        return {"y": F.pad(x, pad, mode, **value), "grad_x": F.pad_backward(grad, pad, mode)}

    return Case(f"pad of {shape} by {pad} {mode} {value}", dtype, ours, theirs)


def window(rng: Generator) -> dict[str, Any]:
    def pairs(least: int, most: int) -> Any:
        return sizes(rng, 2, least, most) if rng.integers(2) else int(rng.integers(least, most + 1))

    return {
        "kernel_size": pairs(1, 4),
        "dilation": pairs(1, 3),
        "padding": pairs(0, 3),
        "stride": pairs(1, 3),
    }


def draw_im2col(rng: Generator, dtype: str) -> Case:
    options = window(rng)
    reach = np.multiply(options["dilation"], np.subtract(options["kernel_size"], 1))
    H, W = (
        int(n) for n in np.maximum(1, reach + 1 - 2 * np.asarray(options["padding"])) + rng.integers(0, 8, 2)
    )
    shape = (*sizes(rng, int(rng.integers(0, 2)), 1, 3), int(rng.integers(1, 5)), H, W)
    x = rng.standard_normal(shape).astype(dtype)
    grad = rng.standard_normal(F.im2col(x, **options).shape).astype(dtype)

    def ours() -> Results:
        image = F.col2im(grad, (H, W), **options)
        return {
            "columns": F.im2col(x, **options),
            "grad_x": image,
            "there_and_back": F.im2col(image, **options),
        }

    def theirs() -> Results:
        source, columns = leaf(x), leaf(grad)
        y = TF.unfold(source, **options)
        y.backward(columns.detach())
        image = TF.fold(columns, (H, W), **options)
        image.backward(image.detach())
        return {"columns": y, "grad_x": source.grad, "there_and_back": columns.grad}

    return Case(f"im2col of {shape} {options}", dtype, ours, theirs)


def convolution(rng: Generator, axes: int) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Options of a layer, and the shape of an input that it takes."""
    groups = int(rng.integers(1, 4))
    kernel, dilation = sizes(rng, axes, 1, 4), sizes(rng, axes, 1, 2)
    options: dict[str, Any] = {
        "in_channels": groups * int(rng.integers(1, 4)),
        "out_channels": groups * int(rng.integers(1, 4)),
        "kernel_size": kernel,
        "stride": sizes(rng, axes, 1, 3),
        "padding": sizes(rng, axes, 0, 3),
        "dilation": dilation,
        "groups": groups,
        "bias": bool(rng.integers(2)),
        "padding_mode": one_of(rng, *PADDING_MODES),
    }
    if rng.integers(4) == 0:
        options |= {"stride": (1,) * axes, "padding": one_of(rng, "same", "valid")}
    # Large enough for a window without padding, and to reflect it.
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    room = [max(least, 4) + int(more) for least, more in zip(reach, rng.integers(0, 7, axes), strict=True)]
    lead = sizes(rng, int(rng.integers(4) > 0), 1, 3)
    return options, (*lead, options["in_channels"], *room)


def draw_layer(rng: Generator, dtype: str, axes: int) -> Case:
    """A layer and a ReLU, from one state dict, through some steps of SGD with momentum."""
    options, shape = convolution(rng, axes)
    name = f"Conv{axes}d"
    source: Any = getattr(nn, name)(**options, dtype=dtype)
    state = {key: a.copy() for key, a in source.state_dict().items()}
    x = rng.standard_normal(shape).astype(dtype)
    grad = rng.standard_normal(source(x).shape).astype(dtype)

    def ours() -> Results:
        layer = getattr(nn, name)(**options, dtype=dtype)
        layer.load_state_dict(state)
        model = nn.Sequential(layer, nn.ReLU())
        sgd = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        results: dict[str, Any] = {}
        for step in range(STEPS):
            model.zero_grad()
            results[f"y{step}"] = model(x)
            results[f"grad_x{step}"] = model.backward(grad)
            sgd.step()
        results |= {f"grad of {key}": p.grad for key, p in layer.named_parameters()}
        return results | layer.state_dict()

    def theirs() -> Results:
        layer = getattr(torch.nn, name)(**options, dtype=getattr(torch, dtype))
        layer.load_state_dict({key: torch.tensor(a) for key, a in state.items()})
        sgd = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9)
        results: dict[str, Any] = {}
        for step in range(STEPS):
            layer.zero_grad()
            image = leaf(x)
            y = torch.relu(layer(image))
            y.backward(torch.tensor(grad))
            results |= {f"y{step}": y, f"grad_x{step}": image.grad}
            sgd.step()
        results |= {f"grad of {key}": p.grad for key, p in layer.named_parameters()}
        return results | layer.state_dict()

    return Case(f"{name} of {shape} {options}", dtype, ours, theirs)


def draw_conv1d_layer(rng: Generator, dtype: str) -> Case:
    return draw_layer(rng, dtype, 1)


def draw_conv2d_layer(rng: Generator, dtype: str) -> Case:
    return draw_layer(rng, dtype, 2)


def draw_conv1d(rng: Generator, dtype: str) -> Case:
    """The function, with a fused ReLU or none, and all three of its gradients."""
    options, shape = convolution(rng, 1)
    channels, filters, k = (options.pop(name) for name in ("in_channels", "out_channels", "kernel_size"))
    biased, relu = options.pop("bias"), bool(rng.integers(2))
    mode = options.pop("padding_mode")
    x = rng.standard_normal(shape).astype(dtype)
    weight = rng.standard_normal((filters, channels // options["groups"], *k)).astype(dtype)
    bias = rng.standard_normal(filters).astype(dtype) if biased else None
    if mode != "zeros" and isinstance(options["padding"], str):
        mode = "zeros"
    forward: Callable[..., Any] = lambda: F.conv1d(  # noqa: E731
        x, weight, bias, **options, padding_mode=mode, activation="relu" if relu else None
    )
    grad = rng.standard_normal(forward().shape).astype(dtype)

    def ours() -> Results:
        y = forward()
        past = F.relu_backward(grad, y) if relu else grad
        grads = F.conv1d_backward(past, x, weight, **options, padding_mode=mode)
        names = ("grad_x", "grad_weight", "grad_bias")[: 2 + biased]
        return {"y": y, **dict(zip(names, grads, strict=False))}

    def theirs() -> Results:
        leaves = [leaf(a) for a in (x, weight, bias) if a is not None]
        image, given = leaves[0], dict(options)
        if mode != "zeros":
            (cells,) = given.pop("padding")
            image = TF.pad(image, (cells, cells), mode)
        y = TF.conv1d(image, *leaves[1:], **given)
        y = torch.relu(y) if relu else y
        y.backward(torch.tensor(grad))
        names = ("grad_x", "grad_weight", "grad_bias")
        return {"y": y, **{name: t.grad for name, t in zip(names, leaves, strict=False)}}

    return Case(f"conv1d of {shape} by {weight.shape} {options} {mode} {relu}", dtype, ours, theirs)


DRAWS = (draw_pad, draw_im2col, draw_conv1d, draw_conv1d_layer, draw_conv2d_layer)
