"""The table of operations, from which the generic tests are generated.

A row is a module here that names its functions and the gradients among them; add it to ROWS
and it gets all of them.
"""

from tests.opinfo import (
    activation,
    adam,
    batch_norm,
    cross_entropy,
    dropout,
    gather,
    layer_norm,
    linear,
    sgd,
    softmax,
)
from tests.opinfo.base import DTYPES, Backend, Function, Gradient, Sample, call

ROWS = (linear, activation, softmax, cross_entropy, dropout, batch_norm, layer_norm, sgd, adam, gather)
FUNCTIONS: tuple[Function, ...] = tuple(f for row in ROWS for f in row.FUNCTIONS)
GRADIENTS: tuple[Gradient, ...] = tuple(g for row in ROWS for g in row.GRADIENTS)

__all__ = ["DTYPES", "FUNCTIONS", "GRADIENTS", "Backend", "Function", "Gradient", "Sample", "call"]
