"""The compiled CPU kernels. Every function checks its arguments and raises; none prints or aborts.

Arrays are numpy.ndarray of float32 or float64 (one dtype in a call) with any strides; results are
new C-contiguous arrays, or `out` when it is given.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Reduction: TypeAlias = Literal["none", "mean", "sum"]

# --- linear -------------------------------------------------------------------------------------
def linear(x: Array, weight: Array, bias: Array | None, relu: bool, out: Array | None) -> Array: ...
def linear_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    needs: tuple[bool, bool, bool],
    accumulate: bool,
    out: tuple[Array | None, Array | None, Array | None] | None,
) -> tuple[Array | None, Array | None, Array | None]:
    """(grad_x, grad_weight, grad_bias), None where not needed.

    accumulate adds to the grad_weight and grad_bias given in `out` instead of overwriting them.
    """

# --- activation ---------------------------------------------------------------------------------
def relu(x: Array, out: Array | None) -> Array: ...
def relu_backward(grad_output: Array, y: Array, out: Array | None) -> Array: ...

# --- softmax ------------------------------------------------------------------------------------
def softmax(x: Array, axis: int, out: Array | None) -> Array: ...
def softmax_backward(grad_output: Array, y: Array, axis: int, out: Array | None) -> Array: ...
def log_softmax(x: Array, axis: int, out: Array | None) -> Array: ...
def log_softmax_backward(grad_output: Array, y: Array, axis: int, out: Array | None) -> Array: ...

# --- cross_entropy ------------------------------------------------------------------------------
@final
class CrossEntropyOptions:
    def __init__(
        self, *, ignore_index: int = -100, reduction: Reduction = "mean", label_smoothing: float = 0.0
    ) -> None: ...

def cross_entropy(
    logits: Array, target: Array, weight: Array | None, options: CrossEntropyOptions, out: Array | None
) -> float | Array:
    """A float for "mean" and "sum", an array of the target's positions for "none" (`out` goes there)."""

def cross_entropy_with_grad(
    logits: Array, target: Array, weight: Array | None, options: CrossEntropyOptions, out: Array | None
) -> tuple[float | Array, Array]:
    """Loss as above and grad_logits (`out` goes there); for "none", the gradient of the sum."""

# --- dropout ------------------------------------------------------------------------------------
def dropout(x: Array, p: float, seed: int, call: int, out: Array | None) -> Array:
    """Return x * mask / (1 - p); the mask is Philox4x32-10 under `seed`, counted by (element, call).

    The map is linear, so its backward is the same function on grad_output.
    """

# --- optimizers: one call steps every parameter, in place ------------------------------------------
@final
class SGDOptions:
    def __init__(
        self,
        *,
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
        first_step: bool = False,
    ) -> None: ...

def sgd_step(
    params: Sequence[Array], grads: Sequence[Array], momentum_buffers: Sequence[Array], options: SGDOptions
) -> None:
    """momentum_buffers may be empty when momentum is 0; with first_step they are set to the gradient."""

@final
class AdamOptions:
    def __init__(
        self,
        *,
        lr: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        step: int,
        decoupled: bool = False,
        maximize: bool = False,
    ) -> None: ...

def adam_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    exp_avgs: Sequence[Array],
    exp_avg_sqs: Sequence[Array],
    max_exp_avg_sqs: Sequence[Array],
    options: AdamOptions,
) -> None:
    """Step all parameters; max_exp_avg_sqs is empty unless amsgrad is wanted, decoupled is AdamW."""

@final
class RMSpropOptions:
    def __init__(
        self,
        *,
        lr: float,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
    ) -> None: ...

def rmsprop_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    square_avgs: Sequence[Array],
    grad_avgs: Sequence[Array],
    momentum_buffers: Sequence[Array],
    options: RMSpropOptions,
) -> None:
    """grad_avgs may be empty unless centered, momentum_buffers when momentum is 0."""

@final
class AdagradOptions:
    def __init__(
        self,
        *,
        lr: float,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        eps: float = 1e-10,
        step: int,
        average: bool = False,
        maximize: bool = False,
    ) -> None: ...

def adagrad_step(
    params: Sequence[Array], grads: Sequence[Array], sums: Sequence[Array], options: AdagradOptions
) -> None:
    """Step all parameters; average divides by the root of the mean of the squares, not of their sum."""

# --- clip_grad ----------------------------------------------------------------------------------
def clip_grad_norm(
    grads: Sequence[Array], max_norm: float, norm_type: float, error_if_nonfinite: bool
) -> float:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), in place; the norm before comes back."""

def clip_grad_value(grads: Sequence[Array], clip_value: float) -> None:
    """Clamp all gradients to [-clip_value, clip_value], in place."""

# --- gather -------------------------------------------------------------------------------------
def gather(x: Array, indices: NDArray[np.int64], out: Array | None) -> Array:
    """x[indices] along axis 0, any dtype without Python objects; IndexError names position and value."""

# --- runtime ------------------------------------------------------------------------------------
def isa() -> str: ...
def supported_isas() -> list[str]: ...

MAX_THREADS: int

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def empty_cache() -> None: ...
def cache_stats() -> dict[str, int]:
    """bytes_in_use, bytes_cached, bytes_limit, hits, misses."""

def build_info() -> dict[str, str]:
    """compiler, build_type, isas (comma-separated)."""

def fma_peak(dtype: str, milliseconds: int) -> float:
    """FLOP/s of dependent-free FMAs on get_num_threads() threads; dtype is "float32" or "float64"."""

def triad(elements: int, repeats: int) -> float:
    """Best bytes/s of a = b + s * c over float32 arrays (12 B an element), on get_num_threads() threads."""
