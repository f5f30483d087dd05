"""Whether a GPU can be used, and waiting for it. Operations take the GPU by being given CuPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

from fastnn import backend
from fastnn._capture import Capture, capturing

T = TypeVar("T")
Precision: TypeAlias = Literal["fp32", "3xtf32", "tf32"]

__all__ = ["device_count", "graph", "is_available", "matmul_precision", "reason_unavailable", "synchronize"]


def reason_unavailable() -> str | None:
    """Why nothing can run on a GPU, in one line; None where it can.

    Examples
    --------
    >>> import fastnn
    >>> reason = fastnn.cuda.reason_unavailable()
    >>> fastnn.cuda.is_available() == (reason is None)
    True
    """
    return backend.reason_unavailable()


def is_available() -> bool:
    """Whether fastnn was built with CUDA, CuPy is installed, and there are a driver and a device.

    Examples
    --------
    >>> import fastnn
    >>> isinstance(fastnn.cuda.is_available(), bool)
    True
    """
    return reason_unavailable() is None


def device_count() -> int:
    """The number of GPUs; 0 where none can be used.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.cuda.is_available() == (fastnn.cuda.device_count() > 0)
    True
    """
    return 0 if reason_unavailable() else int(backend.gpu_kernels("device_count").device_count())


def synchronize(device: int | None = None) -> None:
    """Wait for the work on CuPy's current stream, and raise what is wrong with labels and indices in it.

    A GPU cannot raise while it works: a wrong label gives a NaN loss there, and this call names its position.

    Parameters
    ----------
    device : int, optional
        CuPy's current device by default.

    Raises
    ------
    IndexError, ValueError
        What the CPU raises at once.
    RuntimeError
        Where there is no GPU, naming the reason, and for the device's own errors.

    Examples
    --------
    >>> import fastnn
    >>> if fastnn.cuda.is_available():
    ...     fastnn.cuda.synchronize()
    """
    number = backend.device_number("cuda" if device is None else f"cuda:{device}")
    kernels = backend.gpu_kernels("synchronize")
    kernels.synchronize(number if device is not None else kernels.current_device())


def matmul_precision(name: Precision | None = None) -> str:
    """Set, or with None ask, how products of float32 matrices may be computed on tensor cores.

    Parameters
    ----------
    name : "fp32", "3xtf32" or "tf32", optional
        "fp32", the default, rounds as float32 does. "tf32" rounds the operands to 10 bits of mantissa.
        "3xtf32" adds up three products of operands split into two parts each, and is nearly as accurate as
        "fp32". For the whole process; it matters to `linear` and to convolutions of 1 x 1, where cuBLASLt is
        at hand.

    Returns
    -------
    str
        The precision in force.

    Raises
    ------
    ValueError
        For another name.
    RuntimeError
        Where there is no GPU, naming the reason.

    Examples
    --------
    >>> import fastnn
    >>> if fastnn.cuda.is_available():
    ...     assert fastnn.cuda.matmul_precision() == "fp32"
    """
    backend.device_number("cuda")
    kernels = backend.gpu_kernels("matmul_precision")
    if name is not None:
        kernels.set_matmul_precision(name)
    return str(kernels.matmul_precision())


def graph(step: Callable[[], T], warmup: int = 3) -> Callable[[], T]:
    """Capture the work of `step` as a CUDA graph, and return a function that replays it with one launch.

    The replay gives what the captured call returned: the same arrays, with new values. A small net is bound
    by the microseconds that each launch takes, and a graph is one launch.

    Parameters
    ----------
    step : callable without arguments
        Its arrays have to be the same in every call: copy new data into those it reads. What it decides on
        the host is decided once, but for this: each replay draws the masks of dropout that the next call
        would draw, optimizers count their steps and take the learning rate and the other numbers of their
        groups as they then are, and batch norms count batches. Between replays a schedule may go on, or the
        step be called as ever.
    warmup : int
        Calls before the capture, which make the memory that it uses. They are steps like any others.

    Raises
    ------
    RuntimeError
        Where there is no GPU, for a step that cannot be captured, and for what CUDA refuses. From a replay
        after the `load_state_dict` of an optimizer that was captured.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn import nn, optim
    >>> if fastnn.cuda.is_available():
    ...     import cupy
    ...
    ...     model, loss = nn.Linear(3, 2).to("cuda"), nn.MSELoss()
    ...     optimizer = optim.AdamW(model.parameters(), lr=0.1)
    ...     x, y = cupy.ones((8, 3), "float32"), cupy.zeros((8, 2), "float32")
    ...
    ...     def step():
    ...         optimizer.zero_grad()
    ...         value = loss(model(x), y)
    ...         model.backward_parameters(loss.backward())
    ...         optimizer.step()
    ...         return value
    ...
    ...     replay = fastnn.cuda.graph(step)
    ...     values = [float(replay()) for _ in range(20)]
    ...     assert values[-1] < values[0]
    """
    backend.device_number("cuda")
    import cupy

    pool, stream = cupy.cuda.MemoryPool(), cupy.cuda.Stream(non_blocking=True)
    stream.wait_event(cupy.cuda.get_current_stream().record())
    # The graph keeps its addresses, so its memory is of a pool that nobody else takes from.
    with cupy.cuda.using_allocator(pool.malloc), stream:
        capture = Capture()
        for _ in range(warmup):
            step()
        stream.begin_capture()
        with capturing(capture):
            try:
                result = step()
            finally:
                captured = stream.end_capture()
    cupy.cuda.get_current_stream().wait_event(stream.record())

    def replay() -> T:
        capture.refresh()
        captured.launch(cupy.cuda.get_current_stream())
        return result

    replay.memory = pool  # type: ignore[attr-defined]  # lives as long as the replay does
    return replay
