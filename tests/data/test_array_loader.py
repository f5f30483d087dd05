"""ArrayLoader: what it yields, in which order, and what it refuses."""

import numpy as np
import pytest

import fastnn
from fastnn.data import ArrayLoader


def samples(n=10):
    return np.arange(2.0 * n).reshape(n, 2), np.arange(n)


def epoch_of(loader):
    """The labels of one epoch, in order."""
    return np.concatenate([y for _, y in loader]).tolist()


@pytest.mark.parametrize(
    ("n", "batch_size", "drop_last", "sizes"),
    [
        (10, 4, False, [4, 4, 2]),
        (10, 4, True, [4, 4]),
        (8, 4, False, [4, 4]),
        (8, 4, True, [4, 4]),
        (3, 4, False, [3]),
        (3, 4, True, []),
        (1, 1, False, [1]),
    ],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_sizes_of_batches(n, batch_size, drop_last, sizes, shuffle):
    loader = ArrayLoader(*samples(n), batch_size, shuffle, drop_last, seed=0)
    assert [len(y) for _, y in loader] == sizes
    assert len(loader) == len(sizes)
    assert loader.samples == sum(sizes)


def test_default_batch_size_is_32():
    assert [len(x) for x, _ in ArrayLoader(*samples(40))] == [32, 8]


def test_unshuffled_batches_are_views_in_order():
    x, y = samples()
    batches = list(ArrayLoader(x, y, batch_size=4))
    np.testing.assert_array_equal(np.concatenate([b for b, _ in batches]), x)
    np.testing.assert_array_equal(np.concatenate([b for _, b in batches]), y)
    assert all(np.shares_memory(bx, x) and np.shares_memory(by, y) for bx, by in batches)


def test_shuffled_epoch_holds_each_pair_once_as_a_copy():
    x, y = samples(50)
    batches = list(ArrayLoader(x, y, batch_size=8, shuffle=True, seed=3))
    labels = np.concatenate([b for _, b in batches])
    assert labels.tolist() != y.tolist()
    assert sorted(labels.tolist()) == y.tolist()
    np.testing.assert_array_equal(np.concatenate([b for b, _ in batches]), x[labels])
    assert not any(np.shares_memory(bx, x) for bx, _ in batches)


def test_batches_of_an_epoch_do_not_share_memory():
    first, second = list(ArrayLoader(*samples(8), batch_size=4, shuffle=True, seed=0))
    assert not np.shares_memory(first[0], second[0])


def test_each_epoch_has_its_own_permutation():
    loader = ArrayLoader(*samples(50), shuffle=True, seed=0)
    orders = [tuple(epoch_of(loader)) for _ in range(4)]
    assert len(set(orders)) == 4


def test_same_seed_same_orders_and_other_seed_other_orders():
    def orders(seed):
        loader = ArrayLoader(*samples(50), shuffle=True, seed=seed)
        return [epoch_of(loader) for _ in range(3)]

    assert orders(5) == orders(5)
    assert orders(5) != orders(6)


def test_order_is_the_documented_permutation():
    rng = np.random.default_rng(np.random.SeedSequence(9, spawn_key=(0, 0)))
    assert epoch_of(ArrayLoader(*samples(20), shuffle=True, seed=9)) == rng.permutation(20).tolist()


def test_order_is_the_same_for_any_thread_count():
    def epoch(threads):
        with fastnn.threads(threads):
            return epoch_of(ArrayLoader(*samples(5000), batch_size=512, shuffle=True, seed=1))

    assert epoch(1) == epoch(2) == epoch(8)


def test_without_seed_two_loaders_differ_and_state_reproduces_one():
    first, second = (ArrayLoader(*samples(50), shuffle=True) for _ in range(2))
    assert first.seed != second.seed
    second.load_state_dict(first.state_dict())
    assert epoch_of(first) == epoch_of(second)


def test_global_numpy_state_is_neither_used_nor_changed():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    epoch_of(ArrayLoader(*samples(50), shuffle=True, seed=0))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("taken_after", [0, 1, 3, 4, 5])
def test_resumes_in_the_middle_of_an_epoch(taken_after):
    def batches(loader, epochs):
        for _ in range(epochs):
            yield from (y.tolist() for _, y in loader)

    loader = ArrayLoader(*samples(14), batch_size=4, shuffle=True, seed=2)  # 4 batches an epoch
    running = batches(loader, 3)
    for _ in range(taken_after):
        next(running)
    state = loader.state_dict()
    resumed = ArrayLoader(*samples(14), batch_size=4, shuffle=True)
    resumed.load_state_dict(state)
    rest = list(running)
    assert len(rest) == 12 - taken_after
    assert list(batches(resumed, 3))[: len(rest)] == rest


def test_an_epoch_broken_off_is_not_continued():
    loader = ArrayLoader(*samples(50), batch_size=10, shuffle=True, seed=0)
    untouched = ArrayLoader(*samples(50), batch_size=10, shuffle=True, seed=0)
    next(iter(loader))
    epoch_of(untouched)
    assert epoch_of(loader) == epoch_of(untouched)


def test_without_y_batches_are_arrays():
    x, _ = samples(5)
    batches = list(ArrayLoader(x, batch_size=2))
    assert [b.shape for b in batches] == [(2, 2), (2, 2), (1, 2)]


@pytest.mark.parametrize("shuffle", [False, True])
def test_tuples_of_arrays_give_tuples(shuffle):
    a, y = samples(6)
    loader = ArrayLoader((a, -a), (y, y * 10), batch_size=4, shuffle=shuffle, seed=0)
    for (first, second), (label, tenfold) in loader:
        np.testing.assert_array_equal(first, -second)
        np.testing.assert_array_equal(label * 10, tenfold)
        np.testing.assert_array_equal(first, a[label])


def test_lists_and_tuples_of_numbers_are_arrays():
    (x, y), *_ = ArrayLoader([[1.0], [2.0]], (0, 1))
    assert x.tolist() == [[1.0], [2.0]]
    assert y.tolist() == [0, 1]


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "uint8", "int32", "bool", "complex64", "U3"]
)
def test_any_dtype_is_gathered(dtype):
    x = np.array([[0, 1], [1, 1], [0, 0], [1, 0], [1, 1]]).astype(dtype)
    (batch, rows), *_ = ArrayLoader(x, np.arange(5), shuffle=True, seed=0)
    assert batch.dtype == x.dtype
    np.testing.assert_array_equal(batch, x[rows])


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::-1],
        lambda a: a[:, ::2],
        lambda a: np.asfortranarray(a),
        lambda a: a[:, 1:1],
    ],
    ids=["transposed", "reversed", "strided", "fortran", "no columns"],
)
def test_views_give_what_a_copy_gives(view):
    x = view(np.arange(36.0).reshape(6, 6))
    (batch, rows), *_ = ArrayLoader(x, np.arange(6), shuffle=True, seed=0)
    np.testing.assert_array_equal(batch, x[rows])


