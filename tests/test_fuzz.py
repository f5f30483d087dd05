"""A short run of the fuzzed calls, with what keeps it honest; `python -m tests.fuzz` is the long one."""

import pytest

import fastnn
from tests.fuzz import objects, recorded
from tests.fuzz.__main__ import fuzz
from tests.fuzz.runner import Calls

CALLS = 4000


def test_wrong_calls_are_refused() -> None:
    report = fuzz(20240229, 0, CALLS)
    assert report.failures == [], str(report)
    assert report.ends.total() == CALLS
    # Neither all harmless nor all hopeless.
    assert report.ends["accepted"] > CALLS / 20
    assert report.ends["refused"] > CALLS / 4


def test_every_failure_is_seen_and_the_run_goes_on() -> None:
    report = fuzz(0, 0, 10, "tests.programs.fuzz_with_bugs")
    assert [(number, end.partition(" of")[0]) for number, end in report.failures] == [
        (3, "KeyError: 'planted'"),
        (5, "ended the process: SIGABRT"),
        (8, "MemoryError"),
    ]
    assert report.ends.total() == 10


def test_calls_depend_on_their_numbers_alone() -> None:
    a, b = Calls(1), Calls(1)
    assert [str(a[i]) for i in range(200)] == [str(b[199 - i]) for i in range(200)][::-1]
    assert str(a[0]) != str(Calls(2)[0])


def test_the_table_has_calls_of_the_operations() -> None:
    """Of nearly all: dropout's row calls dropout as its own backward, and some are short forms of others."""
    noted = recorded.table_calls()
    missing = {name for name in fastnn.functional.__all__ if f"fastnn.functional.{name}" not in noted}
    assert len(missing) <= len(fastnn.functional.__all__) / 8, missing


@pytest.mark.parametrize(
    "found", [objects.layer_calls(), objects.optimizer_calls()], ids=["layers", "optimizers"]
)
def test_every_layer_and_optimizer_has_a_call(found: dict) -> None:
    assert len(found) >= 3
    assert [name for name, calls in found.items() if not calls] == []
