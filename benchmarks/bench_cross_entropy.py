"""Cross-entropy with its gradient: the least is 8 bytes a logit and one exponential.

PyTorch's side is the four kernels that autograd would call, called directly.
"""

from typing import Any

import numpy as np

from benchmarks.bench_softmax import numpy_log_softmax
from benchmarks.case import Array, Call, Case

TARGETS = {10: 0.2, 1000: 0.5}


def build_fastnn(logits: Array, target: Array) -> Call:
    import fastnn.functional as F

    return lambda: F.cross_entropy_with_grad(logits, target)


def build_torch(logits: Any, target: Any) -> Call:
    import torch

    one = torch.ones((), dtype=logits.dtype, device=logits.device)
    nll_loss_forward = torch.ops.aten.nll_loss_forward.default
    nll_loss_backward = torch.ops.aten.nll_loss_backward.default

    def call() -> Any:
        y = torch.log_softmax(logits, 1)
        loss, total = nll_loss_forward(y, target, None, 1, -100)
        grad = nll_loss_backward(one, y, target, None, 1, -100, total)
        return loss, torch._log_softmax_backward_data(grad, y, 1, logits.dtype)

    return call


def numpy_loss(logits: Array, target: Array) -> tuple[float, Array]:
    """The mean loss and its gradient by the logits."""
    rows = np.arange(len(target))
    y = numpy_log_softmax(logits)
    grad = np.exp(y)
    grad[rows, target] -= 1
    return float(-y[rows, target].mean()), grad / len(target)


def build_numpy(logits: Array, target: Array) -> Call:
    return lambda: numpy_loss(logits, target)


def case(N: int, C: int) -> Case:
    return Case(
        name=f"cross_entropy with gradient {N}x{C}",
        op="cross_entropy",
        inputs=lambda rng: [rng.standard_normal((N, C)), rng.integers(0, C, N)],
        builders={"fastnn": build_fastnn, "torch": build_torch, "numpy": build_numpy},
        least_bytes=8 * N * C,
        target=TARGETS[C],
    )


CASES = [case(N, C) for C in TARGETS for N in (128, 4096)]
