"""Losses with their gradient: two arrays are read and one is written, 12 bytes an element; nll writes zeros.

PyTorch's side is the kernels that autograd would call, called directly.
"""

from typing import Any

import numpy as np

from benchmarks.case import Array, Call, Case

SHAPES = [(128, 512), (4096, 1000)]
MEAN = 1  # PyTorch's number of the reduction


def build_fastnn(name: str) -> Any:
    def build(x: Array, target: Array) -> Call:
        import fastnn.functional as F

        function = getattr(F, f"{name}_with_grad")
        return lambda: function(x, target)

    return build


def torch_mse(x: Any, target: Any) -> Call:
    import torch

    one, aten = torch.ones((), dtype=x.dtype), torch.ops.aten
    forward, backward = aten.mse_loss.default, aten.mse_loss_backward.default
    return lambda: (forward(x, target, MEAN), backward(one, x, target, MEAN))


def torch_huber(x: Any, target: Any) -> Call:
    import torch

    one, aten = torch.ones((), dtype=x.dtype), torch.ops.aten
    forward, backward = aten.huber_loss.default, aten.huber_loss_backward.default
    return lambda: (forward(x, target, MEAN, 1.0), backward(one, x, target, MEAN, 1.0))


def torch_bce(x: Any, target: Any) -> Call:
    """The backward is (sigmoid(x) - target) / n, which autograd writes with the same three kernels."""
    import torch

    forward = torch.ops.aten.binary_cross_entropy_with_logits.default
    n = x.numel()
    return lambda: (forward(x, target, None, None, MEAN), torch.sigmoid(x).sub_(target).div_(n))


def torch_nll(x: Any, target: Any) -> Call:
    import torch

    one, aten = torch.ones((), dtype=x.dtype), torch.ops.aten
    forward, backward = aten.nll_loss_forward.default, aten.nll_loss_backward.default

    def call() -> Any:
        loss, total = forward(x, target, None, MEAN, -100)
        return loss, backward(one, x, target, None, MEAN, -100, total)

    return call


def numpy_mse(x: Array, target: Array) -> Call:
    def call() -> Any:
        d = x - target
        return (d * d).mean(), d * (2 / d.size)

    return call


def numpy_huber(x: Array, target: Array) -> Call:
    def call() -> Any:
        d = x - target
        slope = np.clip(d, -1, 1)
        return (slope * (d - slope / 2)).mean(), slope / d.size

    return call


def numpy_bce(x: Array, target: Array) -> Call:
    def call() -> Any:
        loss = np.logaddexp(0, x) - target * x
        return loss.mean(), (1 / (1 + np.exp(-x)) - target) / x.size

    return call


def numpy_nll(x: Array, target: Array) -> Call:
    rows = np.arange(len(target))

    def call() -> Any:
        grad = np.zeros_like(x)
        grad[rows, target] = -1 / len(target)
        return -x[rows, target].mean(), grad

    return call


def pairs(rng: np.random.Generator, shape: tuple[int, int]) -> list[Array]:
    return [rng.standard_normal(shape), rng.random(shape)]


def labelled(rng: np.random.Generator, shape: tuple[int, int]) -> list[Array]:
    return [rng.standard_normal(shape), rng.integers(0, shape[1], shape[0])]


# Function, PyTorch's and NumPy's side, inputs, bytes an element.
LOSSES: dict[str, tuple[str, Any, Any, Any, int]] = {
    "mse": ("mse_loss", torch_mse, numpy_mse, pairs, 12),
    "huber": ("huber_loss", torch_huber, numpy_huber, pairs, 12),
    "bce": ("binary_cross_entropy_with_logits", torch_bce, numpy_bce, pairs, 12),
    "nll": ("nll_loss", torch_nll, numpy_nll, labelled, 4),
}


def case(short: str, shape: tuple[int, int]) -> Case:
    name, torch_side, numpy_side, inputs, bytes_each = LOSSES[short]
    return Case(
        name="{} with gradient {}x{}".format(short, *shape),
        op="loss",
        inputs=lambda rng: inputs(rng, shape),
        builders={"fastnn": build_fastnn(name), "torch": torch_side, "numpy": numpy_side},
        least_bytes=bytes_each * shape[0] * shape[1],
    )


CASES = [case(short, shape) for short in LOSSES for shape in SHAPES]
