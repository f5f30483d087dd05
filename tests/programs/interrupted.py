"""A program that is interrupted: trains until SIGINT, tells what came of it, and trains on.

Tells "training" before each of its runs, "interrupted" as soon as `fit` has raised, and then "usable" where
the model is as it has to be.
"""

import signal
import sys

import numpy as np

import fastnn
from fastnn import nn, optim, train


def main(runs: int) -> None:
    """Layers of different cost: the signal finds some native call running, or none."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2000, 1, 16, 16)), rng.integers(0, 4, 2000)
    fastnn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(1568, 4),
    )
    loss, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters())
    model[3].eval()
    for run in range(runs):
        history = train.History()
        try:
            print("training", flush=True)
            options = {"batch_size": (1, 500)[run % 2], "validation": 0.3, "history": history}
            train.fit(model, loss, optimizer, (x, y), epochs=10**9, **options)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        modes = [part.training for part in model.modules()]
        assert modes == [part is not model[3] for part in model.modules()], modes
        assert np.isfinite(train.predict(model, x[:50])).all()
        after = train.fit(model, loss, optimizer, (x[:50], y[:50]), epochs=1, history=history)
        assert np.isfinite(after["loss"]).all()
        print("usable", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background Python has none
    main(int(sys.argv[1]))
