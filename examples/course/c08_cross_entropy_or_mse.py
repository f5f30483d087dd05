"""C8. Cross-entropy or squared error for classes: far from the answer, one slopes and the other is flat.

Seen: where the net is sure of the wrong class, the squared error's gradient is nearly zero and that of
cross-entropy is not; from there descent with cross-entropy arrives and with squared error it stays, on the
surface of two outputs and for a net on handwritten digits alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _common import RED, Array, descend, digits, panels, parse, save, table

import fastnn
import fastnn.functional as F
from fastnn import nn, optim, train

FAR = (-8.0, 8.0)  # outputs of class 1, which is right, and of class 2
OTHER = -10.0  # output of class 3
ANSWER = np.array([[1.0, 0.0, 0.0]])


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Compare gradients, descents on the surface, and training runs from a bad start."""
    options = parse(__doc__, arguments)
    losses = {"cross-entropy": cross_entropy, "squared error": squared_error}
    ways = {name: way(loss) for name, loss in losses.items()}
    steep = {name: float(np.linalg.norm(loss(np.array([FAR]))[1])) for name, loss in losses.items()}
    ends = {name: float(F.softmax(with_third(points[-1:]))[0, 0]) for name, points in ways.items()}
    trained = bad_start(300 if options.quick else 1347, 25 if options.quick else 30)
    table(
        ("loss", "gradient at the start", "p(right) after descent", "digits read"),
        [(name, f"{steep[name]:.1e}", f"{ends[name]:.4f}", f"{trained[name]:.1%}") for name in losses],
    )
    figure, axes = panels(2, width=4.4, height=3.6)
    for ax, (name, loss) in zip(axes, losses.items(), strict=True):
        draw(ax, name, loss, ways[name])
    save(figure, options, __file__)
    return {"gradient": steep, "p right": ends, "digits": trained}


def with_third(outputs: Array) -> Array:
    """Outputs of shape (N, 2) and the third, which stays."""
    return np.concatenate([outputs, np.full((len(outputs), 1), OTHER)], axis=1)


def cross_entropy(outputs: Array) -> tuple[Array, Array]:
    """Losses of outputs of shape (N, 2), and their gradients."""
    targets = np.repeat(ANSWER, len(outputs), axis=0)
    losses, grad = F.cross_entropy_with_grad(with_third(outputs), targets, reduction="none")
    return losses, grad[:, :2]


def squared_error(outputs: Array) -> tuple[Array, Array]:
    """The same for the squared distance between probabilities and answer."""
    p = F.softmax(with_third(outputs))
    losses, grad = F.mse_loss_with_grad(p, np.repeat(ANSWER, len(p), axis=0), reduction="none")
    return losses.sum(axis=1), F.softmax_backward(grad, p)[:, :2]


def way(loss: Callable[[Array], tuple[Array, Array]]) -> Array:
    """Where gradient descent goes from the far corner."""
    return descend(lambda at: loss(at[None])[1][0].copy(), FAR, lambda p: optim.SGD(p, lr=0.5), 200)


def bad_start(samples: int, epochs: int) -> dict[str, float]:
    """Training accuracy from large random weights, which are sure and wrong at first."""
    (x, y), _ = digits(samples)
    found = {}
    for name, loss, target, head in (
        ("cross-entropy", nn.CrossEntropyLoss(), y, []),
        ("squared error", nn.MSELoss(), np.eye(10, dtype=np.float32)[y], [nn.Softmax()]),
    ):
        fastnn.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 10), *head)
        model[0].weight.data *= 100.0
        optimizer = optim.SGD(model.parameters(), lr=0.5)
        train.fit(model, loss, optimizer, (x, target), epochs=epochs, batch_size=32)
        found[name] = train.evaluate(model, loss, (x, target), metrics="accuracy")["accuracy"]
    return found


def draw(ax: Any, name: str, loss: Callable[[Array], tuple[Array, Array]], points: Array) -> None:
    """The surface over two outputs, and the way."""
    line = np.linspace(-10, 10, 60)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    filled = ax.contourf(line, line, loss(grid)[0].reshape(60, 60), levels=20, cmap="viridis")
    ax.figure.colorbar(filled, ax=ax, label="loss")
    ax.plot(*points.T, ".-", color=RED, markersize=4)
    ax.plot(*points[0], "o", color=RED)
    ax.set(title=name, xlabel="output of class 1 (right)", ylabel="output of class 2")


if __name__ == "__main__":
    main()
