"""How a rank's program ends: together with the others, or with one message for all of them."""

from __future__ import annotations

import atexit
import os
import sys
import time
from types import TracebackType
from typing import Any, NoReturn

from fastnn.distributed.guard import ENDED, FAILED, LEAVING, LOST, NONE, RAISED, Guard, RankLostError

# How long the rank that ends all gives the others to raise what they have noticed, too, and the launcher to
# pass on what was written: it drops what it has not read yet.
LAST_WORDS = 1.0


def install(communicator: Any, guard: Guard) -> None:
    """Handle exceptions that nobody catches, and the end of the program, in this process."""
    owner, shown = os.getpid(), sys.excepthook

    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if os.getpid() != owner:  # a child of fork() belongs to no group
            shown(kind, error, trace)
            return
        if isinstance(error, RankLostError) and guard.verdict.kind != NONE:
            _end_lost(communicator, guard, lambda: shown(kind, error, trace))
        verdict = guard.say(FAILED)
        if verdict.kind != RAISED or verdict.rank == guard.rank:  # nobody else shows this
            sys.stderr.write(f"rank {guard.rank}:\n")
            shown(kind, error, trace)
            _abort(communicator)
        _await_the_end(guard)

    def on_exit() -> None:
        if os.getpid() != owner:
            return
        if guard.say(LEAVING).kind == ENDED:
            guard.stop()
            return
        _end_lost(communicator, guard, lambda: sys.stderr.write(f"rank {guard.rank}: ended by another\n"))

    sys.excepthook = on_exception
    atexit.register(on_exit)


def _end_lost(communicator: Any, guard: Guard, show: Any) -> NoReturn:
    """One survivor shows what was found and ends all; where rank 0 is lost, any of them."""
    kind, rank, _ = guard.verdict
    if kind == LOST and (guard.rank == 0 or rank == 0):
        show()
        _abort(communicator)
    _await_the_end(guard)


def _abort(communicator: Any) -> NoReturn:
    _flush()
    time.sleep(LAST_WORDS)
    communicator.Abort(1)
    os._exit(1)


def _await_the_end(guard: Guard) -> NoReturn:
    """Another rank ends this one; if it does not come to that, it ends by itself, without MPI_Finalize."""
    _flush()
    time.sleep(2 * LAST_WORDS + guard.timeout)
    os._exit(1)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
