"""From what the user gave to batches in the model's dtype.

Arrays are cast once, here; batches of a loader are cast as they come, after its own transform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnn.backend import device_of, is_array, is_gpu_array, to_device, to_host
from fastnn.data import ArrayLoader
from fastnn.distributed.group import Group
from fastnn.train.weights import checked_weights

if TYPE_CHECKING:
    from fastnn.nn import Module

Array: TypeAlias = NDArray[Any]


def model_dtype(model: Module) -> np.dtype[Any]:
    """The dtype of the model's parameters; float32 where it has none."""
    for parameter in model.parameters():
        dtype: np.dtype[Any] = parameter.data.dtype
        return dtype
    return np.dtype(np.float32)


def model_device(model: Module) -> str:
    """Where the model's parameters lie; "cpu" where it has none."""
    for parameter in model.parameters():
        return device_of(parameter.data)
    return "cpu"


def are_arrays(data: Any) -> bool:
    """Whether it is (x, y) or (x, y, sample_weight), and no loader."""
    return isinstance(data, (tuple, list)) and len(data) in (2, 3)


def cast_inputs(x: Any, dtype: np.dtype[Any], device: str = "cpu") -> Any:
    """Real numbers of any kind as a C-contiguous array of `dtype`; no copy where `x` is one already."""
    if isinstance(x, tuple):
        return tuple(cast_inputs(part, dtype, device) for part in x)
    return to_device(_cast(_numbers("x", x), dtype), device)


def cast_targets(y: Any, dtype: np.dtype[Any], device: str = "cpu") -> Any:
    """Floats as `dtype`; int32 and int64 labels stay as they are, other integers and bools become int64."""
    if isinstance(y, tuple):
        return tuple(cast_targets(part, dtype, device) for part in y)
    array = _numbers("y", y)
    if array.dtype.kind != "f":
        wide = array.dtype.kind == "i" and array.dtype.itemsize >= 4
        dtype = array.dtype.newbyteorder("=") if wide else np.dtype(np.int64)
    return to_device(_cast(array, dtype), device)


def _cast(array: Any, dtype: np.dtype[Any]) -> Any:
    if is_gpu_array(array):
        return array if array.dtype == dtype else array.astype(dtype)
    return np.ascontiguousarray(array, dtype=dtype)


def _numbers(name: str, value: Any) -> Array:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"[fit] expected {name} without a mask, got a MaskedArray: fill it first")
    array = value if is_gpu_array(value) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        advice = "; encode classes as integers 0 to C-1" if name == "y" else ""
        raise TypeError(f"[fit] expected {name} of a real or integer dtype, got {array.dtype}{advice}")
    return array


class CastLoader:
    """A loader whose batches are cast."""

    def __init__(self, loader: Iterable[Any], dtype: np.dtype[Any], device: str = "cpu") -> None:
        self._loader = loader
        self._dtype = dtype
        self._device = device
        self.source = loader
        self.samples: int | None = getattr(loader, "samples", None)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batch in self._loader:
            if not are_arrays(batch):
                raise ValueError(
                    "[fit] expected batches (x, y) or (x, y, sample_weight) from the loader, "
                    f"got {type(batch).__name__}"
                )
            yield (
                cast_inputs(batch[0], self._dtype, self._device),
                cast_targets(batch[1], self._dtype, self._device),
                *(self._weights(given) for given in batch[2:]),
            )

    def _weights(self, given: Any) -> Any:
        return to_device(_cast(_numbers("sample_weight", given), self._dtype), self._device)


class WeightedLoader(ArrayLoader):
    """Batches (x, y, sample_weight) of arrays."""

    def __init__(self, x: Any, y: Any, sample_weight: Array, **options: Any) -> None:
        self._several = isinstance(y, tuple)
        super().__init__(x, (*y, sample_weight) if self._several else (y, sample_weight), **options)

    def _batch(self, *where: Any) -> Any:
        x, (*y, sample_weight) = super()._batch(*where)
        return x, tuple(y) if self._several else y[0], sample_weight


Batches: TypeAlias = ArrayLoader | CastLoader


def as_batches(
    data: Any, dtype: np.dtype[Any], device: str = "cpu", group: Group | None = None, **options: Any
) -> Batches:
    """Arrays through an ArrayLoader with `options`, a loader as it is.

    Batches are (x, y) or (x, y, sample_weight), have the model's dtype and lie where it does, either way.
    Arrays are brought there as a whole, the batches of a loader one by one. Of both, each rank of a group
    gets its part.
    """
    if are_arrays(data):
        options["shard"] = group
        x, y = cast_inputs(data[0], dtype, device), cast_targets(data[1], dtype, device)
        if len(data) == 2:
            return ArrayLoader(x, y, **options)
        return WeightedLoader(x, y, to_device(checked_weights(data[2], x, dtype), device), **options)
    if isinstance(data, CastLoader):
        return data
    if is_array(data) or not isinstance(data, Iterable):
        raise TypeError(f"[fit] expected data as a pair (x, y) or a loader, got {type(data).__name__}")
    if isinstance(data, ArrayLoader) and group is not None and data.shard.size != group.size:
        raise ValueError(
            f"[fit] expected an ArrayLoader with shard=group for {group}, got one for {data.shard}: "
            "each rank takes its part of the batches"
        )
    return CastLoader(data, dtype, device)


def split(data: Any, fraction: float, seed: int) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Training and validation arrays: a permutation drawn from `seed` is cut at `fraction` of N."""
    if not are_arrays(data):
        raise TypeError(f"[fit] expected data as a pair (x, y) to split, got {type(data).__name__}")
    x, y, *weights = (np.asarray(to_host(part)) for part in data)
    held_out = round(fraction * len(x)) if 0 < fraction < 1 else 0
    if not 0 < held_out < len(x):
        raise ValueError(
            f"[fit] expected validation between 0 and 1, leaving samples on both sides, "
            f"got {fraction} of {len(x)} samples"
        )
    for name, part in zip(("y", "sample_weight"), (y, *weights), strict=False):
        if len(x) != len(part):
            raise ValueError(f"[fit] expected x and {name} of one length, got {len(x)} and {len(part)}")
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).permutation(len(x))
    kept, out = order[held_out:], order[:held_out]
    arrays = (x, y, *weights)
    return tuple(part[kept] for part in arrays), tuple(part[out] for part in arrays)
