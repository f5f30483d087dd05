"""Dropout with a mask from Philox4x32-10, one 32-bit word an element.

The generator: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
Element i in C order uses word i % 4 of the block at counter (lo(i // 4), hi(i // 4), lo(call), hi(call))
under the key (lo(seed), hi(seed)); it is kept where the word is at least round(p 2^32). In dropout2d
the cells of channel c of image n all use the word of element n C + c.
"""

import math

import numpy as np
from numpy.typing import NDArray

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(counter: NDArray[np.uint64], key: tuple[int, int]) -> NDArray[np.uint64]:
    """Blocks of four 32-bit words (held in uint64) for counters (n, 4)."""
    a, b, c, d = (counter[:, i].copy() for i in range(4))
    k0, k1 = key
    for _ in range(10):
        left, right = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
        a, b, c, d = (
            (right >> HALF) ^ b ^ np.uint64(k0),
            right & LOW,
            (left >> HALF) ^ d ^ np.uint64(k1),
            left & LOW,
        )
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack([a, b, c, d], axis=1)


def words(size: int, seed: int, call: int) -> NDArray[np.uint64]:
    """One word an element, for elements 0 ... size - 1."""
    blocks = np.arange(-(-size // 4), dtype=np.uint64)
    counter = np.empty((blocks.size, 4), dtype=np.uint64)
    counter[:, 0], counter[:, 1] = blocks & LOW, blocks >> HALF
    counter[:, 2], counter[:, 3] = call & 0xFFFFFFFF, call >> 32
    return philox(counter, (seed & 0xFFFFFFFF, seed >> 32)).reshape(-1)[:size]


def kept(size: int, p: float, seed: int, call: int) -> NDArray[np.bool_]:
    return words(size, seed, call) >= np.uint64(math.floor(p * 2**32 + 0.5))


def forward(x: NDArray, p: float, seed: int, call: int) -> NDArray:
    """In the dtype of x: the scale 1 / (1 - p) is rounded to it once, so the product has one right answer."""
    x = np.asarray(x)
    dtype = x.dtype.newbyteorder("=")
    scale = dtype.type(0.0 if p == 1.0 else 1.0 / (1.0 - p))
    mask = np.where(kept(x.size, p, seed, call), scale, dtype.type(0)).reshape(x.shape)
    with np.errstate(all="ignore"):
        return x.astype(dtype) * mask


def forward2d(x: NDArray, p: float, seed: int, call: int) -> NDArray:
    x = np.asarray(x)
    mask = forward(np.ones(x.shape[:2], x.dtype), p, seed, call)
    with np.errstate(all="ignore"):
        return x.astype(mask.dtype) * mask.reshape(mask.shape + (1,) * (x.ndim - 2))
