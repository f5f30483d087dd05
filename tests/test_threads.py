"""Threads: how many, how to say so, many callers at once, and training whose bits do not depend on it."""

import hashlib
import threading

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from fastnn import _core
from tests.backends import CPU
from tests.opinfo import DTYPES, FUNCTIONS, Function, Sample
from tests.processes import output_of, run_python
from tests.programs.work import gradients

COUNT = "import fastnn; print(fastnn.get_num_threads())"


def test_set_and_get() -> None:
    for n in (1, 3, 8):
        fastnn.set_num_threads(n)
        assert fastnn.get_num_threads() == n


def test_context_manager_restores() -> None:
    fastnn.set_num_threads(2)
    with fastnn.threads(5):
        assert fastnn.get_num_threads() == 5
        with fastnn.threads(1):
            assert fastnn.get_num_threads() == 1
        assert fastnn.get_num_threads() == 5
    assert fastnn.get_num_threads() == 2
    with pytest.raises(KeyError), fastnn.threads(4):
        raise KeyError
    assert fastnn.get_num_threads() == 2


@pytest.mark.parametrize(
    ("value", "exception"),
    [
        (0, ValueError),
        (-1, ValueError),
        (2**31, ValueError),
        (2**70, ValueError),
        (1.5, TypeError),
        ("2", TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
)
def test_wrong_numbers(value: object, exception: type[Exception]) -> None:
    before = fastnn.get_num_threads()
    for setter in (fastnn.set_num_threads, lambda n: fastnn.threads(n).__enter__()):
        with pytest.raises(exception, match=r"^\[(set_num_threads|threads)\] expected n"):
            setter(value)
    assert fastnn.get_num_threads() == before


@pytest.mark.parametrize("n", [1, 2, 7])
def test_environment_variable(n: int) -> None:
    assert output_of("-c", COUNT, FASTNN_NUM_THREADS=str(n)) == str(n)


@pytest.mark.parametrize("value", ["0", "-1", "two", "2.0", "", "99999999999999999999"])
def test_wrong_environment_variable(value: str) -> None:
    done = run_python("-c", COUNT, FASTNN_NUM_THREADS=value)
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError:")
    assert "FASTNN_NUM_THREADS" in message
    assert f"'{value}'" in message


ONE_CPU = """
import os
os.environ.pop("FASTNN_NUM_THREADS", None)
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
"""


def test_default_is_the_affinity_at_most() -> None:
    assert output_of("-c", ONE_CPU + COUNT) == "1"


def jobs(samples: str, count: int) -> list[tuple[Function, Sample, list[bytes]]]:
    """`count` calls of every function of the table, with the bits that they must give."""
    rng = np.random.default_rng(0)
    made = []
    for i, function in enumerate(FUNCTIONS):
        drawn = function.fresh() if samples == "small" else function.large(rng)
        for at in rng.integers(len(drawn), size=count):
            given = drawn[at].cast(DTYPES[i % 2])
            made.append((function, given, bits(function, given)))
    return made


def bits(function: Function, given: Sample) -> list[bytes]:
    """Of the results, on copies, since a call may update its arguments."""
    results = function.run(CPU, given.map(lambda _, a: a.copy()), None)
    return [np.asarray(r).tobytes() for r in results]


def test_sixteen_python_threads() -> None:
    """1000 calls each, while the number of threads of the library changes."""
    small, large = jobs("small", 3), jobs("large", 1)
    wrong, done = [], threading.Event()

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for i in range(1000):
            todo = large if i % 100 == seed else small
            function, given, wanted = todo[rng.integers(len(todo))]
            if bits(function, given) != wanted:
                wrong.append(f"{function} of {given}")

    def change() -> None:
        n = 0
        while not done.wait(0.001):
            n += 1
            fastnn.set_num_threads(1 + n % 5)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
    changer = threading.Thread(target=change)
    for thread in (*workers, changer):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    changer.join()
    assert wrong == []


def test_gradients_on_any_number_of_threads() -> None:
    assert len({gradients(n) for n in (*range(1, 9), 16)}) == 1


def train(threads: int, dtype: str) -> str:
    """100 steps of Adam on a net of two layers; a digest of losses and weights."""
    fastnn.set_num_threads(threads)
    rng = np.random.default_rng(1)
    x, target = rng.standard_normal((256, 64)).astype(dtype), rng.integers(0, 10, 256)
    params = [rng.standard_normal(s).astype(dtype) / 8 for s in ((128, 64), (128,), (10, 128), (10,))]
    averages, squares = ([np.zeros_like(p) for p in params] for _ in range(2))
    trace = hashlib.sha256()
    for step in range(1, 101):
        hidden = F.linear(x, *params[:2], activation="relu")
        dropped = F.dropout(hidden, 0.2, key=(7, step))
        loss, grad = F.cross_entropy_with_grad(F.linear(dropped, *params[2:]), target)
        grad_dropped, *second = F.linear_backward(grad, dropped, params[2])
        grad_hidden = F.relu_backward(F.dropout_backward(grad_dropped, 0.2, (7, step)), hidden)
        _, *first = F.linear_backward(grad_hidden, x, params[0], needs=(False, True, True))
        options = _core.AdamOptions(lr=1e-3, step=step, weight_decay=1e-2, decoupled=True)
        _core.adam_step(params, [*first, *second], averages, squares, [], options)
        trace.update(loss.tobytes())
    for p in params:
        trace.update(p.tobytes())
    return trace.hexdigest()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hundred_training_steps_have_the_same_bits(dtype: str) -> None:
    assert len({train(n, dtype) for n in (*range(1, 9), 16)}) == 1
