"""Fixtures of all tests: the backends that the table of operations is run on, and the number of threads."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fastnn
import fastnn.functional
from fastnn import _core
from tests.opinfo import Backend


def same(array: Any) -> Any:
    return array


BACKENDS = {"cpu": Backend("cpu", fastnn.functional, _core, same, same)}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return BACKENDS[request.param]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(autouse=True)
def keep_threads() -> Iterator[None]:
    """A test may set the number of threads; the next one finds it as it was."""
    before = fastnn.get_num_threads()
    yield
    fastnn.set_num_threads(before)
