"""Named arrays and a text in one safetensors file, with a checksum each.

The file is plain safetensors, so other libraries read its arrays. Its metadata hold `fastnn`, a JSON text
with the CRC-32 of every array (of its dtype, shape and bytes), and `sha256`, the digest of that text.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from fastnn.io.atomic import write_atomically

if TYPE_CHECKING:
    from fastnn._core import Array

TEXT, DIGEST = "fastnn", "sha256"


def _safetensors(op: str) -> Any:
    try:
        import safetensors.numpy
    except ModuleNotFoundError as error:
        raise ImportError(f"[{op}] needs the package safetensors: pip install safetensors") from error
    return safetensors


def write_tensors(
    op: str, path: str | os.PathLike[str], tensors: Mapping[str, Any], extra: Mapping[str, Any]
) -> None:
    """Write `tensors`, and `extra` as JSON, so that no reader ever finds half a file."""
    package = _safetensors(op)
    plain = {name: _plain(value) for name, value in tensors.items()}
    text = json.dumps({**extra, "crc32": {name: _checksum(array) for name, array in plain.items()}})
    metadata = {TEXT: text, DIGEST: _digest(text)}
    # Its save_file leaves temporary files of its own behind where the process is killed.
    write_atomically(path, package.numpy.save(plain, metadata=metadata))


def read_tensors(op: str, path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any] | None]:
    """The arrays and the extra of a file; None in place of it where another library wrote the file.

    ValueError with the reason for anything that is not, bit for bit, what was written.
    """
    package = _safetensors(op)
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"[{op}] expected a file, got {str(path)!r}, which is none")
    try:
        with package.safe_open(file, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118, no mapping
    except (package.SafetensorError, AttributeError, TypeError, ValueError, OverflowError) as error:
        _refuse(op, path, f"it is damaged, or no safetensors file of numbers NumPy has ({error})")
    if TEXT not in metadata and DIGEST not in metadata:
        return tensors, None
    extra: dict[str, Any] = _verified(op, path, tensors, metadata)
    return tensors, extra


def _verified(op: str, path: Any, tensors: dict[str, Array], metadata: dict[str, str]) -> Any:
    text = metadata.get(TEXT, "")
    if _digest(text) != metadata.get(DIGEST):
        _refuse(op, path, "its description is damaged")
    extra = json.loads(text)
    checksums = extra.pop("crc32")
    if checksums.keys() != tensors.keys():
        _refuse(op, path, f"it should hold {sorted(checksums)}, but holds {sorted(tensors)}")
    for name, array in tensors.items():
        if _checksum(array) != checksums[name]:
            _refuse(op, path, f"{name} is damaged")
    return extra


def _refuse(op: str, path: Any, reason: str) -> NoReturn:
    raise ValueError(f"[{op}] cannot read {os.fspath(path)!r}: {reason}")


def _plain(value: Any) -> Array:
    array = np.asarray(value, order="C")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _checksum(array: Array) -> int:
    crc = zlib.crc32(f"{array.dtype.str}{array.shape}".encode())
    return zlib.crc32(array.data.cast("B"), crc) if array.size else crc


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
