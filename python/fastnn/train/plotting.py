"""Learning curves.

They are drawn on a bare `matplotlib.figure.Figure`: pyplot would keep the figure alive and choose a
backend for the whole process.
"""

from __future__ import annotations

import math
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastnn.train.history import History

_MISSING = "learning curves need matplotlib: pip install '.[demo]' in the source tree"
_TRAIN, _VALIDATION, _BEST = "#1f77b4", "#d62728", "#555555"


def plot_history(history: History, path: str | PathLike[str] | None, ax: Axes | None) -> Figure:
    """The figure that `History.plot` returns."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(_MISSING) from error
    if not history.epochs:
        raise ValueError("[History.plot] expected at least one finished epoch, got none")
    if ax is None:
        figure = _figure(Figure, history)
    else:
        figure = ax.figure.figure  # the whole figure, also from within a subfigure
        _draw_panel(ax, history, ["loss"], "Loss")
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def _figure(figure_class: type[Figure], history: History) -> Figure:
    metrics = [name for name in history if name != "loss" and not name.startswith("val_")]
    panels = 2 if metrics else 1
    figure = figure_class(figsize=(5.2 * panels, 3.8), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    _draw_panel(axes[0], history, ["loss"], "Loss")
    if metrics:
        _draw_panel(axes[1], history, metrics, "Metric" if len(metrics) > 1 else _title(metrics[0]))
    return figure


def _draw_panel(ax: Axes, history: History, names: list[str], title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    for i, name in enumerate(names):
        prefix = f"{_title(name)}, " if len(names) > 1 else ""
        style = ("-", "--", "-.", ":")[i % 4]
        _draw_curve(ax, history, name, f"{prefix}training", _TRAIN, style)
        _draw_curve(ax, history, f"val_{name}", f"{prefix}validation", _VALIDATION, style)
    best = _best_epoch(history)
    if best is not None:
        ax.axvline(best, color=_BEST, linestyle=":", linewidth=1.2, label=f"best epoch ({best})")
    ax.set(title=title, xlabel="Epoch", ylabel=title)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)


def _draw_curve(ax: Axes, history: History, name: str, label: str, color: str, style: str) -> None:
    if name in history:
        marker = "o" if len(history.epochs) <= 12 else None  # a single epoch is a point, not a line
        ax.plot(history.epochs, history[name], style, color=color, marker=marker, markersize=4, label=label)


def _best_epoch(history: History) -> int | None:
    losses = history["val_loss" if "val_loss" in history else "loss"]
    known = [(loss, e) for e, loss in zip(history.epochs, losses, strict=True) if not math.isnan(loss)]
    return min(known)[1] if known else None


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
