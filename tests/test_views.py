"""An array gives the same bits however it lies in memory: strided, swapped, unaligned or read-only."""

import itertools

import numpy as np
import pytest

from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call
from tests.opinfo.comparison import assert_same_bits
from tests.opinfo.layouts import LAYOUTS

PURE = [f for f in FUNCTIONS if f.outs]
IN_PLACE = [f for f in FUNCTIONS if not f.outs]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("function", PURE, ids=str)
def test_view_equals_copy(backend: Backend, function: Function, layout: str, dtype: str) -> None:
    for sample in function.fresh():
        given = sample.cast(dtype)
        view = given.map(lambda _, a: LAYOUTS[layout](a))
        wanted = call(backend, function, given)
        assert_same_bits(call(backend, function, view), wanted, f"{function} {layout} of {given}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", PURE, ids=str)
def test_layouts_may_differ_in_a_call(backend: Backend, function: Function, dtype: str) -> None:
    layouts = itertools.cycle(LAYOUTS.values())
    for sample in function.fresh():
        given = sample.cast(dtype)
        view = given.map(lambda _, a: next(layouts)(a))
        wanted = call(backend, function, given)
        assert_same_bits(call(backend, function, view), wanted, f"{function} of {given}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", PURE, ids=str)
def test_broadcast_view_equals_copy(backend: Backend, function: Function, dtype: str) -> None:
    """Strides of 0, over the first axis of every floating array."""
    for sample in function.fresh():
        given = sample.cast(dtype).map(
            lambda _, a: np.broadcast_to(a[:1], a.shape) if a.ndim and a.size and a.dtype.kind == "f" else a
        )
        wanted = call(backend, function, given.map(lambda _, a: a.copy()))
        assert_same_bits(call(backend, function, given), wanted, f"{function} of {given}")


def step(backend: Backend, function: Function, sample: Sample) -> tuple:
    """The results of an update in place, as contiguous native copies."""
    return tuple(r.astype(r.dtype.newbyteorder("="), order="C") for r in call(backend, function, sample))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("function", IN_PLACE, ids=str)
def test_update_reads_any_layout(backend: Backend, function: Function, layout: str, dtype: str) -> None:
    for sample in function.fresh():
        kept = function.in_place(sample)
        view = sample.cast(dtype).map(lambda name, a: a if name in kept else LAYOUTS[layout](a))  # noqa: B023
        wanted = step(backend, function, sample.cast(dtype))
        assert_same_bits(step(backend, function, view), wanted, f"{function} {layout} of {sample}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("function", IN_PLACE, ids=str)
def test_update_of_a_view_is_right_or_refused(
    backend: Backend, function: Function, layout: str, dtype: str
) -> None:
    """A silent copy would lose the update, so what cannot be written in place is refused and left alone."""
    if backend.always_writeable and layout == "read_only":
        pytest.skip("CuPy's arrays can always be written")
    for sample in function.fresh():
        kept = function.in_place(sample)
        view = sample.cast(dtype).map(lambda name, a: LAYOUTS[layout](a) if name in kept else a)  # noqa: B023
        before = {name: a.tobytes() for name, a in view.arrays.items()}
        wanted = step(backend, function, sample.cast(dtype))
        try:
            results = step(backend, function, view)
        except (TypeError, ValueError):
            assert {name: a.tobytes() for name, a in view.arrays.items()} == before
        else:
            assert_same_bits(results, wanted, f"{function} {layout} of {sample}")
            assert layout != "read_only" or not any(view.arrays[name].size for name in kept)
