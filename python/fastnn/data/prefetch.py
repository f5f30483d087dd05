"""Items made ahead of their use by a thread, in order.

An item that waits holds a slot, which the consumer frees by taking it; one that leaves frees a slot for the
thread to wake up and see it. So neither ever polls.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Any


def prefetched(make: Callable[[int], Any], numbers: range, ahead: int) -> Generator[Any, None, None]:
    """make(i) for each i of `numbers`, `ahead` of them made before they are asked for; 0 needs no thread.

    An exception of `make` is raised where its item would have come. In a child of fork(), where the thread is
    not, the rest is made as it is asked for.
    """
    if ahead == 0:
        yield from map(make, numbers)
        return
    worker, owner = _Worker(make, numbers, ahead), os.getpid()
    try:
        for i in numbers:
            yield worker.next() if os.getpid() == owner else make(i)
    finally:
        if os.getpid() == owner:
            worker.stop()


class _Worker:
    def __init__(self, make: Callable[[int], Any], numbers: range, ahead: int) -> None:
        self._slots = threading.Semaphore(ahead)
        self._ready: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._stopped = False
        # A daemon: a process that ends does not wait for batches that nobody will see.
        self._thread = threading.Thread(
            target=self._run, args=(make, numbers), name="fastnn-prefetch", daemon=True
        )
        self._thread.start()

    def next(self) -> Any:
        item, error = self._ready.get()
        self._slots.release()
        if error is not None:
            raise error
        return item

    def stop(self) -> None:
        self._stopped = True
        self._slots.release()
        self._thread.join()

    def _run(self, make: Callable[[int], Any], numbers: range) -> None:
        for i in numbers:
            self._slots.acquire()
            if self._stopped:
                return
            try:
                self._ready.put((make(i), None))
            except BaseException as error:  # handed to the consumer, whatever it is
                self._ready.put((None, error))
                return
