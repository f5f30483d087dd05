"""A training run that goes wrong on one rank, in the way that the first argument names.

Tells "training RANK PID" once it is under way, and "lost RANK: MESSAGE" where it has raised RankLostError.
"""

import os
import sys
import time

import numpy as np

import fastnn
from fastnn import distributed, nn, optim, train


def say(line: str) -> None:
    """In one piece: the ranks share a pipe."""
    os.write(1, f"{line}\n".encode())


def main(way: str) -> None:
    """The last rank fails; `train` goes on until somebody kills or stops a rank."""
    group = distributed.init(timeout=1.0 if way == "be slow" else 6.0)
    fastnn.set_num_threads(1)
    model = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = distributed.optimizer(optim.Adam(model.parameters()), group)
    rng = np.random.default_rng(0)
    data = rng.standard_normal((2000, 20)), rng.integers(0, 3, 2000)
    steps = iter(range(10**9))

    def fail(state: train.FitState) -> None:
        time.sleep(0.002 * rng.random())  # kills find ranks inside and outside of calls
        step = next(steps)
        if step == 0:
            say(f"training {group.rank} {os.getpid()}")
        last = group.rank == group.size - 1
        if step == 20 and way == "raise" and last:
            raise ValueError("a fault of the last rank")
        if step == 20 and way == "raise everywhere":
            raise ValueError("a fault of all ranks")
        if step == 20 and way == "leave" and last:
            raise SystemExit(0)
        if step == 20 and way == "be slow":
            until = time.monotonic() + 2.5
            while last and time.monotonic() < until:
                np.sort(rng.random(100_000))
            state.stop = True

    try:
        callbacks = [train.LambdaCallback(on_batch_end=fail)]
        options = {"epochs": 10**6, "batch_size": 16, "callbacks": callbacks, "validation": 0.2}
        train.fit(model, nn.CrossEntropyLoss(), optimizer, data, **options)
    except distributed.RankLostError as error:
        say(f"lost {group.rank}: {error}")
        raise


if __name__ == "__main__":
    main(sys.argv[1])
