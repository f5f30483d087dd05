"""The compiled kernels for CuPy arrays: the operations of _core, and what a device needs beside them.

Losses and norms that are floats there are arrays without axes here. Absent where fastnn was built without
CUDA.
"""

from collections.abc import Callable, Sequence
from typing import Any

from fastnn._core import *  # noqa: F403
from fastnn._core import AdagradOptions, AdamOptions, Array, RMSpropOptions, SGDOptions

def connect(
    *,
    array_type: type,
    empty: Callable[..., Any],
    alloc: Callable[[int], Any],
    current_stream: Callable[[], int],
    current_device: Callable[[], int],
    enter_device: Callable[[int], Any] | None,
) -> None:
    """Hand over what is asked of CuPy: arrays and scratch memory, its current stream and device."""

def reason_unavailable() -> str:
    """Why there is no device, by the CUDA error's name; empty where there is one."""

def device_count() -> int: ...
def current_device() -> int: ...
def synchronize(device: int) -> None:
    """Wait for the current stream; raise for the first wrong label or index since the last call."""

def set_matmul_precision(name: str) -> None:
    """One of "fp32", "3xtf32", "tf32"."""

def matmul_precision() -> str: ...
def set_cublaslt(use: bool) -> None: ...
def set_cublaslt_path(path: str) -> None:
    """A file to try after what the process has loaded already, and before the system's libraries."""

def reason_without_cublaslt() -> str:
    """Empty where products go through cuBLASLt."""

def empty(shape: tuple[int, ...], dtype: Any, device: int) -> Array: ...
def empty_like(x: Array) -> Array: ...
def fill(x: Array, value: float) -> None: ...
def from_host(x: Array, device: int) -> Array:
    """A copy on the device of a C-contiguous numpy.ndarray."""

def copy(to: Array, from_: Array) -> None: ...
def copy_from_host(to: Array, from_: Array) -> None: ...
def copy_to_host(to: Array, from_: Array) -> None: ...

# --- calls in a graph, which read what differs from replay to replay as bytes on the device ------

def sgd_constants(options: SGDOptions) -> Array:
    """The bytes that captured_sgd_step reads, as a numpy.ndarray; and so on."""

def rmsprop_constants(options: RMSpropOptions) -> Array: ...
def adagrad_constants(options: AdagradOptions) -> Array: ...
def adam_constants(options: AdamOptions) -> Array: ...
def captured_sgd_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    momentum_buffers: Sequence[Array],
    constants: Array,
) -> None: ...
def captured_rmsprop_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    square_avgs: Sequence[Array],
    grad_avgs: Sequence[Array],
    momentum_buffers: Sequence[Array],
    constants: Array,
) -> None: ...
def captured_adagrad_step(
    params: Sequence[Array], grads: Sequence[Array], sums: Sequence[Array], constants: Array
) -> None: ...
def captured_adam_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    exp_avgs: Sequence[Array],
    exp_avg_sqs: Sequence[Array],
    max_exp_avg_sqs: Sequence[Array],
    constants: Array,
) -> None: ...
def captured_dropout(x: Array, p: float, key: Array, out: Array | None) -> Array:
    """The key is 16 bytes: seed and call."""

def captured_dropout2d(x: Array, p: float, key: Array, out: Array | None) -> Array: ...
