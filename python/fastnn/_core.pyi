"""The compiled CPU kernels. Every function checks its arguments and raises; none prints or aborts.

Arrays are numpy.ndarray of float32 or float64 (one dtype in a call) with any strides; results are
new C-contiguous arrays, or `out` when it is given.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular", "mean"]
ConvAlgorithm: TypeAlias = Literal["direct", "winograd"]
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

# --- conv2d -------------------------------------------------------------------------------------
@final
class Conv2dOptions:
    def __init__(
        self,
        *,
        stride: tuple[int, int],
        padding: tuple[int, int, int, int],
        dilation: tuple[int, int],
        groups: int,
        padding_mode: PaddingMode,
        algorithm: ConvAlgorithm,
    ) -> None:
        """Padding is (top, bottom, left, right)."""

def conv2d(
    x: Array, weight: Array, bias: Array | None, options: Conv2dOptions, relu: bool, out: Array | None
) -> Array: ...
def conv2d_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    options: Conv2dOptions,
    needs: tuple[bool, bool, bool],
    accumulate: bool,
    out: tuple[Array | None, Array | None, Array | None] | None,
) -> tuple[Array | None, Array | None, Array | None]:
    """As linear_backward."""

# --- pad ----------------------------------------------------------------------------------------
def pad(x: Array, pad: tuple[int, ...], mode: str, value: float, out: Array | None) -> Array:
    """Pad is (left, right) or (left, right, top, bottom)."""

def pad_backward(grad_output: Array, pad: tuple[int, ...], mode: str, out: Array | None) -> Array: ...

# --- im2col -------------------------------------------------------------------------------------
def im2col(x: Array, window: tuple[int, ...], out: Array | None) -> Array:
    """Window is kernel, stride, dilation, each (h, w), and (top, bottom, left, right)."""

def col2im(
    columns: Array, output_size: tuple[int, int], window: tuple[int, ...], out: Array | None
) -> Array: ...

# --- activation ---------------------------------------------------------------------------------
def relu(x: Array, out: Array | None) -> Array: ...
def relu_backward(grad_output: Array, y: Array, out: Array | None) -> Array: ...
def relu6(x: Array, out: Array | None) -> Array: ...
def relu6_backward(grad_output: Array, x: Array, out: Array | None) -> Array: ...
def leaky_relu(x: Array, negative_slope: float, out: Array | None) -> Array: ...
def leaky_relu_backward(grad_output: Array, x: Array, negative_slope: float, out: Array | None) -> Array: ...
def hardtanh(x: Array, min_val: float, max_val: float, out: Array | None) -> Array: ...
def hardtanh_backward(
    grad_output: Array, x: Array, min_val: float, max_val: float, out: Array | None
) -> Array: ...
def hardsigmoid(x: Array, alpha: float, beta: float, out: Array | None) -> Array: ...
def hardsigmoid_backward(
    grad_output: Array, x: Array, alpha: float, beta: float, out: Array | None
) -> Array: ...
def sigmoid(x: Array, out: Array | None) -> Array: ...
def sigmoid_backward(grad_output: Array, y: Array, out: Array | None) -> Array: ...
def tanh(x: Array, out: Array | None) -> Array: ...
def tanh_backward(grad_output: Array, y: Array, out: Array | None) -> Array: ...
def silu(x: Array, out: Array | None) -> Array: ...
def silu_backward(grad_output: Array, x: Array, out: Array | None) -> Array: ...
def gelu(x: Array, out: Array | None) -> Array: ...
def gelu_backward(grad_output: Array, x: Array, out: Array | None) -> Array: ...
def gelu_tanh(x: Array, out: Array | None) -> Array: ...
def gelu_tanh_backward(grad_output: Array, x: Array, out: Array | None) -> Array: ...
def elu(x: Array, alpha: float, out: Array | None) -> Array: ...
def elu_backward(grad_output: Array, x: Array, alpha: float, out: Array | None) -> Array: ...
def softplus(x: Array, beta: float, threshold: float, out: Array | None) -> Array: ...
def softplus_backward(
    grad_output: Array, x: Array, beta: float, threshold: float, out: Array | None
) -> Array: ...
def logsigmoid(x: Array, out: Array | None) -> Array: ...
def logsigmoid_backward(grad_output: Array, x: Array, out: Array | None) -> Array: ...

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

# --- loss ---------------------------------------------------------------------------------------
@final
class LossOptions:
    """`parameter` is the delta of huber_loss and the beta of smooth_l1_loss."""

    def __init__(self, *, reduction: Reduction = "mean", parameter: float = 1.0) -> None: ...

@final
class NLLOptions:
    def __init__(self, *, reduction: Reduction = "mean", ignore_index: int = -100) -> None: ...

@final
class MultiMarginOptions:
    def __init__(self, *, reduction: Reduction = "mean", p: int = 1, margin: float = 1.0) -> None: ...

# Results and `out` of all losses are those of cross_entropy and cross_entropy_with_grad.
def mse_loss(input: Array, target: Array, options: LossOptions, out: Array | None) -> float | Array: ...
def mse_loss_with_grad(
    input: Array, target: Array, options: LossOptions, out: Array | None
) -> tuple[float | Array, Array]: ...
def l1_loss(input: Array, target: Array, options: LossOptions, out: Array | None) -> float | Array: ...
def l1_loss_with_grad(
    input: Array, target: Array, options: LossOptions, out: Array | None
) -> tuple[float | Array, Array]: ...
def huber_loss(input: Array, target: Array, options: LossOptions, out: Array | None) -> float | Array: ...
def huber_loss_with_grad(
    input: Array, target: Array, options: LossOptions, out: Array | None
) -> tuple[float | Array, Array]: ...
def smooth_l1_loss(input: Array, target: Array, options: LossOptions, out: Array | None) -> float | Array: ...
def smooth_l1_loss_with_grad(
    input: Array, target: Array, options: LossOptions, out: Array | None
) -> tuple[float | Array, Array]: ...
def hinge_loss(input: Array, target: Array, options: LossOptions, out: Array | None) -> float | Array: ...
def hinge_loss_with_grad(
    input: Array, target: Array, options: LossOptions, out: Array | None
) -> tuple[float | Array, Array]: ...
def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None,
    pos_weight: Array | None,
    options: LossOptions,
    out: Array | None,
) -> float | Array: ...
def binary_cross_entropy_with_logits_with_grad(
    input: Array,
    target: Array,
    weight: Array | None,
    pos_weight: Array | None,
    options: LossOptions,
    out: Array | None,
) -> tuple[float | Array, Array]: ...
def nll_loss(
    input: Array, target: Array, weight: Array | None, options: NLLOptions, out: Array | None
) -> float | Array: ...
def nll_loss_with_grad(
    input: Array, target: Array, weight: Array | None, options: NLLOptions, out: Array | None
) -> tuple[float | Array, Array]: ...
def multi_margin_loss(
    input: Array, target: Array, weight: Array | None, options: MultiMarginOptions, out: Array | None
) -> float | Array: ...
def multi_margin_loss_with_grad(
    input: Array, target: Array, weight: Array | None, options: MultiMarginOptions, out: Array | None
) -> tuple[float | Array, Array]: ...
def weighted_loss(
    losses: Array, weight: Array, shares: Array | None, options: LossOptions, out: Array | None
) -> tuple[float | Array, Array]:
    """Losses (N, ...) weighed by samples (N,), and each sample's factor (N,) (`out` goes there).

    "mean" divides by the sum of shares, ones by default, times weights.
    """

def scale(x: Array, factor: Array, out: Array | None) -> Array:
    """The product; factor has x's shape, or lacks its axis 1, or has its axis 0 alone, or no axes."""

