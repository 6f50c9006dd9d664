"""Two chains side by side: the mean of every axis over the stages, and FG; a row per pair."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import Look, looks, stage_words, tick_words
from lethe.figures.axis_means import axis_means
from lethe.figures.drawing import Drawn, Page, empty, legend_height, lower_first
from lethe.longtables.axes import GENERAL, OWN, sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import interval_words, shown
from lethe.metrics.subjects import Subject

PANEL, GAP = (1.75, 1.35), (0.36, 0.86)
LEFT, TOP = 0.62, 0.72
FIRST, SECOND = (0, (4, 1.6)), "-"
OFFSET = 0.14
FLOOR = "†"


@dataclass(frozen=True)
class Side:
    """One of two chains, with its look and its words in the legend."""

    subject: Subject
    words: str
    look: Look
    stroke: str | tuple


def sides(tables: LongTables, pair: tuple[Subject, Subject], words: tuple[str, str]) -> list[Side]:
    """The two chains of a pair; the first is dashed. Chains of one model share its colour."""
    seen = looks(tables.metrics)
    return [
        Side(subject, text, seen[subject.line], stroke)
        for subject, text, stroke in zip(pair, words, (FIRST, SECOND), strict=True)
    ]


def draw_pairs(tables: LongTables, title: str, pairs: list[list[Side]], caption: str) -> Drawn:
    """A row of panels per pair: a panel per axis, then FG by axis, then own tasks.

    caption: its first sentences; what the intervals are over is added.
    """
    means = [_means(tables, side) for pair in pairs for side in pair]
    drops = _numbers(tables, "fg_luo")
    own = _numbers(tables, "own_after")
    axes_names = sorted_axes(pd.concat(means)["axis"])
    if not axes_names:
        return empty(title, "No evaluation set of general ability: select a probe that has one.")
    columns = len(axes_names) + 1 + bool(len(own))
    width = LEFT + columns * (PANEL[0] + GAP[0]) + 0.1
    handles = _legend(pairs)
    head = TOP + legend_height(handles, width) + 0.2
    plotted = pd.concat([*means, *(_plotted(pairs, part) for part in (drops, own))])
    page = Page(width, head + len(pairs) * (PANEL[1] + GAP[1]), _caption(plotted, caption))
    page.text(0.2, 0.1, title, fontsize=11, weight="bold")
    page.legend(handles, 0.2, 0.36)
    for row, pair in enumerate(pairs):
        top = head + row * (PANEL[1] + GAP[1])
        lefts = [LEFT + column * (PANEL[0] + GAP[0]) for column in range(columns)]
        for left, axis in zip(lefts, axes_names, strict=False):
            panel = page.axes(left, top, *PANEL)
            _draw_curves(panel, pair, means[2 * row : 2 * row + 2], axis)
            panel.set_title(axis, loc="left", weight="bold")
            if left == lefts[0]:
                panel.set_ylabel("mean score")
        panel = page.axes(lefts[len(axes_names)], top, *PANEL)
        _draw_dots(panel, pair, drops, "axis", axes_names)
        panel.axhline(0, color="#444444", lw=0.7, zorder=1)
        panel.set_title("FG, % (fg_luo)", loc="left", weight="bold")
        if len(own):
            panel = page.axes(lefts[-1], top, *PANEL)
            names = [probe for probe in pair[0].subject.elements("own_rise", "own")]
            _draw_dots(panel, pair, own, "probe", names)
            panel.set_title("own tasks, right after", loc="left", weight="bold")
    return Drawn(page.figure, plotted.drop(columns=["line"], errors="ignore"))


def _means(tables: LongTables, side: Side) -> pd.DataFrame:
    means = axis_means(tables.metrics, side.subject.line)
    return means.assign(chain=side.words, metric="axis_mean")


def _numbers(tables: LongTables, metric: str) -> pd.DataFrame:
    """Rows of a metric, over seeds if there are several; by axis, or by own task."""
    rows = shown(tables.metrics, [metric])
    rows = rows[(rows["probe"] == "") | (rows["axis"] == OWN)]
    return rows[rows["axis"] != GENERAL]


def _plotted(pairs: list[list[Side]], rows: pd.DataFrame) -> pd.DataFrame:
    chosen = [_of(rows, side).assign(chain=side.words) for pair in pairs for side in pair]
    return pd.concat(chosen) if chosen else rows


def _of(rows: pd.DataFrame, side: Side) -> pd.DataFrame:
    return rows[rows["line"].isin([side.subject.line])]


def _draw_curves(axes: Axes, pair: list[Side], means: list[pd.DataFrame], axis: str) -> None:
    history: dict[int, str] = {}
    for side, mean in zip(pair, means, strict=True):
        rows = mean[mean["axis"] == axis].sort_values("stage_index")
        stage = rows["stage_index"].to_numpy(dtype=float)
        value, low, high = (rows[k].to_numpy(dtype=float) for k in ("value", "low", "high"))
        axes.fill_between(stage, low, high, color=side.look.colour, alpha=0.16, lw=0)
        style = {"color": side.look.colour, "ls": side.stroke, "marker": side.look.marker}
        axes.plot(stage, value, mfc=_face(side), **style)
        history = history or dict(rows[["stage_index", "stage_task"]].itertuples(index=False))
        absent = stage[np.isnan(value)]
        bottom = axes.get_xaxis_transform()
        axes.plot(absent, np.full(len(absent), 0.06), "x", color="#B03A2E", transform=bottom)
    # An interval over seeds may exceed the range of a score.
    axes.set_ylim(max(axes.get_ylim()[0], -0.03), min(axes.get_ylim()[1], 1.03))
    words = [tick_words(stage_words(task)) for task in history.values()]
    axes.set_xticks(list(history), words, rotation=40)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def _draw_dots(axes: Axes, pair, rows: pd.DataFrame, by: str, names: list[str]) -> None:
    """Values with intervals, the two chains side by side at every name.

    A value is marked if a set of the axis has a base at floor, where nothing can be forgotten.
    """
    for side, shift in zip(pair, (-OFFSET, OFFSET), strict=True):
        side_rows = _of(rows, side).drop_duplicates(by).set_index(by)
        for place, name in enumerate(names):
            x = place + shift
            value = side_rows["value"].get(name, np.nan)
            style = {"fontsize": 6, "ha": "center", "color": side.look.colour}
            style["transform"] = axes.get_xaxis_transform()
            if np.isnan(value):
                floored = "at floor" in side_rows["note"].get(name, "")
                words = "at floor" if floored else "missing"
                axes.text(x, 0.5, words, va="center", rotation=90, **style)
                continue
            if "at floor" in side_rows.loc[name, "note"]:
                axes.text(x, 0.96, FLOOR, va="top", **style)
            low, high = side_rows.loc[name, "low"], side_rows.loc[name, "high"]
            axes.plot([x, x], [low, high], color=side.look.colour, lw=1.4)
            style = {"marker": side.look.marker, "mfc": _face(side), "mec": side.look.colour}
            axes.plot([x], [value], ms=5, **style)
    labels = [str(name).removeprefix("own_") for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=40)
    axes.set_xlim(-0.5, max(len(names), 1) - 0.5)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def _face(side: Side) -> str:
    """Markers of the first, dashed chain are hollow."""
    return "white" if side.stroke == FIRST else side.look.colour


def _legend(pairs: list[list[Side]]) -> list[Line2D]:
    handles = {}
    for side in (side for pair in pairs for side in pair):
        style = {"color": side.look.colour, "ls": side.stroke, "marker": side.look.marker}
        handles[side.words] = Line2D([], [], label=side.words, mfc=_face(side), **style)
    return list(handles.values())


def _caption(plotted: pd.DataFrame, caption: str) -> str:
    curves = plotted[plotted["metric"] == "axis_mean"]
    drops = plotted[plotted["metric"] == "fg_luo"]
    return (
        f"{caption} Curves: mean score over the axis' sets (for bias over its types: share of "
        f"stereotypes). Bands: {lower_first(interval_words(curves))} With one seed a band is put "
        "together from the intervals of the sets. FG (Luo et al. 2023): mean relative drop over "
        "stages and sets; positive = drop; "
        f"{FLOOR}: in some set a base is within two standard errors of chance, of which nothing "
        "can be forgotten. Own tasks: score right after each "
        f"task's stage, the price in learning. Bars: {lower_first(interval_words(drops))}"
    )
