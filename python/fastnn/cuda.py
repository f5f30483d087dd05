"""Whether a GPU can be used, and waiting for it. Operations take the GPU by being given CuPy arrays."""

from __future__ import annotations

from fastnn import backend

__all__ = ["device_count", "is_available", "reason_unavailable", "synchronize"]


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