# --- pool2d: x of shape (C, H, W) or (N, C, H, W) -------------------------------------------------
@final
class Pool2dOptions:
    def __init__(
        self,
        *,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int, int, int],
        dilation: tuple[int, int],
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor: int = 0,
    ) -> None: ...
    def __deepcopy__(self, memo: object) -> Pool2dOptions: ...

@final
class AdaptivePool2dOptions:
    def __init__(self, *, output_size: tuple[int, ...]) -> None: ...
    def __deepcopy__(self, memo: object) -> AdaptivePool2dOptions: ...

_PoolOptions: TypeAlias = Pool2dOptions | AdaptivePool2dOptions

def max_pool2d(x: Array, options: _PoolOptions, out: Array | None) -> Array: ...
def max_pool2d_with_indices(
    x: Array, options: _PoolOptions, out: Array | None
) -> tuple[Array, NDArray[np.int64]]: ...
def max_pool2d_with_taps(
    x: Array, options: _PoolOptions, out: Array | None
) -> tuple[Array, NDArray[np.uint8] | NDArray[np.int64]]:
    """Y and the places of the maxima in their windows, one byte each; indices for more than 256 places."""

def max_pool2d_backward(
    grad_output: Array,
    places: NDArray[np.int64],
    input_shape: tuple[int, ...],
    options: _PoolOptions,
    out: Array | None,
) -> Array:
    """IndexError names position and value. Adaptive windows take their number from grad_output."""

