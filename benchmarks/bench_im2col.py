"""Windows as columns and back (torch: unfold, fold): the columns are written, or read, once."""

from math import prod
from typing import Any

import numpy as np

from benchmarks.case import Array, Builder, Call, Case

# Shape of x, and kernel, padding, stride.
CONFIGURATIONS = [
    ((32, 16, 28, 28), (3, 1, 1)),
    ((4, 64, 56, 56), (3, 1, 1)),
    ((16, 32, 28, 28), (3, 1, 2)),
]


def numpy_im2col(x: Array, kernel: int, padding: int, stride: int) -> Array:
    p, s = padding, stride
    whole = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    windows = np.lib.stride_tricks.sliding_window_view(whole, (kernel, kernel), axis=(2, 3))[:, :, ::s, ::s]
    N, C, OH, OW = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kernel * kernel, OH * OW)


def numpy_col2im(columns: Array, shape: tuple[int, ...], kernel: int, padding: int, stride: int) -> Array:
    N, C, H, W = shape
    whole = np.zeros((N, C, H + 2 * padding, W + 2 * padding), columns.dtype)
    OH, OW = ((n - kernel) // stride + 1 for n in whole.shape[2:])
    taps = columns.reshape(N, C, kernel, kernel, OH, OW)
    for i in range(kernel):
        for j in range(kernel):
            rows, cells = (slice(a, a + stride * (n - 1) + 1, stride) for a, n in ((i, OH), (j, OW)))
            whole[:, :, rows, cells] += taps[:, :, i, j]
    return whole[:, :, padding : padding + H, padding : padding + W]


def fastnn_im2col(kernel: int, padding: int, stride: int) -> Builder:
    def build(x: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.im2col(x, kernel, 1, padding, stride)

    return build


def torch_im2col(kernel: int, padding: int, stride: int) -> Builder:
    def build(x: Any) -> Call:
        from torch.nn.functional import unfold

        return lambda: unfold(x, kernel, 1, padding, stride)

    return build


def fastnn_col2im(size: tuple[int, ...], kernel: int, padding: int, stride: int) -> Builder:
    def build(columns: Array) -> Call:
        import fastnn.functional as F

        return lambda: F.col2im(columns, size, kernel, 1, padding, stride)

    return build


def torch_col2im(size: tuple[int, ...], kernel: int, padding: int, stride: int) -> Builder:
    def build(columns: Any) -> Call:
        from torch.nn.functional import fold

        return lambda: fold(columns, size, kernel, 1, padding, stride)

    return build


def columns_shape(shape: tuple[int, ...], kernel: int, padding: int, stride: int) -> tuple[int, ...]:
    OH, OW = ((n + 2 * padding - kernel) // stride + 1 for n in shape[2:])
    return shape[0], shape[1] * kernel * kernel, OH * OW


def case(name: str, shape: tuple[int, ...], options: tuple[int, int, int]) -> Case:
    columns = columns_shape(shape, *options)
    forward = name == "im2col"
    return Case(
        name="{} {}x{}x{}x{} kernel {} stride {}".format(name, *shape, options[0], options[2]),
        op="im2col",
        inputs=lambda rng: [rng.standard_normal(shape if forward else columns)],
        builders={
            "fastnn": fastnn_im2col(*options) if forward else fastnn_col2im(shape[2:], *options),
            "torch": torch_im2col(*options) if forward else torch_col2im(shape[2:], *options),
            "numpy": lambda a: (
                lambda: numpy_im2col(a, *options) if forward else numpy_col2im(a, shape, *options)
            ),
        },
        least_bytes=4 * (prod(shape) + prod(columns)),
        compare_numpy=True,
    )


CASES = [case(name, shape, options) for name in ("im2col", "col2im") for shape, options in CONFIGURATIONS]
