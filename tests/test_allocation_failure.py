"""Memory that cannot be had is a MemoryError, whichever request of a call fails; nothing is left behind."""

from collections.abc import Iterator

import numpy as np
import pytest

from fastnn import _core
from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call
from tests.opinfo.comparison import assert_same_bits

# More requests than any call of the table makes.
MANY = 1000


@pytest.fixture(autouse=True)
def no_failure_afterwards() -> Iterator[None]:
    yield
    _core._fail_acquisition_after(-1)


def fails(backend: Backend, function: Function, sample: Sample, n: int) -> bool:
    """Whether the call had an n-th request, which failed then."""
    given = sample.map(lambda _, a: a.copy())
    _core._fail_acquisition_after(n)
    try:
        call(backend, function, given)
    except MemoryError:
        changed = {name for name, a in given.arrays.items() if a.tobytes() != sample.arrays[name].tobytes()}
        assert changed <= set(function.in_place(sample))
        return True
    finally:
        _core._fail_acquisition_after(-1)
    return False


def check(backend: Backend, function: Function, given: Sample) -> int:
    """How many requests the call makes, each of which was the one to fail."""
    wanted = call(backend, function, given.map(lambda _, a: a.copy()))
    used = _core.cache_stats()["bytes_in_use"]
    failures = 0
    while fails(backend, function, given, failures):
        failures += 1
        assert failures < MANY
        assert _core.cache_stats()["bytes_in_use"] == used, f"{function} of {given}, request {failures}"
    assert_same_bits(call(backend, function, given.map(lambda _, a: a.copy())), wanted, function)
    return failures


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_every_request_may_fail(backend: Backend, function: Function) -> None:
    """On two threads, so that scratch memory of a worker is among the requests."""
    backend.core.set_num_threads(2)
    fresh = function.fresh()
    samples = fresh[:: max(1, len(fresh) // 8)] + function.large(np.random.default_rng(3))[:1]
    requests = [check(backend, function, s.cast(DTYPES[i % 2])) for i, s in enumerate(samples)]
    # Every new result is one; an optimizer's step makes none.
    assert max(requests) >= len(function.outs)