def max_pool2d_backward_of_taps(
    grad_output: Array,
    places: NDArray[np.uint8] | NDArray[np.int64],
    input_shape: tuple[int, ...],
    options: _PoolOptions,
    out: Array | None,
) -> Array: ...
def avg_pool2d(x: Array, options: _PoolOptions, out: Array | None) -> Array: ...
def avg_pool2d_backward(
    grad_output: Array, input_shape: tuple[int, ...], options: _PoolOptions, out: Array | None
) -> Array: ...

# --- dropout ------------------------------------------------------------------------------------
def dropout(x: Array, p: float, seed: int, call: int, out: Array | None) -> Array:
    """Return x * mask / (1 - p); the mask is Philox4x32-10 under `seed`, counted by (element, call).

    The map is linear, so its backward is the same function on grad_output.
    """

def dropout2d(x: Array, p: float, seed: int, call: int, out: Array | None) -> Array:
    """The same with one decision for each channel of x (N, C, ...)."""

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

def batch_norm_max_pool2d(
    x: Array,
    running: tuple[Array | None, Array | None],
    affine: tuple[Array | None, Array | None],
    options: BatchNormOptions,
    windows: _PoolOptions,
    places: bool,
) -> tuple[Array, NDArray[np.uint8] | NDArray[np.int64] | None, Array, Array]:
    """max_pool2d_with_taps of batch_norm's y: the maxima and their places, and the statistics.

    The same bits as one after the other; y itself is not kept.
    """

def batch_norm_max_pool2d_backward(
    grad_output: Array,
    saved: tuple[Array, NDArray[np.uint8] | NDArray[np.int64], Array, Array],
    affine: tuple[Array | None, Array | None],
    options: BatchNormGradientOptions,
    windows: _PoolOptions,
    out: tuple[Array | None, Array | None, Array | None] | None,
) -> tuple[Array | None, Array | None, Array | None]:
    """As batch_norm_backward, with grad_output the gradient by the maxima; saved is (x, places, *stats)."""

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

# --- grid_sample --------------------------------------------------------------------------------
def affine_grid(theta: Array, size: tuple[int, ...], align_corners: bool, out: Array | None) -> Array: ...
def affine_grid_backward(
    grad_grid: Array, size: tuple[int, ...], align_corners: bool, out: Array | None
) -> Array: ...
def grid_sample(
    input: Array, grid: Array, mode: str, padding_mode: str, align_corners: bool, out: Array | None
) -> Array: ...
def affine_sample(
    input: Array, theta: Array, mode: str, padding_mode: str, align_corners: bool, out: Array | None
) -> Array:
    """grid_sample at affine_grid(theta), the same bits, without the grid in memory."""

def grid_sample_backward(
    grad_output: Array,
    input: Array,
    grid: Array,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    needs: tuple[bool, bool],
    out: tuple[Array | None, Array | None] | None,
) -> tuple[Array | None, Array | None]:
    """(grad_input, grad_grid), None where not needed."""

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
