"""`out=` is fully written and returned itself, a wrong one is refused; inputs are never modified."""

import hashlib
from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call
from tests.opinfo.comparison import assert_same_bits
from tests.opinfo.layouts import LAYOUTS

WITH_OUT = [f for f in FUNCTIONS if f.outs]


def poisoned(function: Function, results: tuple) -> tuple[np.ndarray, ...]:
    return tuple(np.full_like(results[i], np.nan) for i in function.outs)


def samples_with_out(function: Function, dtype: str) -> list[Sample]:
    return [s.cast(dtype) for s in function.fresh() if function.takes_out(s)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", WITH_OUT, ids=str)
def test_out_is_fully_written_and_returned(backend: Backend, function: Function, dtype: str) -> None:
    for given in samples_with_out(function, dtype):
        wanted = call(backend, function, given)
        out = poisoned(function, wanted)
        results = call(backend, function, given, out)
        for i, array in zip(function.outs, out, strict=True):
            assert results[i] is array
        assert_same_bits(results, wanted, f"{function} of {given}")


def spoil(results: tuple) -> None:
    for array in results:
        if isinstance(array, np.ndarray):
            array.fill(np.nan if array.dtype.kind == "f" else -1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", WITH_OUT, ids=str)
def test_new_results_are_fully_written(backend: Backend, function: Function, dtype: str) -> None:
    """Their memory is that of results which were let go: here those hold NaN."""
    for sample in function.fresh():
        given = sample.cast(dtype)
        wanted = call(backend, function, given)
        for _ in range(2):
            spoil(call(backend, function, given))
        assert_same_bits(call(backend, function, given), wanted, f"{function} of {given}")


UNKNOWN_TO_CUPY = ("read-only", "masked")


def wrong_outs(backend: Backend, out: np.ndarray) -> dict[str, tuple[Any, type[Exception], str]]:
    frozen = out.copy()
    frozen.flags.writeable = False
    other = "float64" if out.dtype == np.float32 else "float32"
    wrong = {
        "shape": (np.empty((*out.shape, 2), out.dtype), ValueError, r"out.*\("),
        "one more": (np.empty((out.shape[0] + 1, *out.shape[1:]), out.dtype), ValueError, r"out.*\("),
        "dtype": (out.astype(other), TypeError, f"out.*{out.dtype}.*{other}"),
        "integers": (out.astype(np.int64), TypeError, f"out.*{out.dtype}.*int64"),
        "read-only": (frozen, ValueError, "out.*writ.*read-only"),
        "list": (out.tolist(), TypeError, "out.*ndarray.*list"),
        "masked": (np.ma.masked_array(out), TypeError, "out.*ndarray.*MaskedArray"),
    }
    return {
        name: case
        for name, case in wrong.items()
        if not (backend.always_writeable and name in UNKNOWN_TO_CUPY)
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", WITH_OUT, ids=str)
def test_wrong_out_is_refused(backend: Backend, function: Function, dtype: str) -> None:
    shaped = [s for s in samples_with_out(function, dtype) if all(a.size > 1 for a in s.arrays.values())]
    for given in shaped[:3]:
        results = call(backend, function, given)
        for i in range(len(function.outs)):
            for value, exception, match in wrong_outs(backend, results[function.outs[i]]).values():
                out: list[Any] = list(poisoned(function, results))
                out[i] = value
                with pytest.raises(exception, match=rf"{function.prefix}{match}"):
                    call(backend, function, given, tuple(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "read_only"])
@pytest.mark.parametrize("function", WITH_OUT, ids=str)
def test_out_in_any_layout_is_right_or_refused(
    backend: Backend, function: Function, layout: str, dtype: str
) -> None:
    for given in samples_with_out(function, dtype):
        wanted = call(backend, function, given)
        out = tuple(LAYOUTS[layout](a) for a in poisoned(function, wanted))
        try:
            results = call(backend, function, given, out)
        except ValueError:
            assert all(np.isnan(a).all() for a in out)
        else:
            for i, array in zip(function.outs, out, strict=True):
                assert results[i] is array
                native = array.astype(dtype, order="C")
                assert_same_bits([native], [wanted[i]], f"{function} into {layout} of {given}")


@pytest.mark.parametrize("function", WITH_OUT, ids=str)
def test_elements_between_those_of_out_are_kept(backend: Backend, function: Function) -> None:
    for given in samples_with_out(function, "float32"):
        wanted = call(backend, function, given)
        wide = tuple(np.full([2 * n for n in wanted[i].shape], 7, np.float32) for i in function.outs)
        out = tuple(w[(*(slice(None, None, 2) for _ in w.shape), ...)] for w in wide)
        try:
            call(backend, function, given, out)
        except ValueError:
            assert all((w == 7).all() for w in wide)
        else:
            for w, view in zip(wide, out, strict=True):
                view[...] = 7
                assert (w == 7).all()


def digest(sample: Sample) -> dict[str, str]:
    return {name: hashlib.sha256(a.tobytes()).hexdigest() for name, a in sample.arrays.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_inputs_are_not_modified(backend: Backend, function: Function, dtype: str) -> None:
    for sample in function.fresh():
        given = sample.cast(dtype)
        before = digest(given)
        call(backend, function, given)
        after = digest(given)
        changed = {name for name in before if before[name] != after[name]}
        assert changed <= set(function.in_place(sample)), f"{function} changed {changed} of {sample}"
