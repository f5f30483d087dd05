"""Padding as a plane of indices: which cell of x each cell of the result is a copy of, -1 for none."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def sources(H: int, W: int, pad: tuple[int, ...], mode: str) -> NDArray[np.int64]:
    """Pad by what is positive, then cut what is negative."""
    left, right, top, bottom = (*pad, 0, 0)[:4]
    grow = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
    plane = np.arange(H * W).reshape(H, W)
    if mode in NUMPY_MODES:
        padded = np.pad(plane, grow, mode=NUMPY_MODES[mode])  # type: ignore[call-overload]
    else:
        padded = np.pad(plane, grow, constant_values=-1)
    rows, columns = padded.shape
    return padded[max(-top, 0) : rows - max(-bottom, 0), max(-left, 0) : columns - max(-right, 0)]


def planes(x: NDArray, axes: int) -> tuple[Array, tuple[int, ...]]:
    """(planes, H, W), a vector being a plane of one row, and the axes in front."""
    lead = x.shape[: x.ndim - axes]
    H = x.shape[-2] if axes == 2 else 1
    return np.asarray(x, dtype=np.float64).reshape(int(np.prod(lead)), H, x.shape[-1]), lead


def forward(x: NDArray, pad: tuple[int, ...], mode: str = "constant", value: float = 0.0) -> Array:
    """For x (..., H, W) and pad (left, right, top, bottom), or x (..., W) and (left, right)."""
    axes = len(pad) // 2
    cells, lead = planes(x, axes)
    source = sources(cells.shape[1], cells.shape[2], pad, mode)
    fill: Array = np.full(len(cells), value)
    if mode == "mean":
        with np.errstate(all="ignore"):
            fill = cells.mean(axis=(1, 2))
    y = np.broadcast_to(fill[:, None, None], (len(cells), *source.shape)).copy()
    y[:, source >= 0] = cells.reshape(len(cells), cells.shape[1] * cells.shape[2])[:, source[source >= 0]]
    return y.reshape(*lead, *source.shape[2 - axes :])


def backward(grad_output: NDArray, pad: tuple[int, ...], mode: str = "constant") -> Array:
    """The sum over the copies of each cell; the mean's is spread over the plane."""
    axes = len(pad) // 2
    grad, lead = planes(grad_output, axes)
    left, right, top, bottom = (*pad, 0, 0)[:4]
    H, W = grad.shape[1] - top - bottom, grad.shape[2] - left - right
    source = sources(H, W, pad, mode)
    grad_x: Array = np.zeros((len(grad), H * W))
    with np.errstate(all="ignore"):
        np.add.at(grad_x.T, source[source >= 0], grad[:, source >= 0].T)
        if mode == "mean":
            grad_x += grad[:, source < 0].sum(axis=1, keepdims=True) / (H * W)
    return grad_x.reshape(*lead, *(H, W)[2 - axes :])
