"""The binary files of CIFAR-10 and CIFAR-100."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from fastnn.data.fields import Array

Path: TypeAlias = str | os.PathLike[str]
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class _Kind:
    """One of the two data sets: its name, and how many classes each label of a record chooses from."""

    name: str
    classes: tuple[int, ...]

    @property
    def record(self) -> int:
        return len(self.classes) + PIXELS


KINDS = (_Kind("CIFAR-10", (10,)), _Kind("CIFAR-100", (20, 100)))  # coarse, fine


def read_cifar(
    path_or_paths: Path | Sequence[Path], labels: Literal["fine", "coarse"] = "fine"
) -> tuple[Array, Array]:
    """Read images and labels of CIFAR-10 or CIFAR-100 from their binary files, such as `data_batch_1.bin`.

    Krizhevsky, "Learning multiple layers of features from tiny images", 2009. Which of the two a file holds
    follows from its size and its labels.

    Parameters
    ----------
    path_or_paths : path, or list of paths
        Files of one of the two, joined in this order.
    labels : "fine" or "coarse"
        Of CIFAR-100, the 100 classes or the 20 groups of them; CIFAR-10 has "fine" ones only.

    Returns
    -------
    images : uint8 array of shape (N, 3, 32, 32)
        Red, green, blue.
    labels : int64 array of shape (N,)

    Raises
    ------
    ValueError
        For a file that is no whole number of records, labels out of range, files of both kinds, or no file.
    OSError
        Where a file cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnn.data import read_cifar
    >>> path = os.path.join(tempfile.mkdtemp(), "data_batch_1.bin")
    >>> with open(path, "wb") as file:
    ...     _ = file.write(bytes([6]) + bytes(3 * 32 * 32))
    >>> images, labels = read_cifar(path)
    >>> images.shape, labels
    ((1, 3, 32, 32), array([6]))

    Folds for cross-validation are scikit-learn's:

    >>> from sklearn.model_selection import StratifiedKFold
    >>> folds = StratifiedKFold(5, shuffle=True, random_state=0)
    >>> [len(held_out) for _, held_out in folds.split([0] * 50, [0, 1] * 25)]
    [10, 10, 10, 10, 10]
    """
    if labels not in ("fine", "coarse"):
        raise ValueError(f'[read_cifar] expected labels "fine" or "coarse", got {labels!r}')
    paths = [path_or_paths] if isinstance(path_or_paths, (str, os.PathLike)) else list(path_or_paths)
    if not paths:
        raise ValueError("[read_cifar] expected at least one path, got none")
    files = [_records(path) for path in paths]
    kind = files[0][0]
    for path, (other, _) in zip(paths, files, strict=True):
        if other is not kind:
            raise ValueError(f"[read_cifar] expected files of {kind.name} alone, got {other.name} in {path}")
    if labels == "coarse" and len(kind.classes) == 1:
        raise ValueError(f'[read_cifar] expected labels "fine" for {kind.name}, got "coarse"')
    records = [records for _, records in files]
    chosen = 0 if labels == "coarse" else len(kind.classes) - 1
    images = np.concatenate([r[:, len(kind.classes) :] for r in records]).reshape(-1, 3, 32, 32)
    return images, np.concatenate([r[:, chosen] for r in records]).astype(np.int64)


def _records(path: Path) -> tuple[_Kind, Any]:
    """The kind of a file, and its records (N, labels and pixels), read when used."""
    size = os.path.getsize(path)
    kinds = [kind for kind in KINDS if size and size % kind.record == 0]
    if not kinds:
        raise ValueError(
            f"[read_cifar] expected records of {KINDS[0].record} bytes (CIFAR-10) or {KINDS[1].record} "
            f"(CIFAR-100), got {size} bytes in {path}"
        )
    content = np.memmap(path, np.uint8, "r")
    found = [(kind, content.reshape(-1, kind.record)) for kind in kinds]
    for kind, records in found:
        if (records[:, : len(kind.classes)] < kind.classes).all():
            return kind, records
    kind, records = found[-1]
    row, which = np.argwhere(records[:, : len(kind.classes)] >= kind.classes)[0]
    raise ValueError(
        f"[read_cifar] expected labels of {kind.name} below {kind.classes[which]}, "
        f"got {records[row, which]} in record {row} of {path}"
    )
