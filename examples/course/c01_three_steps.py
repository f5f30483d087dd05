"""C1. A function with unknowns, a loss, an optimisation: y = b + w x, fitted by gradient descent.

Seen: the loss falls along a path to the least-squares line; the run ends at the limit of updates, when the
parameters no longer change, or after the epochs that were asked for, whichever comes first.

    python examples/course/c01_three_steps.py --lr 0.1 --batch-size 10 --epochs 30
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import GREY, RED, Array, make_parser, panels, save, table

from fastnn import analysis, nn, optim, train

B, W = 0.5, 1.5


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Fit with three ways to stop; draw the line and the path."""
    parser = make_parser(__doc__)
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
    parser.add_argument("--batch-size", type=int, default=10, help="samples per update in the third run")
    parser.add_argument("--epochs", type=int, default=30, help="passes over the data in the third run")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 1))
    data = x, B + W * x + rng.normal(0, 0.3, x.shape)
    runs = {
        "limit of updates": fit(data, options.lr, 60, 1000, train.UpdateLimit(20)),
        "parameters still": fit(data, options.lr, 60, 1000, train.Converged(1e-6)),
        "epochs": fit(data, options.lr, options.batch_size, options.epochs),
    }
    figures = {name: run["figures"] for name, run in runs.items()}
    w, b = np.polyfit(data[0].ravel(), data[1].ravel(), 1)
    table(
        ("ends by", "updates", "b", "w", "loss"),
        [(name, *f.values()) for name, f in figures.items()] + [("least squares", "", b, w, "")],
    )
    save(draw(data, runs["parameters still"]), options, __file__)
    return figures | {"least squares": {"b": b, "w": w}}


def fit(data: tuple[Array, Array], lr: float, batch_size: int, epochs: int, *stops: Any) -> dict[str, Any]:
    """Train from zero."""
    model = nn.Linear(1, 1, dtype=np.float64)
    analysis.set_flat_parameters(model, [0.0, 0.0])
    path = analysis.ParameterPath("step")
    optimizer = optim.SGD(model.parameters(), lr=lr)
    loss = nn.MSELoss()
    train.fit(model, loss, optimizer, data, epochs=epochs, batch_size=batch_size, callbacks=[path, *stops])
    w, b = analysis.flat_parameters(model)
    final = train.evaluate(model, loss, data)["loss"]
    figures = {"updates": len(path.points) - 1, "b": float(b), "w": float(w), "loss": final}
    return {"model": model, "path": path.points, "figures": figures}


def draw(data: tuple[Array, Array], run: dict[str, Any]) -> Any:
    """The line through the points, and the way over the loss."""
    figure, (left, right) = panels(2, width=4.2, height=3.4)
    model, path = run["model"], run["path"]
    ends = np.array([[-1.0], [1.0]])
    left.plot(*data, "o", color=GREY, markersize=3)
    left.plot(ends, train.predict(model, ends), color=RED)
    left.set(xlabel="x", ylabel="y", title="The line found")
    w, b = path[-1]
    first, second = np.linspace(-1.7, 1.0, 40), np.linspace(-0.9, 0.9, 40)
    surface = analysis.loss_surface(model, nn.MSELoss(), data, [1, 0], [0, 1], first, second)
    surface.plot(ax=right, trajectory=path - path[-1])
    right.set(xlabel=f"w - {w:.2f}", ylabel=f"b - {b:.2f}", title="The way down from w = b = 0")
    return figure


if __name__ == "__main__":
    main()
