"""Forgetting of general ability by axis and model: FG of Luo et al., and FG above chance."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import CONTROL_COLOUR, Look, looks, order_fills, shortened
from lethe.figures.drawing import (
    Drawn,
    columns_that_fit,
    legend,
    lower_first,
    new_figure,
)
from lethe.figures.marks import CUT, draw_point, handle, ratio_limits
from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import CONTROL, Line, interval_words, is_control, lines, order_of, shown

MEASURES = {"fg_luo": "FG, %", "fg_chance": "FG above\nchance, %"}
PANEL = (1.3, 1.5)
SPREAD = 0.8
FLOOR = re.compile("at floor: ([^;]*)")
LISTED = 4
LONGEST_MODEL = 16  # characters under a panel


def draw(tables: LongTables, width: str = "page") -> Drawn:
    """A panel per axis; models side by side, orders by fill, the control in grey."""
    rows = shown(tables.metrics, list(MEASURES))
    rows = rows[rows["probe"] == ""]
    axes_names = sorted_axes(rows["axis"])
    across = columns_that_fit(width, len(axes_names), PANEL[0])
    down = -(-len(axes_names) // across)
    figure = new_figure(width, 0.2 + len(MEASURES) * down * PANEL[1])
    seen, fills = looks(tables.metrics), order_fills(tables.scores)
    legend(figure, _handles(rows, seen, fills))
    panels = figure.subplots(len(MEASURES) * down, across, squeeze=False, sharex=True)
    for place, (metric, words) in enumerate(MEASURES.items()):
        part = rows[rows["metric"] == metric]
        ends = ratio_limits(part)
        of_measure = panels[place * down : (place + 1) * down]
        for number, axes in enumerate(of_measure.flat):
            if number >= len(axes_names):
                axes.remove()
                continue
            axis = axes_names[number]
            _draw_panel(axes, part[part["axis"] == axis], rows, seen, fills)
            axes.set_ylim(ends)
            axes.tick_params(labelleft=number % across == 0)
            axes.set_title(axis)
        for axes in of_measure[:, 0]:
            axes.set_ylabel(words)
    plotted = rows.drop(columns=["line"]).sort_values(["metric", "axis", "model", "order"])
    return Drawn(figure, plotted, _caption(tables.metrics, rows))


def _draw_panel(
    axes: Axes,
    part: pd.DataFrame,
    rows: pd.DataFrame,
    seen: dict[Line, Look],
    fills: dict[str, str],
) -> None:
    """part: of the panel's measure and axis. rows: of the figure, which have all models."""
    axes.axhline(0, color="#444444", lw=0.8, zorder=1)
    models = list(dict.fromkeys(line[0] for line in lines(rows)))
    for place, model in enumerate(models):
        model_lines = [line for line in lines(part) if line[0] == model] if len(part) else []
        offsets = (np.arange(len(model_lines)) + 0.5) / max(len(model_lines), 1) - 0.5
        for offset, line in zip(offsets * SPREAD, model_lines, strict=True):
            row = part[[other == line for other in part["line"]]].iloc[0]
            draw_point(axes, place + offset, row, seen[line], fills[order_of(line)])
    axes.set_xticks(range(len(models)), [shortened(name, LONGEST_MODEL) for name in models])
    axes.set_xlim(-0.5, max(len(models), 1) - 0.5)


def _handles(rows: pd.DataFrame, seen: dict[Line, Look], fills: dict[str, str]) -> list[Line2D]:
    """Who has which look, unless the ticks below say so; which order has which fill."""
    all_lines = lines(rows) if len(rows) else []
    by_label = {seen[line].label: seen[line] for line in all_lines if not is_control(line)}
    if by_label.keys() <= {line[0] for line in all_lines}:
        by_label = {}
    handles = [handle(look, label) for label, look in by_label.items()]
    for name in dict.fromkeys(order_of(line) for line in all_lines):
        is_order = not name.startswith(CONTROL)
        words, colour = (f"order {name}", "#222222") if is_order else (name, CONTROL_COLOUR)
        handles.append(handle(Look(colour, "o", "", ""), words, fills[name], stroke=""))
    return handles if len(handles) > 1 else []


def _caption(metrics: pd.DataFrame, rows: pd.DataFrame) -> str:
    return (
        "Forgetting of general ability. FG (fg_luo, Luo et al. 2023): mean over stages and "
        "evaluation sets of (base - score) / base; positive = drop. Above chance (fg_chance): the "
        "same with (base - chance) below the line, without sets whose base is within two standard "
        "errors of chance. For bias a drop is less stereotype preference, not harm. "
        f"{_counts(metrics, rows)} Bars: {lower_first(interval_words(rows))} "
        f"Missing values are named; {CUT}.{_floors(rows)}"
    )


def _counts(metrics: pd.DataFrame, rows: pd.DataFrame) -> str:
    """How many sets, or parts of a set, and items each axis has."""
    words = []
    for axis in sorted_axes(rows["axis"]):
        parts = metrics[(metrics["axis"] == axis) & (metrics["metric"] == "fg_luo")]
        parts = parts.loc[parts["probe"] != "", ["probe", "subset"]].drop_duplicates()
        noun = "set" if (parts["subset"] == "").all() else "part"
        n = int(rows.loc[rows["axis"] == axis, "n"].max())
        words.append(f"{axis}, {len(parts)} {noun}{'s' * (len(parts) != 1)} of {n} items")
    return f"In {'; '.join(words)}." if words else ""


def _floors(rows: pd.DataFrame) -> str:
    """Which sets of which model are left out at floor; the CSV also lists them by order."""
    words = []
    for model, part in rows[rows["metric"] == "fg_chance"].groupby("model", sort=False):
        notes = "; ".join(note for note in part["note"].unique() if "at floor" in note)
        names = sorted({name for group in FLOOR.findall(notes) for name in group.split(", ")})
        if names:
            listed = (
                ", ".join(names) if len(names) <= LISTED else f"{len(names)} sets (see the CSV)"
            )
            words.append(f"{model}: {listed}")
    return f" At floor and left out: {'; '.join(words)}." if words else ""
