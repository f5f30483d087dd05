"""Forks children one after another, after kernels ran or while threads are inside them.

Usage: fork_children.py idle|busy COUNT. A child computes gradients on three threads, and leaves with 0 where
their bits are those of the parent; an alarm ends one that hangs. Prints how many left with 0.
"""

import os
import signal
import sys
import threading
import warnings

from tests.programs.work import gradients


def child_succeeds(wanted: str) -> bool:
    with warnings.catch_warnings():
        # Python warns of a fork beside threads: that is what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os._exit(0 if gradients(3) == wanted else 1)
    return os.waitpid(pid, 0)[1] == 0


def main() -> None:
    mode, count = sys.argv[1], int(sys.argv[2])
    wanted = gradients(2)
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            gradients(2)

    workers = [threading.Thread(target=keep_busy) for _ in range(2 if mode == "busy" else 0)]
    for worker in workers:
        worker.start()
    good = sum(child_succeeds(wanted) for _ in range(count))
    stop.set()
    for worker in workers:
        worker.join()
    print(good, "parent ok" if gradients(3) == wanted else "parent broken")


if __name__ == "__main__":
    main()
