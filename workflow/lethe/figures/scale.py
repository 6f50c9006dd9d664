"""Forgetting against the size of the model, by axis (Luo et al. 2023, section on scale)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import MARKERS, PALETTE
from lethe.figures.architecture import size_words
from lethe.figures.axis_means import axis_means
from lethe.figures.drawing import Drawn, Page, empty, legend_height, lower_first
from lethe.figures.paired import FLOOR
from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.pairs import series
from lethe.metrics.shown import interval_words, shown
from lethe.metrics.subjects import Subject, study_subjects

TITLE = "Forgetting against size"
PANEL, GAP = (1.9, 1.5), (0.4, 0.62)
LEFT, TOP = 0.7, 0.95
NEAR = 1.3
NARROWEST = 6.5  # inches of a page
ENDS = {"base": ("white", ":"), "after the last stage": (None, "-")}


def draw(tables: LongTables) -> Drawn:
    """FG above, mean scores before and after below, both against the number of parameters."""
    known = series(study_subjects(tables), 2)
    if not known:
        return empty(TITLE, "No two sizes of one series: select models with the same `series`.")
    drops = _drops(tables, known)
    axes_names = sorted_axes(drops["axis"])
    if not axes_names:
        return empty(TITLE, "No evaluation set of general ability: select a probe that has one.")
    ends = _ends(tables, known)
    wide = max(PANEL[0], (NARROWEST - LEFT - 0.1) / len(axes_names) - GAP[0])
    width = LEFT + len(axes_names) * (wide + GAP[0]) + 0.1
    handles = _legend(known)
    head = TOP + legend_height(handles, width)
    page = Page(width, head + 2 * (PANEL[1] + GAP[1]), _caption(drops, ends))
    page.text(0.2, 0.1, TITLE, fontsize=11, weight="bold")
    page.legend(handles, 0.2, 0.36)
    for column, axis in enumerate(axes_names):
        left = LEFT + column * (wide + GAP[0])
        upper = page.axes(left, head, wide, PANEL[1])
        lower = page.axes(left, head + PANEL[1] + GAP[1], wide, PANEL[1])
        for place, models in enumerate(known):
            _draw_line(upper, drops, models, axis, place, _style(place)[0], "-")
            for name, (face, stroke) in ENDS.items():
                part = ends[ends["end"] == name]
                colour = face or _style(place)[0]
                _draw_line(lower, part, models, axis, place, colour, stroke)
        upper.axhline(0, color="#444444", lw=0.7, zorder=1)
        upper.set_title(axis, loc="left", weight="bold")
        for panel in (upper, lower):
            _label_sizes(panel, known)
        if column == 0:
            upper.set_ylabel("FG, %  (fg_luo)")
            lower.set_ylabel("mean score")
    plotted = pd.concat([drops.assign(end=""), ends]).drop(columns=["line"], errors="ignore")
    return Drawn(page.figure, plotted)


def _drops(tables: LongTables, known: list[list[Subject]]) -> pd.DataFrame:
    """FG of every axis and model."""
    rows = shown(tables.metrics, ["fg_luo"])
    rows = rows[rows["probe"] == ""]
    return rows[rows["line"].isin([one.line for models in known for one in models])]


def _ends(tables: LongTables, known: list[list[Subject]]) -> pd.DataFrame:
    """Mean scores before the first and after the last stage."""
    found = []
    for one in (one for models in known for one in models):
        means = axis_means(tables.metrics, one.line).assign(metric="axis_mean", model=one.model)
        last = means["stage_index"].max()
        for name, stage in zip(ENDS, (0, last), strict=True):
            found.append(means[means["stage_index"] == stage].assign(end=name))
    return pd.concat(found)


def _draw_line(axes: Axes, rows, models: list[Subject], axis: str, place: int, face, stroke):
    """One series; a missing point gets a word, and a point with sets at floor gets a mark."""
    mine = rows[rows["axis"] == axis].drop_duplicates("model").set_index("model")
    colour, marker = _style(place)
    words = {"fontsize": 6, "ha": "center", "color": colour}
    words["transform"] = axes.get_xaxis_transform()
    points = []
    for one in models:
        value = mine["value"].get(one.model, np.nan)
        if np.isnan(value):
            note = "at floor" if "at floor" in mine["note"].get(one.model, "") else "missing"
            axes.text(one.params, 0.5, note, va="center", rotation=90, **words)
            continue
        if "at floor" in mine.loc[one.model, "note"]:
            axes.text(one.params, 0.99, FLOOR, va="top", **words)
        low, high = mine.loc[one.model, ["low", "high"]]
        axes.plot([one.params] * 2, [low, high], color=colour, lw=1.4, alpha=0.8)
        points.append((one.params, value))
    x, y = zip(*points, strict=True) if points else ((), ())
    axes.plot(x, y, ls=stroke, marker=marker, color=colour, mfc=face, ms=5)


def _style(place: int) -> tuple[str, str]:
    """Colour and marker of a series."""
    return PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)]


def _label_sizes(axes: Axes, known: list[list[Subject]]) -> None:
    axes.set_xscale("log")
    axes.margins(x=0.15)
    sizes = sorted({one.params for models in known for one in models})
    labels = [size_words(size) for size in sizes]
    for place in range(1, len(sizes)):
        # If two sizes are too near for two labels, only the smaller gets one.
        if sizes[place] < NEAR * sizes[place - 1] and labels[place - 1]:
            labels[place] = ""
    axes.set_xticks(sizes, labels, rotation=40)
    axes.set_xticks([], minor=True)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def _legend(known: list[list[Subject]]) -> list[Line2D]:
    handles = [
        Line2D(
            [], [], color=_style(place)[0], marker=_style(place)[1],
            label=f"series {models[0].series}: {', '.join(one.model for one in models)}",
        )
        for place, models in enumerate(known)
    ]  # fmt: skip
    for name, (face, stroke) in ENDS.items():
        style = {"color": "#555555", "ls": stroke, "marker": "o", "mfc": face or "#555555"}
        handles.append(Line2D([], [], label=f"below: {name}", **style))
    return handles


def _caption(drops: pd.DataFrame, ends: pd.DataFrame) -> str:
    return (
        "Above: FG (Luo et al. 2023), mean relative drop over stages and sets, against the number "
        "of parameters (log scale); positive = drop, for bias less stereotype preference; "
        f"{FLOOR}: in some set a base is within two standard errors of chance, of which nothing "
        "can be forgotten. Below: mean score of the axis' sets before the first stage (hollow) "
        "and after the last. Bars, above: "
        f"{lower_first(interval_words(drops))} Bars, below: "
        f"{lower_first(interval_words(ends))}"
    )
