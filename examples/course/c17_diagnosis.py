"""C17. What went wrong: large training loss means bias or optimisation, large validation loss overfitting.

Seen: four trainings, three of them made to fail in a known way; `fastnn.analysis.diagnose` reads the cause
off their histories, with a shallower net as baseline where the training loss is large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _common import Array, mlp, panels, parse, save
from matplotlib.ticker import MaxNLocator

import fastnn
from fastnn import analysis, nn, optim, train

SMALL = 0.05  # a squared error that this task allows


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train, diagnose, draw the learning curves under their diagnoses."""
    options = parse(__doc__, arguments)
    epochs = 80 if options.quick else 300
    many, few = wave(256), wave(8, noise=0.5)
    line, shallow = run((), many, epochs), run((16,), many, epochs)
    runs = {
        "one tanh unit": (run((1,), many, epochs), line),
        "eight layers of sigmoids": (run((16,) * 8, many, epochs // 2, nn.Sigmoid), shallow),
        "eight noisy points": (run((64, 64), few, 10 * epochs), None),
        "two layers, enough data": (run((32, 32), many, epochs), None),
    }
    found = {name: analysis.diagnose(history, base, small=SMALL) for name, (history, base) in runs.items()}
    for name, diagnosis in found.items():
        print(f"{name}: {diagnosis}\n")
    figure, axes = panels(4, width=3.1, height=2.9)
    for ax, (name, (history, _)) in zip(axes, runs.items(), strict=True):
        history.plot(ax=ax)
        ax.axhline(SMALL, color="#555555", linewidth=0.8)
        ax.set(title=f"{name}:\n{found[name].cause}", yscale="log", ylim=(1e-4, 3), ylabel="")
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.legend(frameon=False, fontsize=7)
    save(figure, options, __file__)
    return {name: diagnosis.cause for name, diagnosis in found.items()}


def wave(samples: int, noise: float = 0.0, seed: int = 0) -> tuple[Array, Array]:
    """Points of a wave."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (samples, 1))
    return x, np.sin(6 * x) + noise * rng.standard_normal((samples, 1))


def run(
    hidden: tuple[int, ...],
    data: tuple[Array, Array],
    epochs: int,
    activation: Callable[[], nn.Module] = nn.Tanh,
) -> train.History:
    """Train a net with these hidden layers."""
    fastnn.manual_seed(0)
    model = mlp(1, *hidden, 1, activation=activation)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    test = wave(200, seed=1)
    return train.fit(
        model,
        nn.MSELoss(),
        optimizer,
        data,
        validation=test,
        epochs=epochs,
        batch_size=32,
        scheduler=schedule,
    )


if __name__ == "__main__":
    main()
