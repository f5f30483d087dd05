"""Arrays are float32 or float64, of one dtype in a call; other kinds are a TypeError with a way out."""

from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call

CASES = [
    pytest.param(function, name, id=f"{function}-{name}")
    for function in FUNCTIONS
    for name in dict.fromkeys(
        name.rstrip("0123456789")
        for sample in function.fresh()
        for name in sample.floats()
        if name not in function.free_dtype
    )
]


def samples_with(function: Function, name: str) -> list[tuple[Sample, str]]:
    """Three samples that have the argument, and the key of its last array."""
    found = []
    for sample in function.fresh():
        keys = [
            key for key in sample.floats() if key.rstrip("0123456789") == name and sample.arrays[key].size
        ]
        if keys:
            found.append((sample.cast("float32"), keys[-1]))
    return found[1:4]


def wrong_values(a: np.ndarray) -> dict[str, Any]:
    dtypes = ("int64", "uint8", "float16", "bool", "complex64", "complex128", "object", "longdouble", "U3")
    return {str(np.dtype(dtype)): a.astype(dtype) for dtype in dtypes}


@pytest.mark.parametrize(("function", "name"), CASES)
def test_other_dtypes_are_refused(backend: Backend, function: Function, name: str) -> None:
    for sample, key in samples_with(function, name):
        for dtype, value in wrong_values(sample.arrays[key]).items():
            with pytest.raises(TypeError, match=rf"{function.prefix}{name}.*float32.*{dtype}"):
                call(backend, function, sample.put(**{key: value}))


@pytest.mark.parametrize(("function", "name"), CASES)
def test_other_kinds_are_refused(backend: Backend, function: Function, name: str) -> None:
    for sample, key in samples_with(function, name):
        a = sample.arrays[key]
        for value, kind in (
            (np.ma.masked_array(a), "MaskedArray"),
            (a.tolist(), "list"),
            (a.data, "memoryview"),
        ):
            with pytest.raises(TypeError, match=rf"{function.prefix}{name}.*ndarray.*{kind}"):
                function.run(backend, sample.put(**{key: value}), None)


@pytest.mark.parametrize(("function", "name"), CASES)
def test_mixed_dtypes_say_which_cast_to_make(backend: Backend, function: Function, name: str) -> None:
    """Of two arguments, one float32 and one float64; alone an array has nothing to clash with."""
    advice = "float(32|64).*astype" if function.outs else "float32.*float64|float64.*float32"
    for sample, key in samples_with(function, name):
        given = sample.put(**{key: sample.arrays[key].astype("float64")})
        if len([n for n in given.floats() if n not in function.free_dtype]) > 1:
            with pytest.raises(TypeError, match=rf"{function.prefix}({advice})"):
                call(backend, function, given)


class Tagged(np.ndarray):
    """A subclass with nothing of its own."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.outs], ids=str)
def test_subclass_is_read_and_base_returned(backend: Backend, function: Function, dtype: str) -> None:
    for sample in function.fresh():
        given = sample.cast(dtype)
        wanted = call(backend, function, given)
        results = call(backend, function, given.map(lambda _, a: a.view(Tagged)))
        for result, want in zip(results, wanted, strict=True):
            assert type(result) is type(want)
            assert type(result) is np.ndarray or np.isscalar(result)
            np.testing.assert_array_equal(result, want)
