"""Who is still there: what ends all ranks when one of them fails.

MPI itself waits for ever for a process that has died. So a thread of each rank sends a heartbeat to rank 0
several times a second, through a communicator of its own; rank 0 hears who is silent or has failed, and
answers everybody. Whoever waits for others looks at the last answer and raises. A rank that computes for
long still beats, since kernels let go of the interpreter's lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

BEAT = 0.2
# How long a rank that waits gives one that has left: what it sent last may still be on its way.
GRACE = 2.0
ALIVE, LEAVING, FAILED = range(3)  # what a rank says of itself
NONE, LOST, RAISED, ENDED = range(4)  # what rank 0 says of all


class RankLostError(RuntimeError):
    """Another rank has died, has been stopped, or has ended; this one cannot go on.

    Examples
    --------
    >>> from fastnn.distributed import RankLostError
    >>> issubclass(RankLostError, RuntimeError)
    True
    """


class Verdict(NamedTuple):
    """What rank 0 has found; `leaving` is a rank at the end of its program, or -1."""

    kind: int = NONE
    rank: int = -1
    leaving: int = -1


class Guard:
    """The heartbeat of this rank; on rank 0 also the ear for all others."""

    def __init__(self, communicator: Any, timeout: float) -> None:
        self.timeout = timeout
        self.rank = communicator.rank
        self.state = ALIVE
        self.verdict = Verdict()
        self.on_lost: list[Callable[[], None]] = []  # called by the thread, once
        self._left_at = 0.0  # when a rank was first seen to leave
        self._wake, self._ended = threading.Event(), threading.Event()
        make = _Hub if communicator.rank == 0 else _Spoke
        self._line: _Hub | _Spoke = make(communicator, timeout)
        self._thread = threading.Thread(target=self._run, name="fastnn-heartbeat", daemon=True)
        self._thread.start()

    def check(self, waiting_since: float) -> None:
        """RankLostError where the wait is in vain."""
        kind, rank, leaving = self.verdict
        if kind == LOST:
            raise RankLostError(
                f"rank {rank} has not been heard of for {self.timeout:g} s: it has died, was stopped, "
                "or is out of reach"
            )
        if kind == RAISED:
            raise RankLostError(f"rank {rank} has ended with an exception")
        if leaving >= 0 and time.monotonic() - max(waiting_since, self._left_at) > GRACE:
            raise RankLostError(f"rank {leaving} has ended its program, and rank {self.rank} waits for it")

    def say(self, state: int) -> Verdict:
        """Tell rank 0; returns its verdict on all, or the last one known where none comes in time."""
        self.state = state
        self._wake.set()
        limit = None if state == LEAVING else self.timeout + 4 * BEAT
        self._ended.wait(limit)
        return self.verdict

    def stop(self) -> None:
        """After the verdict ENDED: what is still under way is taken back."""
        self._thread.join()
        self._line.close()

    def _run(self) -> None:
        while True:
            self._tick(time.monotonic())
            if self._ended.is_set() and self.verdict.kind == ENDED:
                return
            self._wake.wait(BEAT)
            self._wake.clear()

    def _tick(self, now: float) -> None:
        verdict = self._line.exchange(self.state, now)
        if verdict.leaving >= 0 and self._left_at == 0.0:
            self._left_at = now
        if self.verdict.kind == NONE:  # the first one stands
            self.verdict = verdict
            if verdict.kind in (LOST, RAISED):
                for call in self.on_lost:
                    call()
        if self.verdict.kind != NONE:
            self._ended.set()


class _Line:
    """One peer: the last message from it, when it came, and the way back."""

    def __init__(self, communicator: Any, peer: int, incoming: int) -> None:
        self._comm, self._peer = communicator, peer
        self.heard = np.zeros(incoming, np.int64)
        self._buffer = np.zeros(incoming, np.int64)
        self.heard_at = time.monotonic()
        self._receiving = communicator.Irecv(self._buffer, peer)
        self.told: tuple[int, ...] = ()
        self._sending: Any = None
        self._sent: Any = None  # the memory of the message under way

    def receive(self, now: float) -> None:
        while self._receiving.Test():
            self.heard, self.heard_at = self._buffer.copy(), now
            self._receiving = self._comm.Irecv(self._buffer, self._peer)

    def send(self, message: tuple[int, ...]) -> None:
        """Unless the last message is still under way."""
        if self._sending is None or self._sending.Test():
            self.told = message
            self._sent = np.array(message, np.int64)
            self._sending = self._comm.Isend(self._sent, self._peer)

    def close(self) -> None:
        self._receiving.Cancel()
        self._receiving.Wait()


class _Ends:
    """What both kinds of rank do: notice silence, but forgive it where they have slept themselves."""

    def __init__(self, lines: list[_Line], timeout: float) -> None:
        self._lines, self._timeout = lines, timeout
        self._last = time.monotonic()

    def _silent(self, now: float) -> list[int]:
        slept, self._last = now - self._last, now
        for line in self._lines:
            if slept > self._timeout / 2:  # the whole machine, or the whole job, stood still
                line.heard_at += slept
            line.receive(now)
        return [i for i, line in enumerate(self._lines) if now - line.heard_at > self._timeout]

    def close(self) -> None:
        for line in self._lines:
            line.close()


class _Hub(_Ends):
    """Rank 0, with a line to every other."""

    def __init__(self, communicator: Any, timeout: float) -> None:
        super().__init__([_Line(communicator, i, 1) for i in range(1, communicator.size)], timeout)
        self._verdict = Verdict()

    def exchange(self, state: int, now: float) -> Verdict:
        silent = self._silent(now)
        if self._verdict.kind == NONE:
            self._verdict = self._judge([state, *(int(line.heard[0]) for line in self._lines)], silent)
        for line in self._lines:
            line.send(self._verdict)
        if self._verdict.kind == ENDED and any(line.told != self._verdict for line in self._lines):
            return Verdict(NONE, -1, self._verdict.leaving)  # rank 0 is the last to go
        return self._verdict

    @staticmethod
    def _judge(states: list[int], silent: list[int]) -> Verdict:
        leaving = states.index(LEAVING) if LEAVING in states else -1
        if FAILED in states:
            return Verdict(RAISED, states.index(FAILED), leaving)
        if silent:
            return Verdict(LOST, silent[0] + 1, leaving)
        ended = all(state == LEAVING for state in states)
        return Verdict(ENDED if ended else NONE, -1, leaving)


class _Spoke(_Ends):
    """Another rank, with a line to rank 0."""

    def __init__(self, communicator: Any, timeout: float) -> None:
        super().__init__([_Line(communicator, 0, 3)], timeout)
        self._lines[0].heard = np.array(Verdict(), np.int64)

    def exchange(self, state: int, now: float) -> Verdict:
        silent = self._silent(now)
        self._lines[0].send((state,))
        verdict = Verdict(*self._lines[0].heard.tolist())
        return Verdict(LOST, 0) if silent and verdict.kind == NONE else verdict
