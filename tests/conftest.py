"""Fixtures of all tests: the backend that the table of operations is run on, and the number of threads."""

from collections.abc import Iterator

import numpy as np
import pytest

import fastnn
from tests.backends import BACKENDS
from tests.opinfo import Backend


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backend", choices=list(BACKENDS), default="cpu", help="what runs the operations")
    parser.addoption("--require-gpu", action="store_true", help="fail, rather than skip, without a GPU")


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    name = request.config.getoption("--backend")
    if name == "cuda" and (reason := fastnn.cuda.reason_unavailable()):
        (pytest.fail if request.config.getoption("--require-gpu") else pytest.skip)(reason)
    return BACKENDS[name]()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(autouse=True)
def keep_threads() -> Iterator[None]:
    """A test may set the number of threads; the next one finds it as it was."""
    before = fastnn.get_num_threads()
    yield
    fastnn.set_num_threads(before)
