"""Forgetting of general ability by axis and model: FG of Luo et al., and FG above chance."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import Look, looks, order_markers, shortened
from lethe.figures.drawing import Drawn, Page, legend_height, lower_first
from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import (
    Line,
    interval_words,
    is_control,
    lines,
    order_of,
    shown,
)

MEASURES = {"fg_luo": "FG, %  (fg_luo)", "fg_chance": "FG above chance, %  (fg_chance)"}
LEFT, TOP, PANEL_HEIGHT, GAP = 0.7, 1.05, 1.9, 0.3
SPREAD = 0.72
NARROWEST = 6.5  # inches of a page
FLOOR = re.compile("at floor: ([^;]*)")
LISTED = 4
LONGEST_MODEL = 20  # characters under a panel


def draw(tables: LongTables) -> Drawn:
    """A panel per axis; models side by side, orders by marker, the control in grey."""
    rows = shown(tables.metrics, list(MEASURES))
    rows = rows[rows["probe"] == ""]
    axes_names = sorted_axes(rows["axis"])
    models = list(dict.fromkeys(line[0] for line in lines(rows))) if len(rows) else []
    seen = looks(tables.metrics)
    each = max(1.9, (NARROWEST - LEFT - 0.1) / max(len(axes_names), 1) - GAP)
    each = max(each, 0.3 + 0.22 * len(lines(rows))) if len(rows) else each
    width = max(NARROWEST, LEFT + len(axes_names) * (each + GAP) + 0.1)
    crowded = sum(len(model) + 2 for model in models) * 0.062 > each
    markers = order_markers(tables.scores)
    handles = _legend(rows, seen, markers)
    head = TOP + legend_height(handles, width)
    page = Page(
        width, head + len(MEASURES) * (PANEL_HEIGHT + 0.3) + 0.1 + 0.5 * crowded, _caption(rows)
    )
    page.text(0.2, 0.1, "Forgetting of general ability", fontsize=11, weight="bold")
    page.legend(handles, 0.2, 0.36)
    for line, (metric, words) in enumerate(MEASURES.items()):
        part = rows[rows["metric"] == metric]
        first = None
        for column, axis in enumerate(axes_names):
            left = LEFT + column * (each + GAP)
            top = head + line * (PANEL_HEIGHT + 0.3)
            axes = page.axes(left, top, each, PANEL_HEIGHT, sharey=first)
            if first is None:
                first = axes
                _open_limits(axes, part)
            _draw_panel(axes, part[part["axis"] == axis], models, seen, markers)
            _name_models(axes, models if line == len(MEASURES) - 1 else [], len(models), crowded)
            axes.tick_params(labelleft=column == 0)
            if line == 0:
                axes.set_title(_axis_words(tables.metrics, rows, axis), fontsize=8)
            if column == 0:
                axes.set_ylabel(words)
    plotted = rows.drop(columns=["line"]).sort_values(["metric", "axis", "model", "order"])
    return Drawn(page.figure, plotted)


def _name_models(axes: Axes, names: list[str], places: int, crowded: bool) -> None:
    """Tick labels under the lowest row, slanted if they do not fit side by side."""
    axes.set_xticks(range(places), [shortened(name, LONGEST_MODEL) for name in names])
    for label in axes.get_xticklabels() if crowded else []:
        label.set(rotation=30, ha="right", rotation_mode="anchor")


def _open_limits(axes: Axes, part: pd.DataFrame) -> None:
    """One scale for the row, at least one percent high, so that tiny drops do not look large."""
    values = part[["value", "low", "high"]].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    low, high = min(0.0, *values, 0.0), max(1.0, *values, 1.0)
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _draw_panel(
    axes: Axes,
    rows: pd.DataFrame,
    models: list,
    seen: dict[Line, Look],
    markers: dict[str, str],
) -> None:
    axes.axhline(0, color="#444444", lw=0.8, zorder=1)
    axes.set_xlim(-0.5, len(models) - 0.5)
    for place, model in enumerate(models):
        model_lines = [line for line in lines(rows) if line[0] == model] if len(rows) else []
        offsets = (np.arange(len(model_lines)) + 0.5) / max(len(model_lines), 1) - 0.5
        for offset, line in zip(offsets * SPREAD, model_lines, strict=True):
            row = rows[[other == line for other in rows["line"]]].iloc[0]
            _draw_point(axes, place + offset, row, seen[line], markers[order_of(line)])


def _draw_point(axes: Axes, x: float, row: pd.Series, look: Look, marker: str) -> None:
    if np.isnan(row["value"]):
        words = "at floor" if "at floor" in row["note"] else "missing"
        middle = axes.get_xaxis_transform()
        axes.text(
            x, 0.5, words, rotation=90, ha="center", va="center", color=look.colour, fontsize=6.5,
            transform=middle,
        )  # fmt: skip
        return
    if not np.isnan(row["low"]):
        axes.plot([x, x], [row["low"], row["high"]], color=look.colour, lw=1.5, zorder=2)
    axes.plot([x], [row["value"]], marker=marker, color=look.colour, ms=5, mew=0)


def _axis_words(metrics: pd.DataFrame, rows: pd.DataFrame, axis: str) -> str:
    """The axis, with its number of sets (or parts of a set) and items."""
    parts = metrics[(metrics["axis"] == axis) & (metrics["metric"] == "fg_luo")]
    parts = parts.loc[parts["probe"] != "", ["probe", "subset"]].drop_duplicates()
    noun = "set" if (parts["subset"] == "").all() else "part"
    n = int(rows.loc[rows["axis"] == axis, "n"].max())
    return f"{axis.upper()}\n{len(parts)} {noun}{'s' * (len(parts) != 1)}, {n} items"


def _legend(rows: pd.DataFrame, seen: dict[Line, Look], markers: dict[str, str]) -> list[Line2D]:
    all_lines = lines(rows) if len(rows) else []
    colours = {seen[line].label: seen[line].colour for line in all_lines if not is_control(line)}
    handles = [Line2D([], [], color=c, lw=3, label=label) for label, c in colours.items()]
    for name in dict.fromkeys(order_of(line) for line in all_lines):
        label = name if name.startswith("control:") else f"order {name}"
        handles.append(
            Line2D([], [], color="#777777", marker=markers[name], ls="", ms=5, label=label)
        )
    return handles


def _caption(rows: pd.DataFrame) -> str:
    return (
        "FG (Luo et al. 2023): mean over stages and evaluation sets of (base - score) / base; "
        "positive = drop. Above chance: the same with (base - chance) below the line, without "
        "sets whose base is within two standard errors of chance. For bias a drop is less "
        f"stereotype preference, not harm. Bars: {lower_first(interval_words(rows))}{_floors(rows)}"
    )


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
