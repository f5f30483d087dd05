"""A case: one call, declared once for every library, with its inputs, its work and its reference.

`builders` maps a library to a function that takes the input arrays and returns the call to time.
The arrays come from a seed that follows from the case's name, so every process draws the same ones.
The "numpy" builder does double duty: on float64 copies of the inputs it is the reference.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Library: TypeAlias = Literal["fastnn", "torch", "numpy"]
Call: TypeAlias = Callable[[], object]
Builder: TypeAlias = Callable[..., Call]
Error: TypeAlias = Callable[[Sequence[Array], Sequence[Array]], float]


def flatten(result: object) -> list[Array]:
    """The arrays (numpy) in a result: an array, a tensor, a number, None, or a sequence of these."""
    if result is None:
        return []
    if isinstance(result, (list, tuple)):
        return [array for item in result for array in flatten(item)]
    detach = getattr(result, "detach", None)
    return [np.asarray(result if detach is None else detach())]


def relative_error(outputs: Sequence[Array], reference: Sequence[Array]) -> float:
    """Largest absolute error over the largest reference value, the worst of all outputs."""
    if [a.shape for a in outputs] != [b.shape for b in reference]:
        raise ValueError(f"shapes {[a.shape for a in outputs]} against {[b.shape for b in reference]}")
    errors = [np.max(np.abs(a - b)) / np.max(np.abs(b)) for a, b in zip(outputs, reference, strict=True)]
    return float(np.max(errors))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the comparison.

    flops: multiplications and additions of one call, for cases bound by arithmetic.
    least_bytes: what has to cross memory at least, for cases bound by bandwidth.
    target: the ratio fastnn / PyTorch to stay below.
    compare_numpy: NumPy has the operation itself, so its time is worth a column.
    autograd: PyTorch needs its tape; otherwise it runs under inference_mode.
    rebuild: start each block from the initial state (training would drift into denormals).
    check_calls: how many calls are made before the outputs are compared.
    large: a call takes a good part of a second; timed in fewer pairs.
    """

    name: str
    op: str
    inputs: Callable[[np.random.Generator], Sequence[Array]]
    builders: Mapping[Library, Builder]
    dtype: Literal["float32", "float64"] = "float32"
    flops: float = 0.0
    least_bytes: float = 0.0
    target: float = 1.0
    compare_numpy: bool = False
    autograd: bool = False
    rebuild: bool = False
    check_calls: int = 1
    large: bool = False
    error: Error = relative_error

    def arrays(self, dtype: str) -> list[Array]:
        """The inputs; floating arrays as `dtype`, but rounded to the case's own dtype first."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        drawn = [np.ascontiguousarray(a) for a in self.inputs(rng)]
        return [a.astype(self.dtype).astype(dtype) if a.dtype.kind == "f" else a for a in drawn]

    def make(self, library: Library, arrays: Sequence[Array]) -> Call:
        """Builds the call for one library, on copies of the inputs: training changes them."""
        own: Sequence[Any] = [a.copy() for a in arrays]
        if library == "torch":
            import torch

            own = [torch.from_numpy(a) for a in own]
        return self.builders[library](*own)

    def reference(self) -> list[Array]:
        """The outputs in float64 by NumPy."""
        return outputs(self.builders["numpy"](*self.arrays("float64")), self.check_calls)


def outputs(call: Call, calls: int) -> list[Array]:
    """Copies of what the last of `calls` calls returns."""
    for _ in range(calls - 1):
        call()
    return [array.copy() for array in flatten(call())]
