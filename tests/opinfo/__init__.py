"""The table of operations, from which the generic tests are generated.

A row is a module here that names its functions and the gradients among them; add it to ROWS
and it gets all of them.
"""

from tests.opinfo import (
    activation,
    adagrad,
    adam,
    batch_norm,
    batch_norm_max_pool2d,
    clip_grad,
    conv1d,
    conv2d,
    conv2d_winograd,
    cross_entropy,
    dropout,
    gather,
    grid_sample,
    im2col,
    labelled_loss,
    layer_norm,
    linear,
    loss,
    pad,
    pool2d,
    rmsprop,
    sgd,
    softmax,
    weighted_loss,
)
from tests.opinfo.base import DTYPES, Backend, Function, Gradient, Sample, call

ROWS = (
    linear,
    conv2d,
    conv2d_winograd,
    conv1d,
    pad,
    im2col,
    pool2d,
    grid_sample,
    batch_norm,
    batch_norm_max_pool2d,
    layer_norm,
    activation,
    softmax,
    cross_entropy,
    loss,
    labelled_loss,
    weighted_loss,
    dropout,
    sgd,
    adam,
    rmsprop,
    adagrad,
    clip_grad,
    gather,
)
FUNCTIONS: tuple[Function, ...] = tuple(f for row in ROWS for f in row.FUNCTIONS)
GRADIENTS: tuple[Gradient, ...] = tuple(g for row in ROWS for g in row.GRADIENTS)

__all__ = ["DTYPES", "FUNCTIONS", "GRADIENTS", "Backend", "Function", "Gradient", "Sample", "call"]
