"""Every case there is, in the order of the report."""

import re

from benchmarks import (
    bench_activation,
    bench_adagrad,
    bench_adam,
    bench_batch_norm,
    bench_batch_norm_max_pool2d,
    bench_clip_grad,
    bench_cnn,
    bench_conv2d,
    bench_conv2d_winograd,
    bench_cross_entropy,
    bench_dropout,
    bench_gather,
    bench_grid_sample,
    bench_im2col,
    bench_layer_norm,
    bench_linear,
    bench_loss,
    bench_pad,
    bench_pool2d,
    bench_rmsprop,
    bench_sgd,
    bench_softmax,
    bench_step,
)
from benchmarks.case import Case

MODULES = (
    bench_linear,
    bench_conv2d,
    bench_pad,
    bench_im2col,
    bench_pool2d,
    bench_grid_sample,
    bench_batch_norm,
    bench_batch_norm_max_pool2d,
    bench_layer_norm,
    bench_activation,
    bench_softmax,
    bench_cross_entropy,
    bench_loss,
    bench_dropout,
    bench_sgd,
    bench_adam,
    bench_rmsprop,
    bench_adagrad,
    bench_clip_grad,
    bench_gather,
    bench_step,
    bench_cnn,
)
# Only where a filter asks for them: their roundings are not those of PyTorch's call, so no mean over all
# takes them in.
BY_NAME = (bench_conv2d_winograd,)
CASES: dict[str, Case] = {case.name: case for module in (*MODULES, *BY_NAME) for case in module.CASES}


def select(pattern: str) -> list[Case]:
    """The cases whose name matches the regular expression; all but those BY_NAME for an empty one."""
    if not pattern:
        return [case for module in MODULES for case in module.CASES]
    return [case for name, case in CASES.items() if re.search(pattern, name)]