def test_transform_gets_each_batch_and_its_result_is_yielded():
    def halve(x, y, rng):
        assert isinstance(rng, np.random.Generator)
        return x / 2, -y

    x, y = samples()
    batches = list(ArrayLoader(x, y, batch_size=4, transform=halve))
    np.testing.assert_array_equal(np.concatenate([b for b, _ in batches]), x / 2)
    np.testing.assert_array_equal(np.concatenate([b for _, b in batches]), -y)


@pytest.mark.parametrize("shuffle", [False, True])
def test_transform_may_write_into_its_batch(shuffle):
    def spoil(x, y, rng):
        x[...] = -1
        y[...] = -1
        return x, y

    x, y = samples()
    kept = x.copy(), y.copy()
    list(ArrayLoader(x, y, shuffle=shuffle, seed=0, transform=spoil))
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


def test_transform_without_y():
    def negate(x, y, rng):
        assert y is None
        return -x, None

    (batch,) = ArrayLoader(np.arange(3), transform=negate)
    assert batch.tolist() == [0, -1, -2]


def test_random_numbers_of_a_transform_follow_seed_epoch_and_batch():
    def draws(seed):
        seen = []

        def draw(x, y, rng):
            seen.append(rng.random())
            return x, y

        loader = ArrayLoader(*samples(8), batch_size=4, seed=seed, transform=draw)
        for _ in range(2):
            list(loader)
        return seen

    assert draws(0) == draws(0)
    assert len(set(draws(0) + draws(1))) == 8  # 2 seeds, 2 epochs, 2 batches: all different


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": np.zeros((3, 2)), "y": np.zeros(4)}, ValueError, r"one length, got lengths \[3, 4\]"),
        ({"x": (np.zeros(3), np.zeros(2))}, ValueError, r"one length, got lengths \[3, 2\]"),
        ({"x": np.zeros((0, 2))}, ValueError, "at least one sample"),
        ({"x": []}, ValueError, "at least one sample"),
        ({"x": np.float32(3)}, ValueError, "expected x with the samples along axis 0"),
        ({"x": np.zeros(3), "y": 1}, ValueError, "expected y with the samples along axis 0"),
        ({"x": np.zeros(3), "batch_size": 0}, ValueError, "expected batch_size >= 1, got 0"),
        ({"x": np.zeros(3), "batch_size": -2}, ValueError, "expected batch_size >= 1, got -2"),
        ({"x": np.zeros(3), "batch_size": 1.5}, TypeError, "expected batch_size to be an int, got 1.5"),
        ({"x": np.zeros(3), "seed": -1}, ValueError, "expected seed >= 0, got -1"),
        ({"x": np.zeros(3), "seed": "a"}, TypeError, "expected seed to be an int, got 'a'"),
        ({"x": np.array([{}, {}])}, TypeError, "expected x of a dtype without Python objects"),
        (
            {"x": np.zeros(1), "y": np.array([None])},
            TypeError,
            "expected y of a dtype without Python objects",
        ),
        ({"x": np.ma.masked_array([1.0])}, TypeError, "expected x without a mask"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=rf"\[ArrayLoader\] .*{message}"):
        ArrayLoader(**arguments)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"seed": 0, "epoch": 0}, "expected a state with"),
        ({"seed": 0, "epoch": 0, "position": 4}, "expected position <= 3, got 4"),
        ({"seed": 0, "epoch": -1, "position": 0}, "expected epoch >= 0, got -1"),
    ],
)
def test_errors_of_load_state_dict_change_nothing(state, message):
    loader = ArrayLoader(*samples(), batch_size=4, shuffle=True, seed=7)
    with pytest.raises(ValueError, match=rf"\[ArrayLoader\] {message}"):
        loader.load_state_dict(state)
    assert loader.state_dict() == {"seed": 7, "epoch": 0, "position": 0}
