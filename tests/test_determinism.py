"""The same bits for any number of threads, from run to run, and for a batch cut into single rows."""

import numpy as np
import pytest

import fastnn.functional as F
from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call
from tests.opinfo.comparison import assert_same_bits

THREADS = (*range(1, 9), 16)
SHAPES = 30


def run(backend: Backend, function: Function, sample: Sample, dtype: str) -> tuple:
    """On copies, since the call may update its arguments."""
    return call(backend, function, sample.cast(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_bits_do_not_depend_on_threads(backend: Backend, function: Function, dtype: str) -> None:
    """On 30 small shapes, which one thread computes, and on all that are cut among threads."""
    fresh, large = function.fresh(), function.large(np.random.default_rng(5))
    samples = fresh[:: max(1, len(fresh) // SHAPES)] + large
    assert sum(len(sample.arrays) for sample in samples) >= SHAPES
    wanted: list[tuple] = []
    for threads in THREADS:
        backend.core.set_num_threads(threads)
        results = [run(backend, function, sample, dtype) for sample in samples]
        wanted = wanted or results
        for sample, result, want in zip(samples, results, wanted, strict=True):
            assert_same_bits(result, want, f"{function} of {sample} on {threads} threads")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_bits_are_those_of_the_last_run(backend: Backend, function: Function, dtype: str) -> None:
    backend.core.set_num_threads(3)
    for sample in function.fresh() + function.large(np.random.default_rng(6)):
        wanted = run(backend, function, sample, dtype)
        for _ in range(2):
            assert_same_bits(run(backend, function, sample, dtype), wanted, f"{function} of {sample}")


def cut(function: Function, sample: Sample, rows: slice | list[int]) -> Sample:
    return sample.map(lambda name, a: a[rows].copy() if name in function.batched else a)


def batched(function: Function, dtype: str) -> list[Sample]:
    made = [s for s in function.fresh() + function.large(np.random.default_rng(9)) if function.separable(s)]
    return [s.cast(dtype) for s in made]


def rows_of(function: Function, sample: Sample) -> int:
    return int(sample.arrays[function.batched[0]].shape[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.batched], ids=str)
def test_batch_is_its_rows_one_by_one(backend: Backend, function: Function, dtype: str) -> None:
    rng = np.random.default_rng(10)
    for sample in batched(function, dtype):
        whole = call(backend, function, sample)
        N = rows_of(function, sample)
        for row in range(N) if N <= 70 else rng.integers(N, size=20):
            alone = call(backend, function, cut(function, sample, slice(row, row + 1)))
            for i in function.batched_results:
                assert_same_bits([alone[i][0]], [whole[i][row]], f"{function}, row {row} of {sample}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.batched], ids=str)
def test_permuted_batch_gives_permuted_result(backend: Backend, function: Function, dtype: str) -> None:
    rng = np.random.default_rng(12)
    for sample in batched(function, dtype):
        order = rng.permutation(rows_of(function, sample))
        whole = call(backend, function, sample)
        permuted = call(backend, function, cut(function, sample, order))
        for i in function.batched_results:
            assert_same_bits([permuted[i]], [whole[i][order]], f"{function} of {sample}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_result_larger_than_the_caches_is_its_parts(dtype: str) -> None:
    """More than 4 MB are written otherwise than less; edges of all kinds on the way."""
    rng = np.random.default_rng(13)
    x, weight, bias = (rng.standard_normal(s).astype(dtype) for s in ((1103, 37), (1001, 37), (1001,)))
    parts = [F.linear(part, weight, bias) for part in np.array_split(x, 5)]
    assert_same_bits([F.linear(x, weight, bias)], [np.concatenate(parts)], "linear")
    images, filters = (rng.standard_normal(s).astype(dtype) for s in ((7, 40, 53, 53), (65, 40, 1, 1)))
    parts = [F.conv2d(image, filters) for image in np.split(images, 7)]
    assert_same_bits([F.conv2d(images, filters)], [np.concatenate(parts)], "conv2d")
