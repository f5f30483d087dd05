"""Prefetching: the same batches in the same order, and a thread that ends whenever its consumer does."""

import threading
import time
import weakref

import numpy as np
import pytest

import fastnn
from fastnn.data import ArrayLoader, transforms
from tests.processes import output_of


def loader(prefetch, transform=None, n=50, **options):
    x = np.random.default_rng(0).standard_normal((n, 2, 6, 6)).astype(np.float32)
    return ArrayLoader(
        x, np.arange(n), batch_size=8, shuffle=True, seed=3, transform=transform, prefetch=prefetch, **options
    )


def bits(batches):
    return [(x.tobytes(), y.tobytes()) for x, y in batches]


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "fastnn-prefetch"]


@pytest.mark.parametrize("prefetch", [1, 2, 30])
@pytest.mark.parametrize("shuffle", [False, True])
def test_the_same_batches_in_the_same_order(prefetch, shuffle):
    x = np.random.default_rng(0).standard_normal((50, 2, 6, 6))
    plain, ahead = (
        ArrayLoader(x, np.arange(50), 8, shuffle, seed=1, transform=transforms.RandomRotation(30), prefetch=p)
        for p in (0, prefetch)
    )
    for _ in range(3):
        assert bits(plain) == bits(ahead)
    assert workers() == []


def test_as_many_are_made_ahead_as_asked_for():
    made, enough = [], threading.Event()

    def note(x, y, rng):
        made.append(len(made))
        if len(made) == 4:
            enough.set()
        return x, y

    batches = iter(loader(3, note))
    next(batches)
    assert enough.wait(60)  # the one handed out, and three more
    time.sleep(0.05)
    assert len(made) == 4
    batches.close()
    assert workers() == []


@pytest.mark.parametrize("prefetch", [0, 2])
def test_position_is_that_of_batches_handed_out(prefetch):
    first = loader(prefetch)
    batches = iter(first)
    seen = [bits([next(batches)]) for _ in range(3)]
    assert first.state_dict() == {"seed": 3, "epoch": 0, "position": 3}
    second = loader(prefetch)
    second.load_state_dict(first.state_dict())
    rest = bits(batches)
    assert bits(second) == rest
    assert len(seen) + len(rest) == 7
    assert first.state_dict() == {"seed": 3, "epoch": 1, "position": 0}


@pytest.mark.parametrize("prefetch", [0, 1, 2])
def test_exceptions_come_where_their_batch_would_have(prefetch):
    last = list(loader(0))[4][1].tolist()

    def fail(x, y, rng):
        if y.tolist() == last:
            raise KeyError("the fifth")
        return x, y

    data = loader(prefetch, fail)
    batches = iter(data)
    assert bits(next(batches) for _ in range(4)) == bits(loader(0))[:4]
    with pytest.raises(KeyError, match="the fifth") as raised:
        next(batches)
    assert any(entry.name == "fail" for entry in raised.traceback)
    assert data.state_dict()["position"] == 5
    assert workers() == []


def test_leaving_early_ends_the_thread():
    for way in ("break", "close", "delete", "raise"):
        batches = iter(loader(2))
        next(batches)
        assert len(workers()) == 1
        if way == "close":
            batches.close()
        elif way == "raise":
            with pytest.raises(ZeroDivisionError):
                batches.throw(ZeroDivisionError)
        del batches
        assert workers() == [], way
    for _ in loader(2):
        break
    assert workers() == []


def test_an_iterator_never_begun_has_no_thread():
    batches = iter(loader(2))
    assert workers() == []
    del batches


def test_nothing_is_kept_alive():
    kept = loader(2)
    reference = weakref.ref(kept)
    next(iter(kept))
    del kept
    assert reference() is None


def test_two_iterations_at_once():
    data = loader(2)
    alone = bits(loader(0))
    one, two = iter(data), iter(loader(2))
    for wanted in alone:
        assert bits([next(one)]) == bits([next(two)]) == [wanted]


def test_fit_with_prefetch_gives_the_same_bits():
    def weights(prefetch):
        fastnn.manual_seed(0)
        model = fastnn.nn.Sequential(fastnn.nn.Flatten(), fastnn.nn.Linear(72, 50))
        optimizer = fastnn.optim.SGD(model.parameters(), lr=0.1)
        data = loader(prefetch, transforms.RandomAffine(10, scale=(0.9, 1.1)))
        fastnn.train.fit(model, fastnn.nn.CrossEntropyLoss(), optimizer, data, epochs=2, progress=False)
        return [p.data.tobytes() for p in model.parameters()]

    assert weights(0) == weights(2)


def test_a_forked_child_finishes_the_iteration():
    program = """
import os, warnings
import numpy as np
from fastnn.data import ArrayLoader, transforms
turn = transforms.RandomRotation(9)
def loader(prefetch):
    x = np.random.default_rng(0).standard_normal((50, 1, 30, 30))
    return ArrayLoader(x, batch_size=4, shuffle=True, seed=0, transform=turn, prefetch=prefetch)
wanted = [b.tobytes() for b in loader(0)]
for _ in range(20):
    batches = iter(loader(3))
    found = [next(batches).tobytes()]
    child = os.fork()
    found += [b.tobytes() for b in batches]
    fresh = [b.tobytes() for b in loader(2)]
    good = found == fresh == wanted
    if child == 0:
        os._exit(0 if good else 3)
    assert good and os.waitpid(child, 0)[1] == 0
print("same")
"""
    assert output_of("-W", "ignore", "-c", program) == "same"


def test_a_process_ends_in_the_middle_of_an_iteration():
    program = """
import numpy as np, time
from fastnn.data import ArrayLoader
def slow(x, y, rng):
    if 0 not in x: time.sleep(600)
    return x, y
batches = iter(ArrayLoader(np.arange(100), batch_size=1, transform=slow, prefetch=2))
print(next(batches))
import os, sys
sys.modules["kept"] = batches
"""
    assert output_of("-c", program) == "[0]"


@pytest.mark.parametrize(
    ("prefetch", "error", "message"),
    [(-1, ValueError, "prefetch >= 0, got -1"), (1.5, TypeError, "prefetch to be an int, got 1.5")],
)
def test_errors(prefetch, error, message):
    with pytest.raises(error, match=rf"\[ArrayLoader\] expected {message}"):
        loader(prefetch)
