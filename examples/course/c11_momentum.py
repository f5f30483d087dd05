"""C11. Momentum: each movement is the last one, weakened, minus the new gradient.

Seen: the first movements are m1 = -n g0, m2 = -k n g0 - n g1, and so on; a ball with momentum rolls through a
dip in which plain descent stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, GREY, RED, Array, descend, panels, parse, save, table

from fastnn import optim

RATE, KEPT = 0.2, 0.9  # n and k
START = 9.0


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Write out the first movements, then roll."""
    options = parse(__doc__, arguments)
    ways = {name: roll(k) for name, k in (("plain descent", 0.0), ("momentum", KEPT))}
    points = ways["momentum"]
    found, expected = np.diff(points[:6, 0]), formula(slope(points)[:5, 0])
    table(
        ("movement", "of the optimizer", "sum of -n k^(t-1-i) g_i"),
        [
            (f"m{t}", f"{a:.12f}", f"{b:.12f}")
            for t, (a, b) in enumerate(zip(found, expected, strict=True), 1)
        ],
    )
    ends = {name: float(way[-1, 0]) for name, way in ways.items()}
    losses = {name: float(height(way[-1:])[0, 0]) for name, way in ways.items()}
    table(("", "ends at", "loss"), [(name, f"{ends[name]:.3f}", f"{losses[name]:.3f}") for name in ways])
    figure, (ax,) = panels(1, width=6, height=3.4)
    x = np.linspace(-4, 10, 400)[:, None]
    ax.plot(x, height(x), color=GREY)
    for (name, way), color in zip(ways.items(), (BLUE, RED), strict=True):
        ax.plot(way[:, 0], height(way)[:, 0], ".-", color=color, alpha=0.5, markersize=5, linewidth=0.8)
        ax.plot(way[-1, 0], height(way[-1:])[0, 0], "o", color=color, markersize=9, label=f"{name} ends")
    ax.set(title="A dip on the way down", xlabel="parameter", ylabel="loss")
    ax.legend(frameon=False)
    save(figure, options, __file__)
    return {"movements": found.tolist(), "formula": expected.tolist(), "ends": ends, "losses": losses}


def height(x: Array) -> Array:
    """A bowl with a dip in its wall."""
    loss: Array = 0.05 * x**2 - 0.8 * np.exp(-((x - 5.5) ** 2))
    return loss


def slope(x: Array) -> Array:
    """The derivative of `height`."""
    gradient: Array = 0.1 * x + 1.6 * (x - 5.5) * np.exp(-((x - 5.5) ** 2))
    return gradient


def roll(momentum: float) -> Array:
    """Where the parameter goes."""
    return descend(slope, [START], lambda p: optim.SGD(p, lr=RATE, momentum=momentum), 300)


def formula(gradients: Array) -> Array:
    """m_t = -n (k^(t-1) g_0 + ... + k g_(t-2) + g_(t-1)), all of it written out."""
    terms = [
        [-RATE * KEPT ** (t - 1 - i) * gradients[i] for i in range(t)] for t in range(1, len(gradients) + 1)
    ]
    return np.array([sum(each) for each in terms])


if __name__ == "__main__":
    main()
