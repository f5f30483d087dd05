"""A process that has used the kernels can fork, even with threads inside them: 1000 children of 1000 work."""

import pytest

from tests.processes import output_of


@pytest.mark.parametrize("mode", ["idle", "busy"])
def test_five_hundred_children(mode: str) -> None:
    printed = output_of("-m", "tests.programs.fork_children", mode, "500", FASTNN_NUM_THREADS="2")
    assert printed == "500 parent ok"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_pool(method: str) -> None:
    assert output_of("-m", "tests.programs.pool_workers", method, FASTNN_NUM_THREADS="2") == "True"
