"""The runner of the fuzzed calls, with a library that fails in three of them; see tests/test_fuzz.py."""

import os

from tests.fuzz import runner
from tests.fuzz.call import Call, of_function


def fail() -> None:
    raise KeyError("planted")


def use_up_memory() -> None:
    bytearray(2 * runner.MEMORY)


class CallsWithBugs(runner.Calls):
    def __getitem__(self, number: int) -> Call:
        planted = {3: fail, 5: os.abort, 8: use_up_memory}.get(number)
        return of_function("planted", planted, [], {}) if planted else super().__getitem__(number)


runner.Calls = CallsWithBugs  # type: ignore[misc]
if __name__ == "__main__":
    runner.main()
