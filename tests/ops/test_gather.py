"""gather: rows of any plain dtype, and indices checked before anything is written."""

import numpy as np
import pytest

from tests.opinfo import Backend

DTYPES = (
    "f2",
    "f4",
    "f8",
    "g",
    "i1",
    "u2",
    "i4",
    "u8",
    "?",
    "c8",
    "c16",
    "S5",
    "U3",
    "M8[s]",
    "m8[ms]",
    "i4,f8",
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(10,), (10, 3), (10, 2, 3)])
def test_any_plain_dtype(backend: Backend, shape: tuple[int, ...], dtype: str) -> None:
    raw = np.arange(np.prod(shape)).reshape(shape)
    x = np.zeros(shape, dtype) if "," in dtype else raw.astype(dtype)
    if "," in dtype:
        x["f0"], x["f1"] = raw, -raw
    indices = np.array([3, 0, 9, 3, 7])
    y = backend.core.gather(x, indices, None)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, x[indices])


@pytest.mark.parametrize("dtype", [">f8", ">i4", ">u2"])
def test_swapped_bytes_keep_their_values(backend: Backend, dtype: str) -> None:
    x = np.arange(12).reshape(4, 3).astype(dtype)
    y = backend.core.gather(x, np.array([2, 2, 0]), None)
    np.testing.assert_array_equal(y, x[[2, 2, 0]])


@pytest.mark.parametrize("bad", [-1, 4, 2**63 - 1])
def test_nothing_is_written_before_indices_are_checked(backend: Backend, bad: int) -> None:
    x, out = np.zeros((4, 3)), np.full((3, 3), 7.0)
    with pytest.raises(IndexError, match=rf"got {bad} at position 2"):
        backend.core.gather(x, np.array([0, 1, bad]), out)
    assert (out == 7).all()


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_permutation_and_back(backend: Backend, threads: int) -> None:
    backend.core.set_num_threads(threads)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 30)).astype(np.float32)
    order = rng.permutation(len(x))
    there = backend.core.gather(x, order, None)
    np.testing.assert_array_equal(backend.core.gather(there, np.argsort(order), None), x)
