"""The ratios on a log scale: a bar for every case, and for every operation its range."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import QUIET
from benchmarks.report import Row
from benchmarks.timing import geometric_mean

FASTER, SLOWER = "#2a7f62", "#c0504d"
LEFT = 0.01  # bars that reach further are cut
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


def write(path: Path, figure: Any) -> None:
    """The file appears only when it is whole."""
    temporary = path.with_name(path.name + ".part")
    figure.savefig(temporary, dpi=110, format="png")
    os.replace(temporary, path)


def save(path: Path, rows: Sequence[Row], title: str) -> None:
    """Draws all rows."""
    write(path, draw(rows, title))


def draw(rows: Sequence[Row], title: str) -> Any:
    """The figure, without a display."""
    from matplotlib.figure import Figure

    counts = sorted({row.threads for row in rows})
    panels = [[row for row in rows if row.threads == threads] for threads in counts]
    height = 1.6 + 0.2 * max(map(len, panels))
    figure = Figure(figsize=(5 + 5.0 * len(panels), height), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False)[0]
    for axis, panel in zip(axes, panels, strict=True):
        _panel(axis, panel)
    figure.suptitle(title, fontsize=11)
    return figure


def _panel(axis: Any, rows: Sequence[Row]) -> None:
    """Bars grow from 1: to the left faster than PyTorch, to the right slower."""
    ratios = [row.ratio.median for row in rows]
    places = range(len(rows))
    axis.set_xscale("log")
    axis.barh(
        places,
        [value - 1 for value in ratios],
        left=1,
        height=0.7,
        color=[SLOWER if value > 1 else FASTER for value in ratios],
        xerr=[
            [row.ratio.median - row.ratio.low for row in rows],
            [row.ratio.high - row.ratio.median for row in rows],
        ],
        error_kw={"lw": 0.8, "ecolor": "0.3"},
    )
    axis.plot([row.target for row in rows], places, "|", color="black", ms=9, label="target")
    _label(axis, rows, ratios)


def _label(axis: Any, rows: Sequence[Row], ratios: Sequence[float]) -> None:
    axis.axvline(1, color="black", lw=1)
    low = max(LEFT, min([0.1, *ratios]) / 2)
    high = max([1.3, *ratios, *(row.ratio.high for row in rows)]) * 2.2
    axis.set_xlim(low, high)
    axis.set_xticks([tick for tick in TICKS if low < tick < high], labels=None)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.xaxis.set_minor_formatter(lambda value, _: "")
    axis.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    for place, row in enumerate(rows):
        text = f"{row.ratio.median:{'.2f' if row.ratio.median >= 0.1 else '.2g'}}" + (
            " !" if row.background > QUIET else ""
        )
        axis.text(max(1.0, row.ratio.high) * 1.08, place, text, va="center", fontsize=7.5)
    axis.grid(axis="x", color="0.85", lw=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel("time of fastnn / time of PyTorch (whiskers: quartiles; !: others were busy)")
    axis.set_title(f"{rows[0].threads} thread(s); geometric mean {geometric_mean(ratios):.2f}", fontsize=10)
    axis.legend(loc="lower left", fontsize=8)


def draw_operations(ratios: Mapping[tuple[str, int], Sequence[float]], title: str) -> Any:
    """A dot for every case of an operation and a stroke for their mean; `ratios` by operation and threads."""
    from matplotlib.figure import Figure

    ops, counts = list(dict.fromkeys(op for op, _ in ratios)), sorted({threads for _, threads in ratios})
    figure = Figure(figsize=(7.3, 1.2 + 0.3 * len(ops)), layout="constrained")
    axis = figure.subplots()
    for (op, threads), values in ratios.items():
        color, place = f"C{counts.index(threads)}", ops.index(op) + 0.3 * (counts.index(threads) - 0.5)
        axis.plot(values, [place] * len(values), ".", color=color, ms=8, alpha=0.45, mew=0)
        axis.plot(geometric_mean(values), place, "|", color=color, ms=11, mew=2.5)
    for i, threads in enumerate(counts):
        label = f"mean, {threads} thread{'s' * (threads > 1)}"
        axis.plot([], [], "|", color=f"C{i}", ms=11, mew=2.5, label=label)
    axis.axvline(1, color="black", lw=1)
    axis.set_xscale("log")
    axis.set_xticks(TICKS, labels=[f"{tick:g}" for tick in TICKS])
    axis.set_xticks([], minor=True)
    every = [value for values in ratios.values() for value in values]
    axis.set_xlim(min([0.1, *every]) / 1.3, max([1.5, *every]) * 1.3)
    axis.set_yticks(range(len(ops)), ops)
    axis.set_ylim(len(ops) - 0.4, -0.6)
    axis.grid(color="0.88", lw=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel("time of fastnn / time of PyTorch: a dot for each case, left of 1 fastnn is faster")
    axis.set_title(title, fontsize=10)
    figure.legend(loc="outside lower center", ncols=len(counts), fontsize=8)
    return figure
