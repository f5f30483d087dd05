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

# --- batch_norm ---------------------------------------------------------------------------------
@final
class BatchNormOptions:
    def __init__(
        self, *, training: bool = False, momentum: float = 0.1, eps: float = 1e-5, relu: bool = False
    ) -> None: ...

@final
class BatchNormGradientOptions:
    def __init__(
        self,
        *,
        training: bool,
        relu: bool,
        needs: tuple[bool, bool, bool],
        accumulate: bool,
    ) -> None: ...

def batch_norm(
    x: Array,
    running: tuple[Array | None, Array | None],
    weight: Array | None,
    bias: Array | None,
    options: BatchNormOptions,
    out: Array | None,
) -> tuple[Array, Array, Array]:
    """y, and the mean and 1 / sqrt(variance + eps) of each channel that it was made with.

    In training the running mean and variance are updated in place.
    """

def batch_norm_backward(
    grad_output: Array,
    x: Array,
    affine: tuple[Array | None, Array | None],
    stats: tuple[Array, Array],
    options: BatchNormGradientOptions,
    out: tuple[Array | None, Array | None, Array | None] | None,
) -> tuple[Array | None, Array | None, Array | None]:
    """(grad_x, grad_weight, grad_bias), None where not needed; affine is (weight, bias), stats as returned.

    With relu, grad_output is the gradient by max(0, y), and bias takes part in finding where y is positive.
    """

# --- layer_norm ---------------------------------------------------------------------------------
@final
class LayerNormGradientOptions:
    def __init__(
        self,
        *,
        normalized_shape: tuple[int, ...],
        needs: tuple[bool, bool, bool],
        accumulate: bool,
    ) -> None: ...

def layer_norm(
    x: Array,
    normalized_shape: tuple[int, ...],
    weight: Array | None,
    bias: Array | None,
    eps: float,
    out: Array | None,
) -> tuple[Array, Array, Array]:
    """y, mean and 1 / sqrt(variance + eps); the two in x's shape with 1 for each normalised axis."""

def layer_norm_backward(
    grad_output: Array,
    x: Array,
    stats: tuple[Array, Array],
    weight: Array | None,
    options: LayerNormGradientOptions,
    out: tuple[Array | None, Array | None, Array | None] | None,
) -> tuple[Array | None, Array | None, Array | None]:
    """(grad_x, grad_weight, grad_bias), None where not needed; stats is (mean, rstd) as returned."""

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
