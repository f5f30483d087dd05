"""Pictures of losses, on bare figures that pyplot does not know of."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastnn.analysis.surface import LossLine, LossSurface
    from fastnn.train.batches import Array

LEVELS = 24
PATH_COLOR = "#d62728"


def plot_line(line: LossLine, path: str | PathLike[str] | None, ax: Axes | None) -> Figure:
    """What `LossLine.plot` returns."""
    figure, ax = _panel(ax)
    order = np.argsort(line.steps)
    ax.plot(line.steps[order], line.losses[order], color="#1f77b4")
    ax.axvline(0.0, color="#555555", linestyle=":", linewidth=1.2)
    ax.set(xlabel="Step along the direction", ylabel="Loss")
    ax.grid(alpha=0.25)
    return _written(figure, path)


def plot_surface(
    surface: LossSurface, path: str | PathLike[str] | None, ax: Axes | None, trajectory: Any
) -> Figure:
    """What `LossSurface.plot` returns."""
    figure, ax = _panel(ax)
    heights, shift = _logarithms(surface.losses)
    lines = ax.contourf(surface.first_steps, surface.second_steps, heights.T, levels=LEVELS, cmap="viridis")
    bar = figure.colorbar(lines, ax=ax, label="Loss")
    bar.ax.set_yticks(bar.ax.get_yticks(), [f"{10**t - shift:.2g}" for t in bar.ax.get_yticks()])
    if trajectory is None:
        ax.plot(0.0, 0.0, "o", color=PATH_COLOR, markersize=5)
    else:
        points = np.asarray(trajectory, dtype=np.float64)
        ax.plot(points[:, 0], points[:, 1], ".-", color=PATH_COLOR, linewidth=1.2, markersize=4)
        ax.plot(points[-1, 0], points[-1, 1], "*", color=PATH_COLOR, markersize=12)
    ax.set(xlabel="Step along the first direction", ylabel="Step along the second")
    return _written(figure, path)


def _logarithms(losses: Array) -> tuple[Array, float]:
    """log10(loss + shift), where the shift keeps the lowest loss from stretching the scale without end."""
    finite = losses[np.isfinite(losses)]
    low, high = float(finite.min()), float(finite.max())
    shift = 1e-3 * max(high - low, 1e-12) - low
    return np.log10(np.where(np.isfinite(losses), losses, high) + shift), shift


def _panel(ax: Axes | None) -> tuple[Figure, Axes]:
    if ax is not None:
        return ax.figure.figure, ax
    figure = require("plot", "matplotlib.figure").Figure(figsize=(5.2, 4.0), layout="constrained")
    return figure, figure.add_subplot()


def _written(figure: Figure, path: str | PathLike[str] | None) -> Figure:
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure
