"""C12. A rate of its own for each parameter: Adagrad in both forms, RMSprop, and Adam, RMSprop with momentum.

Seen: each optimizer has one rate for both surfaces. In the bowl, steep one way and flat the other, plain
descent crawls and adaptive rates do not; round the bend of the crescent, Adam gets closest. Adagrad's mean of
all past squares shrinks where the gradient has long been small, until its steps burst out of the gully.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from _common import BLUE, GREEN, GREY, ORANGE, RED, Array, descend, panels, parse, save, table
from _surfaces import CRESCENT, GULLY, STRETCHED, Surface, from_floor

from fastnn import nn, optim

Maker: TypeAlias = Callable[[list[nn.Parameter]], optim.Optimizer]
MAKERS: dict[str, tuple[Maker, str]] = {
    "SGD": (lambda p: optim.SGD(p, lr=0.02), GREY),
    "Adagrad, sum": (lambda p: optim.Adagrad(p, lr=0.5), ORANGE),
    "Adagrad, mean": (lambda p: optim.Adagrad(p, lr=0.05, average=True), GREEN),
    "RMSprop": (lambda p: optim.RMSprop(p, lr=0.02, alpha=0.9), BLUE),
    "Adam": (lambda p: optim.Adam(p, lr=0.05), RED),
}
STEPS = 400
BURST_RATE, BURST_STEPS = 0.06, 2000


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Descend on two surfaces, then follow Adagrad for a long time."""
    options = parse(__doc__, arguments)
    surfaces = {"stretched bowl": STRETCHED, "crescent": CRESCENT}
    ways = {place: {n: walk(s, make) for n, (make, _) in MAKERS.items()} for place, s in surfaces.items()}
    losses = {
        place: {name: float(surfaces[place].loss(way[-1])) for name, way in found.items()}
        for place, found in ways.items()
    }
    table(
        (f"loss after {STEPS} steps", *surfaces),
        [(name, *(f"{losses[place][name]:.1e}" for place in surfaces)) for name in MAKERS],
    )
    forms = {
        name: long_walk(average, rate)
        for name, average, rate in (("sum", False, 1.0), ("mean", True, BURST_RATE))
    }
    late = {name: float(from_floor(way[500:]).max()) for name, way in forms.items()}
    table(("Adagrad", "farthest from the floor after step 500"), late.items())
    figure, axes = panels(3, width=4.0, height=3.4)
    for ax, (place, found) in zip(axes, ways.items(), strict=False):
        draw(ax, place, surfaces[place], found)
    for (name, way), color in zip(forms.items(), (ORANGE, GREEN), strict=True):
        axes[2].semilogy(from_floor(way) + 1e-9, color=color, label=f"Adagrad, {name}", linewidth=1)
    axes[2].set(
        title="A gully: the late burst", xlabel="step", ylabel="distance from the floor", ylim=(1e-6, 3)
    )
    axes[2].legend(frameon=False, fontsize=8)
    save(figure, options, __file__)
    return {"losses": losses, "late": late}


def walk(surface: Surface, make: Maker) -> Array:
    """The points that an optimizer visits."""
    return descend(surface.gradient, surface.start, make, STEPS)


def long_walk(average: bool, rate: float) -> Array:
    """The points of Adagrad in the gully."""
    return descend(
        GULLY.gradient, GULLY.start, lambda p: optim.Adagrad(p, lr=rate, average=average), BURST_STEPS
    )


def draw(ax: Any, title: str, surface: Surface, ways: dict[str, Array]) -> None:
    """Contour lines and ways."""
    points = np.concatenate(list(ways.values()))
    low, high = points.min(axis=0) - 0.4, points.max(axis=0) + 0.4
    a, b = (np.linspace(low[i], high[i], 100) for i in (0, 1))
    heights = surface.loss(np.stack(np.meshgrid(a, b), axis=-1))
    ax.contour(a, b, heights, levels=np.geomspace(1e-2, heights.max(), 7), colors="#bbbbbb", linewidths=0.7)
    for name, way in ways.items():
        ax.plot(*way.T, "-", color=MAKERS[name][1], label=name, linewidth=1.4)
        ax.plot(*way[-1], "o", color=MAKERS[name][1], markersize=5)
    ax.set(title=title, xlabel="a", ylabel="b")
    ax.legend(frameon=False, fontsize=7)


if __name__ == "__main__":
    main()
