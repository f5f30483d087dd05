"""Pooling: every option of the functions and the layers, forward and backward."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as TF
from numpy.random import Generator

import fastnn.functional as F
from fastnn import nn
from tests.peers.differential.case import Case, Results


def pick(rng: Generator, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def draw_axis(rng: Generator, dilations: tuple[int, ...]) -> dict[str, Any]:
    """A size and a window that fits; a padding of half the kernel at most, as PyTorch wants it."""
    dilation = pick(rng, *dilations)
    kernel, stride = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    span = dilation * (kernel - 1) + 1
    padding = int(rng.integers(0, kernel // 2 + 1))
    size = max(span, dilation) + int(rng.integers(0, pick(rng, 3, 12, 40)))
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "size": size}


def both(axes: list[dict[str, Any]], name: str) -> Any:
    h, w = (axis[name] for axis in axes)
    return h if h == w else (h, w)


def draw_x(
    rng: Generator,
    axes: list[dict[str, Any]],
    dtype: str,
    ties: bool,
    specials: tuple = (np.nan, np.inf, -np.inf),
) -> np.ndarray:
    """A batch, or one image without; few values, so that many are equal, or many."""
    shape = (*pick(rng, (int(rng.integers(1, 4)),), ()), int(rng.integers(1, 5)), *(a["size"] for a in axes))
    x = rng.integers(0, 4, shape) if ties else rng.standard_normal(shape)
    if rng.random() < 0.1:
        x = np.where(rng.random(shape) < 0.1, pick(rng, *specials), x)
    return x.astype(dtype)


def random_like(y: Any, dtype: str) -> np.ndarray:
    """The same grad_output for both sides, from the shape alone."""
    return np.random.default_rng(list(y.shape)).standard_normal(y.shape).astype(dtype)


def torch_results(y: torch.Tensor, leaf: torch.Tensor, **more: Any) -> Results:
    y.backward(torch.from_numpy(random_like(y, str(leaf.dtype).removeprefix("torch."))))
    return {"y": y, "grad_x": leaf.grad, **more}


def leaf_of(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x.copy()).requires_grad_()


def draw_max_pool2d(rng: Generator, dtype: str) -> Case:
    axes = [draw_axis(rng, (1, 1, 2, 3)) for _ in range(2)]
    x = draw_x(rng, axes, dtype, ties=rng.random() < 0.5)
    window = (*(both(axes, name) for name in ("kernel", "stride", "padding", "dilation")), rng.random() < 0.5)

    def ours() -> Results:
        y, indices = F.max_pool2d(x, *window, return_indices=True)
        np.testing.assert_array_equal(F.max_pool2d(x, *window), y)
        grad_x = F.max_pool2d_backward(random_like(y, dtype), indices, x.shape, *window)
        return {"y": y, "grad_x": grad_x, "indices": indices}

    def theirs() -> Results:
        leaf = leaf_of(x)
        y, indices = TF.max_pool2d(leaf, *window, return_indices=True)
        return torch_results(y, leaf, indices=indices)

    return Case(f"max_pool2d{window} of {x.shape}", dtype, ours, theirs)


def draw_max_pool2d_wide_padding(rng: Generator, dtype: str) -> Case:
    """More padding than PyTorch takes, and other on either side: there as -inf around x."""
    axes = [draw_axis(rng, (1, 1, 2)) for _ in range(2)]
    spans = [a["dilation"] * (a["kernel"] - 1) + 1 for a in axes]
    padding = tuple(tuple(int(n) for n in rng.integers(0, span, 2)) for span in spans)
    x = draw_x(rng, axes, dtype, ties=False, specials=(np.nan, np.inf))  # -inf would tie with what is around
    kernel, stride, dilation = (both(axes, name) for name in ("kernel", "stride", "dilation"))
    window = (kernel, stride, padding, dilation)

    def ours() -> Results:
        y, indices = F.max_pool2d(x, *window, return_indices=True)
        grad_x = F.max_pool2d_backward(random_like(y, dtype), indices, x.shape, *window)
        return {"y": y, "grad_x": grad_x}

    def theirs() -> Results:
        leaf = leaf_of(x)
        padded = TF.pad(leaf, (*padding[1], *padding[0]), value=-np.inf)
        return torch_results(TF.max_pool2d(padded, kernel, stride, 0, dilation), leaf)

    return Case(f"max_pool2d{window} of {x.shape}", dtype, ours, theirs)


def draw_avg_pool2d(rng: Generator, dtype: str) -> Case:
    axes = [draw_axis(rng, (1,)) for _ in range(2)]
    x = draw_x(rng, axes, dtype, ties=False)
    sizes = (both(axes, name) for name in ("kernel", "stride", "padding"))
    window = (*sizes, rng.random() < 0.5, rng.random() < 0.5, pick(rng, None, None, 3, -2))

    def ours() -> Results:
        y = F.avg_pool2d(x, *window)
        return {"y": y, "grad_x": F.avg_pool2d_backward(random_like(y, dtype), x.shape, *window)}

    def theirs() -> Results:
        leaf = leaf_of(x)
        return torch_results(TF.avg_pool2d(leaf, *window), leaf)

    return Case(f"avg_pool2d{window} of {x.shape}", dtype, ours, theirs)


def draw_adaptive_pool2d(rng: Generator, dtype: str) -> Case:
    axes = [{"size": int(rng.integers(1, pick(rng, 8, 30)))} for _ in range(2)]
    x = draw_x(rng, axes, dtype, ties=rng.random() < 0.3)
    one = int(rng.integers(1, 12))
    size = pick(rng, one, (one, int(rng.integers(1, 12))), (None, one), (one, None), 1)
    kind = pick(rng, "max", "avg")

    def ours() -> Results:
        if kind == "avg":
            y = F.adaptive_avg_pool2d(x, size)
            return {"y": y, "grad_x": F.adaptive_avg_pool2d_backward(random_like(y, dtype), x.shape)}
        y, indices = F.adaptive_max_pool2d(x, size, return_indices=True)
        grad_x = F.adaptive_max_pool2d_backward(random_like(y, dtype), indices, x.shape)
        return {"y": y, "grad_x": grad_x, "indices": indices}

    def theirs() -> Results:
        leaf = leaf_of(x)
        if kind == "avg":
            return torch_results(TF.adaptive_avg_pool2d(leaf, size), leaf)
        y, indices = TF.adaptive_max_pool2d(leaf, size, return_indices=True)
        return torch_results(y, leaf, indices=indices)

    return Case(f"adaptive_{kind}_pool2d({size}) of {x.shape}", dtype, ours, theirs)


LAYERS = ("MaxPool2d", "AvgPool2d", "MaxPool1d", "AvgPool1d", "AdaptiveMaxPool2d", "AdaptiveAvgPool2d")


def draw_layer(rng: Generator, dtype: str) -> Case:
    name = pick(rng, *LAYERS)
    axes = [
        draw_axis(rng, (1, 1, 2) if name.startswith("Max") else (1,)) for _ in range(1 + (name[-2] == "2"))
    ]
    x = draw_x(rng, axes, dtype, ties=name.startswith("Max") and rng.random() < 0.3)
    options: dict[str, Any] = {}
    if name.startswith("Adaptive"):
        options["output_size"] = pick(rng, 1, 2, 3, (4, 7), (None, 5))
    else:
        options = {
            key: axes[0][part] if len(axes) == 1 else both(axes, part)
            for key, part in (("kernel_size", "kernel"), ("stride", "stride"), ("padding", "padding"))
        }
        options["ceil_mode"] = bool(rng.random() < 0.5)
        if name.startswith("Max"):
            options["dilation"] = axes[0]["dilation"] if len(axes) == 1 else both(axes, "dilation")
        else:
            options["count_include_pad"] = bool(rng.random() < 0.5)

    def ours() -> Results:
        layer = getattr(nn, name)(**options)
        y = layer(x)
        return {"y": y, "grad_x": layer.backward(random_like(y, dtype))}

    def theirs() -> Results:
        leaf = leaf_of(x)
        return torch_results(getattr(torch.nn, name)(**options)(leaf), leaf)

    return Case(f"{name}({options}) of {x.shape}", dtype, ours, theirs)


DRAWS = (
    draw_max_pool2d,
    draw_max_pool2d_wide_padding,
    draw_avg_pool2d,
    draw_adaptive_pool2d,
    draw_layer,
)
