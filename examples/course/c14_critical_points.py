"""C14. Where the gradient vanishes: minimum, maximum or saddle, by the eigenvalues of the Hessian.

Seen: for y = w1 w2 x with loss (1 - w1 w2)^2 the origin is a saddle with eigenvalues -2 and 2, and a step
along the eigenvector of -2 lowers the loss; a net with all weights 0 is stuck in a saddle, leaves it the same
way, comes to the next one, and so on down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, RED, Array, mlp, panels, parse, save, table

from fastnn import analysis, nn, optim, train

ONE = np.ones((1, 1))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Classify points of two nets, and leave their saddles."""
    options = parse(__doc__, arguments)
    loss, one = nn.MSELoss(), (ONE, ONE)
    small = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    points = {f"w1 w2 x at {at}": classify(small, loss, one, at) for at in ((0, 0), (1, 1), (2, 0.5), (1, 0))}
    analysis.set_flat_parameters(small, [0.0, 0.0])
    escape = analysis.escape_saddle(small, loss, one)

    data = wave()
    net = mlp(1, 6, 1, activation=nn.Tanh, dtype=np.float64)
    analysis.set_flat_parameters(net, np.zeros_like(analysis.flat_parameters(net)))
    losses, stops = from_saddle_to_saddle(net, data, 1500 if options.quick else 6000)
    points |= {f"net, stop {i}": point for i, (point, _) in enumerate(stops, 1)}
    table(
        ("point", "loss", "gradient", "eigenvalues from", "to", "positive", "kind"),
        [
            (
                n,
                p.loss,
                f"{p.gradient_norm:.1e}",
                p.eigenvalues[0],
                p.eigenvalues[-1],
                f"{p.positive_share:.0%}",
                p.kind,
            )
            for n, p in points.items()
        ],
    )
    ways = {"w1 w2 x": escape} | {f"net, stop {i}": way for i, (_, way) in enumerate(stops, 1) if way}
    table(
        ("escape along eigenvalue", "", "loss before", "after"),
        [(name, way.eigenvalue, way.loss_before, way.loss_after) for name, way in ways.items()],
    )
    save(draw(small, one, escape, losses), options, __file__)
    return {"points": points, "escapes": ways, "losses": losses}


def classify(model: nn.Module, loss: nn.Module, data: Any, at: tuple[float, float]) -> analysis.CriticalPoint:
    """What kind of point `at` is."""
    analysis.set_flat_parameters(model, at)
    return analysis.classify_critical_point(model, loss, data)


def wave() -> tuple[Array, Array]:
    """A wave without a mean, so that weights of 0 have no gradient."""
    x = np.linspace(-1, 1, 40)[:, None]
    return x, np.sin(4 * x)


def from_saddle_to_saddle(net: nn.Module, data: tuple[Array, Array], epochs: int) -> tuple[Any, Any]:
    """Train until nothing moves, leave the saddle, and so on: losses, and (point, escape) of each stop."""
    losses: list[list[float]] = []
    stops: list[tuple[analysis.CriticalPoint, analysis.Escape | None]] = []
    while not stops or (stops[-1][1] is not None and len(stops) < 5):
        losses.append(train_until_still(net, data, epochs))
        point = analysis.classify_critical_point(
            net, nn.MSELoss(), data, gradient_tolerance=0.01, eigenvalue_tolerance=1e-4
        )
        saddle = point.kind == "saddle"
        stops.append((point, analysis.escape_saddle(net, nn.MSELoss(), data) if saddle else None))
    return losses, stops


def train_until_still(net: nn.Module, data: tuple[Array, Array], epochs: int) -> list[float]:
    """The losses of descent on the whole data."""
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    still = train.Converged(1e-6)
    return train.fit(
        net, nn.MSELoss(), optimizer, data, epochs=epochs, batch_size=len(data[0]), callbacks=[still]
    )["loss"]


def draw(model: nn.Module, one: Any, escape: analysis.Escape, losses: list[list[float]]) -> Any:
    """The saddle from above with the way out, and the losses of the net."""
    figure, (left, right) = panels(2, width=4.6, height=3.6)
    analysis.set_flat_parameters(model, [0.0, 0.0])
    steps = np.linspace(-2, 2, 61)
    surface = analysis.loss_surface(model, nn.MSELoss(), one, [1, 0], [0, 1], steps, steps)
    way = np.stack([np.zeros(2), escape.distance * escape.direction])
    surface.plot(ax=left, trajectory=way)
    left.set(title="(1 - w1 w2)^2: out of the saddle", xlabel="w1", ylabel="w2")
    begin = 0
    for part in losses:
        right.plot(range(begin, begin + len(part)), part, color=BLUE)
        begin += len(part)
    for part_end in np.cumsum([len(part) for part in losses])[:-1]:
        right.axvline(part_end, color=RED, linestyle=":")
    right.set(title="A net: saddles, and escapes (dotted)", xlabel="update", ylabel="loss")
    return figure


if __name__ == "__main__":
    main()
