"""Files in the IDX format, in which MNIST and its relatives come."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import numpy as np

if TYPE_CHECKING:
    from fastnn.data.fields import Array

# The third byte of a file; values are big-endian.
DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = b"\x1f\x8b"
# Deflate stands for at most 258 bytes by two bits, so nothing unpacks to more than this times its size.
MOST_GROWTH = 1032
CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read an IDX file, packed by gzip or not, such as MNIST's `train-images-idx3-ubyte.gz`.

    The format is that of LeCun's MNIST page: two zero bytes, a dtype, the number of axes, their lengths as
    32-bit integers, the values. No file makes this take more memory than it holds values.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    array
        Of the file's shape and dtype (uint8 to float64), in native byte order.

    Raises
    ------
    ValueError
        For a file that is damaged, cut off, too long, or of another format, saying which.
    OSError
        Where it cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnn.data import read_idx
    >>> path = os.path.join(tempfile.mkdtemp(), "two-labels")
    >>> with open(path, "wb") as file:
    ...     _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 3]))
    >>> read_idx(path)
    array([7, 3], dtype=uint8)

    Training and validation parts, each with the same share of every label, are scikit-learn's:

    >>> import numpy as np
    >>> from sklearn.model_selection import train_test_split
    >>> images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 2
    >>> x, x_val, y, y_val = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)
    >>> x.shape, y_val
    ((16, 28, 28), array([1, 0, 0, 1]))
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        packed = file.read(2) == GZIP
        file.seek(0)
        if not packed:
            return _Reader(path, file, size).array()
        import gzip
        import zlib

        try:
            with gzip.open(file, "rb") as unpacked:
                return _Reader(path, unpacked, MOST_GROWTH * size).array()  # type: ignore[arg-type]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"[read_idx] expected a whole gzip file, got {error} in {path}") from error


class _Reader:
    """Reads a stream that holds `most` bytes, or fewer."""

    def __init__(self, path: str | os.PathLike[str], stream: BinaryIO, most: int) -> None:
        self.path, self.stream, self.most = path, stream, most

    def array(self) -> Array:
        """The only array of the stream."""
        first, second, code, axes = self.take(4, "a header")
        if first or second or code not in DTYPES:
            self.fail("an IDX file", f"one that begins with {bytes([first, second, code, axes]).hex(' ')}")
        dtype = np.dtype(DTYPES[code])
        lengths = np.frombuffer(self.take(4 * axes, f"the lengths of {axes} axes"), ">u4")
        shape = tuple(int(n) for n in lengths)
        values = self.take(math.prod(shape) * dtype.itemsize, f"{dtype.name} values of shape {shape}")
        if self.stream.read(1):
            self.fail(f"nothing after {dtype.name} values of shape {shape}", "more bytes")
        array = np.frombuffer(values, dtype).reshape(shape)
        return array if array.dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder("="))

    def take(self, count: int, what: str) -> bytearray:
        """So many bytes, in memory that grows as they come."""
        if count > self.most:
            self.fail(what, f"{count} bytes of it announced and {self.most} at most there")
        data = bytearray()
        while len(data) < count:
            chunk = self.stream.read(min(CHUNK, count - len(data)))
            if not chunk:
                self.fail(f"{count} bytes of {what}", f"the end after {len(data)} of them")
            data += chunk
        return data

    def fail(self, expected: str, got: str) -> NoReturn:
        raise ValueError(f"[read_idx] expected {expected}, got {got} in {self.path}")
