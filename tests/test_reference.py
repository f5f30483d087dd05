"""Every function agrees with its float64 reference, in both dtypes, over all samples of the table."""

import numpy as np
import pytest

import fastnn
from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, call
from tests.opinfo.base import TAILS
from tests.opinfo.tolerance import assert_matches_reference


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_agrees_with_reference(backend: Backend, function: Function, dtype: str) -> None:
    for sample in function.fresh():
        given = sample.cast(dtype)
        results = call(backend, function, given.cast(dtype))
        assert_matches_reference(function, given, results, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_agrees_with_reference_on_several_threads(backend: Backend, function: Function, dtype: str) -> None:
    fastnn.set_num_threads(2)
    for sample in function.large(np.random.default_rng(1)):
        given = sample.cast(dtype)
        results = call(backend, function, given.cast(dtype))
        assert_matches_reference(function, given, results, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_results_are_new_contiguous_arrays(backend: Backend, function: Function, dtype: str) -> None:
    for sample in function.fresh():
        given = sample.cast(dtype)
        for result in call(backend, function, given):
            if function.outs and isinstance(result, np.ndarray):
                assert type(result) is np.ndarray
                assert result.flags.c_contiguous
                assert result.flags.writeable
                assert not any(np.may_share_memory(result, a) for a in given.arrays.values())


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_samples_meet_vector_tails_and_empty_arrays(function: Function) -> None:
    lengths = {n for sample in function.fresh() for a in sample.arrays.values() for n in a.shape}
    assert {0, *TAILS} <= lengths
