"""Windows as columns and back, one tap of the kernel after the other."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pair = tuple[int, int]
Sides = tuple[Pair, Pair]


def taps(
    kernel: Pair, dilation: Pair, stride: Pair, size: Pair
) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Each tap and the cells under it, one a window, in a padded plane of this size."""
    counts = [
        (n - d * (k - 1) - 1) // s + 1 for n, k, d, s in zip(size, kernel, dilation, stride, strict=True)
    ]
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            starts = (i * dilation[0], j * dilation[1])
            rows, columns = (
                slice(a, a + s * (n - 1) + 1, s) for a, s, n in zip(starts, stride, counts, strict=True)
            )
            yield i, j, (rows, columns)


def padded_size(size: Pair, padding: Sides) -> Pair:
    return size[0] + sum(padding[0]), size[1] + sum(padding[1])


def im2col(x: NDArray, kernel_size: Pair, dilation: Pair, padding: Sides, stride: Pair) -> Array:
    """For x (..., C, H, W) -> (..., C kH kW, L)."""
    *lead, C, H, W = x.shape
    whole = np.zeros((*lead, C, *padded_size((H, W), padding)))
    (top, _), (left, _) = padding
    whole[..., top : top + H, left : left + W] = x
    found = [
        whole[..., rows, columns]
        for _, _, (rows, columns) in taps(kernel_size, dilation, stride, whole.shape[-2:])
    ]
    stacked = np.stack(found, axis=-3)
    return stacked.reshape(*lead, C * len(found), stacked.shape[-2] * stacked.shape[-1])


def col2im(
    columns: NDArray, output_size: Pair, kernel_size: Pair, dilation: Pair, padding: Sides, stride: Pair
) -> Array:
    """For columns (..., C kH kW, L) -> (..., C, H, W)."""
    *lead, rows, _ = columns.shape
    kH, kW = kernel_size
    H, W = output_size
    C = rows // (kH * kW)
    whole = np.zeros((*lead, C, *padded_size(output_size, padding)))
    with np.errstate(all="ignore"):
        for i, j, cells in taps(kernel_size, dilation, stride, whole.shape[-2:]):
            target = whole[(..., *cells)]
            target += columns.reshape(*lead, C, kH, kW, *target.shape[-2:])[..., i, j, :, :]
    (top, _), (left, _) = padding
    return whole[..., top : top + H, left : left + W]
