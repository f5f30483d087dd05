"""Seeds, keys of dropout masks, and states to go on from."""

import json
import threading

import numpy as np
import pytest

import fastnn


def draws():
    return fastnn.random.generator().integers(2**62, size=3).tolist(), fastnn.random.next_key()


def test_seed_repeats_everything():
    fastnn.manual_seed(12)
    first, second = draws(), draws()
    assert first != second
    fastnn.manual_seed(12)
    assert [draws(), draws()] == [first, second]
    fastnn.manual_seed(13)
    assert draws()[0] != first[0]


def test_state_goes_through_json():
    fastnn.manual_seed(12)
    draws()
    text = json.dumps(fastnn.random.get_state())
    wanted = [draws(), draws()]
    fastnn.manual_seed(99)
    fastnn.random.set_state(json.loads(text))
    assert [draws(), draws()] == wanted


def test_state_is_a_copy():
    fastnn.manual_seed(12)
    state = fastnn.random.get_state()
    before = json.dumps(state)
    draws()
    assert json.dumps(state) == before


def test_keys_differ_between_threads():
    fastnn.manual_seed(12)
    keys: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: keys.extend([fastnn.random.next_key() for _ in range(500)]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 2000


@pytest.mark.parametrize(
    ("seed", "error", "words"),
    [
        (-1, ValueError, r"\[manual_seed\] expected seed >= 0, got -1"),
        (2**64, ValueError, r"expected seed < 2\*\*64"),
        (1.0, TypeError, "expected seed to be an int, got 1.0"),
        (True, TypeError, "got True"),
        (None, TypeError, "got None"),
    ],
)
def test_refuses_seeds(seed, error, words):
    with pytest.raises(error, match=words):
        fastnn.manual_seed(seed)


def test_takes_numpys_integers():
    fastnn.manual_seed(np.int64(3))
    assert fastnn.random.next_key() == (3, 0)
    assert all(type(part) is int for part in fastnn.random.next_key())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: None,
        lambda state: {"seed": 1},
        lambda state: {**state, "extra": 1},
        lambda state: {**state, "seed": -1},
        lambda state: {**state, "call": "x"},
        lambda state: {**state, "generator": {"bit_generator": "MT19937"}},
        lambda state: {**state, "generator": {"bit_generator": "PCG64"}},
        lambda state: {**state, "generator": 3},
    ],
)
def test_a_wrong_state_changes_nothing(spoil):
    fastnn.manual_seed(12)
    before = fastnn.random.get_state()
    with pytest.raises((TypeError, ValueError)):
        fastnn.random.set_state(spoil(before))
    assert fastnn.random.get_state() == before
