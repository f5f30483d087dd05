"""dropout: the generator's published vectors, the rate, the keys and the values that are dropped."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.reference import dropout as reference

ONES = 0xFFFFFFFF
# Counter, key, block: the known answers published with Philox4x32-10 (Salmon et al. 2011); the last is of
# digits of pi.
KNOWN_ANSWERS = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


@pytest.mark.parametrize(("counter", "key", "block"), KNOWN_ANSWERS)
def test_reference_gives_the_published_blocks(
    counter: tuple[int, ...], key: tuple[int, int], block: tuple[int, ...]
) -> None:
    assert tuple(reference.philox(np.array([counter], np.uint64), key)[0]) == block


@pytest.mark.parametrize("key", [(0, 0), (3, 1), (2**64 - 1, 2**64 - 1)])
def test_words_of_the_library_are_those_of_the_reference(backend: Backend, key: tuple[int, int]) -> None:
    """Between two rates a word apart, exactly the element of that word changes sides."""
    words = reference.words(40, *key)
    x = np.ones(40)
    for i, word in enumerate(words):
        kept = backend.core.dropout(x, int(word) / 2**32, *key, None)
        dropped = backend.core.dropout(x, (int(word) + 1) / 2**32, *key, None)
        assert kept[i] != 0
        assert dropped[i] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rate_and_mean(backend: Backend, p: float, dtype: str) -> None:
    n = 1_000_000
    y = backend.functional.dropout(np.ones(n, dtype), p, key=(5, 6))
    deviation = (p * (1 - p) / n) ** 0.5
    assert abs(float((y == 0).mean()) - p) < 5 * deviation
    assert abs(float(y.mean(dtype=np.float64)) - 1) < 5 * deviation / (1 - p) + 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(backend: Backend, dtype: str) -> None:
    """A dropped value is a product with 0: NaN and infinities give NaN, as in torch."""
    x = np.array([np.nan, np.inf, -np.inf, 2.0, -2.0], dtype)
    np.testing.assert_array_equal(
        backend.functional.dropout(x, 1.0, key=(0, 0)), np.array([np.nan, np.nan, np.nan, 0, 0], dtype)
    )
    np.testing.assert_array_equal(backend.functional.dropout(x, 0.0, key=(0, 0)), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_evaluation_copies(backend: Backend, dtype: str) -> None:
    x = np.random.default_rng(0).standard_normal(100).astype(dtype)
    y = backend.functional.dropout(x, 0.5, training=False)
    assert_same_bits([y], [x], "dropout")
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_backward_repeats_the_mask(backend: Backend, dtype: str) -> None:
    F, x = backend.functional, np.random.default_rng(1).standard_normal((50, 7)).astype(dtype)
    assert_same_bits(
        [F.dropout_backward(x, 0.3, (9, 4))], [F.dropout(x, 0.3, key=(9, 4))], "dropout_backward"
    )


def test_masks_differ_by_seed_and_call(backend: Backend) -> None:
    keys = [(s, c) for s in (0, 1, 2**32, 2**63) for c in (0, 1, 2**32, 2**63)]
    masks = [backend.functional.dropout(np.ones(256), 0.5, key=key).tobytes() for key in keys]
    assert len(set(masks)) == len(keys)


def test_mask_depends_on_the_flat_index_only(backend: Backend) -> None:
    x = np.ones(24)
    flat = backend.functional.dropout(x, 0.5, key=(1, 2))
    folded = backend.functional.dropout(x.reshape(2, 3, 4), 0.5, key=(1, 2))
    np.testing.assert_array_equal(folded.reshape(-1), flat)
