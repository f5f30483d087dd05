"""C3. Any piecewise linear curve is a constant plus a sum of hard sigmoids, and each of those two ReLUs.

Seen: both sums meet the curve to rounding, smooth sigmoids come close to it; more pieces and more layers
lower the loss, and with as many parameters a deep net does better than a wide one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _common import BLUE, GREY, ORANGE, RED, Array, mlp, panels, parameters_of, parse, save, table

import fastnn
import fastnn.functional as F
from fastnn import nn, optim, train

KNOTS = np.array([-1.0, -0.5, 0.1, 0.4, 1.0])
HEIGHTS = np.array([0.5, -0.7, 0.9, 0.2, 0.6])
WIDTHS = (1, 2, 5, 20, 100)
EQUAL = {"wide: 1 layer of 117": (117,), "2 layers of 17": (17, 17), "deep: 3 layers of 12": (12, 12, 12)}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Build the curve in three ways, then fit another one with nets of several sizes."""
    options = parse(__doc__, arguments)
    errors, sums = build()
    table(("sum of", "largest error"), [(name, f"{error:.1e}") for name, error in errors.items()])
    epochs = 60 if options.quick else 400
    pieces = {width: fit((width,), 2.0, epochs) for width in WIDTHS}
    table(("ReLUs in one layer", "loss"), pieces.items())
    depth = {name: fit(widths, 12.0, epochs) for name, widths in EQUAL.items()}
    sizes = {name: parameters_of(mlp(1, *widths, 1)) for name, widths in EQUAL.items()}
    table(("layers", "parameters", "loss"), [(name, sizes[name], loss) for name, loss in depth.items()])
    save(draw(sums, pieces, depth), options, __file__)
    return {"errors": errors, "pieces": pieces, "depth": list(depth.values()), "sizes": list(sizes.values())}


def build() -> tuple[dict[str, float], dict[str, Array]]:
    """The curve through the knots, as three sums."""
    x = np.linspace(-1, 1, 801)
    curve = np.interp(x, KNOTS, HEIGHTS)
    bends: dict[str, Callable[[Array], Array]] = {
        "hard sigmoids": lambda t: F.hardsigmoid(6 * t - 3),
        "ReLU pairs": lambda t: F.relu(t) - F.relu(t - 1),
        "sigmoids": lambda t: F.sigmoid(6 * t - 3),
    }
    sums = {name: staircase(x, bend) for name, bend in bends.items()}
    return {name: float(abs(s - curve).max()) for name, s in sums.items()}, {"curve": curve, "x": x} | sums


def staircase(x: Array, bend: Callable[[Array], Array]) -> Array:
    """A constant and one bend between each two knots; `bend` climbs from 0 to 1 on [0, 1]."""
    total = np.full_like(x, HEIGHTS[0])
    for left, right, rise in zip(KNOTS, KNOTS[1:], np.diff(HEIGHTS), strict=False):
        total += rise * bend((x - left) / (right - left))
    return total


def fit(widths: tuple[int, ...], frequency: float, epochs: int) -> float:
    """The training loss of a net on a wave, the mean over three starts."""
    x = np.linspace(-1, 1, 256)[:, None]
    data = x, np.sin(frequency * x) + 0.3 * np.cos(2.5 * frequency * x)
    losses = []
    for seed in range(3):
        fastnn.manual_seed(seed)
        model = mlp(1, *widths, 1)
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        train.fit(model, nn.MSELoss(), optimizer, data, epochs=epochs, batch_size=32)
        losses.append(train.evaluate(model, nn.MSELoss(), data)["loss"])
    return float(np.mean(losses))


def draw(sums: dict[str, Array], pieces: dict[int, float], depth: dict[str, float]) -> Any:
    """The curve and its sums; the losses."""
    figure, (left, middle, right) = panels(3, width=3.8)
    left.plot(sums["x"], sums["curve"], color=GREY, linewidth=5, alpha=0.4, label="curve")
    left.plot(sums["x"], sums["ReLU pairs"], color=BLUE, label="ReLU pairs")
    left.plot(sums["x"], sums["sigmoids"], "--", color=RED, label="sigmoids")
    left.set(title="One curve, sums of bends", xlabel="x")
    left.legend(frameon=False, fontsize=8)
    middle.loglog(list(pieces), list(pieces.values()), "o-", color=BLUE)
    middle.set(title="More pieces", xlabel="ReLUs in one layer", ylabel="training loss")
    right.barh([name.replace(": ", ":\n") for name in depth], list(depth.values()), color=ORANGE)
    right.set(title="As many parameters", xlabel="training loss")
    return figure


if __name__ == "__main__":
    main()
