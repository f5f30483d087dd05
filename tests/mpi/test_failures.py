"""A rank that fails ends all of them: none hangs, and one message says why."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.mpi.launch import lose_a_rank, run


@pytest.mark.parametrize("way", ["raise", "raise everywhere"])
def test_an_exception_ends_all_and_is_shown_once(way):
    done = run(3, "tests.programs.ranks_failing", way)
    assert done.returncode != 0
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.count("ValueError: a fault of") == 1


def test_a_rank_that_leaves_early_is_missed():
    done = run(3, "tests.programs.ranks_failing", "leave")
    assert done.returncode != 0
    assert done.stderr.count("RankLostError: rank 2 has ended its program") == 1


def test_a_rank_that_computes_for_long_is_not_lost():
    done = run(3, "tests.programs.ranks_failing", "be slow")
    assert done.returncode == 0, done.stderr


def test_survivors_raise_within_ten_seconds():
    """Side by side: the jobs do little but wait."""
    cases = [
        (signal.SIGKILL, 1, 0.31),
        (signal.SIGKILL, 0, 0.77),
        (signal.SIGSTOP, 2, 0.5),
        (signal.SIGSTOP, 0, 0.1),
    ]
    with ThreadPoolExecutor(len(cases)) as pool:
        outcomes = list(pool.map(lambda case: lose_a_rank(*case), cases))
    for (_, victim, _), outcome in zip(cases, outcomes, strict=True):
        assert outcome.raised.keys() == {0, 1, 2} - {victim}, outcome
        assert max(outcome.raised.values()) < 10, outcome
        assert outcome.code != 0, outcome
        assert f"RankLostError: rank {victim} has not been heard of" in outcome.errors


def test_the_launcher_alone_ends_all():
    outcome = lose_a_rank(signal.SIGKILL, 1, 0.2, cleanup=True)
    assert outcome.code != 0
    assert outcome.seconds < 10
