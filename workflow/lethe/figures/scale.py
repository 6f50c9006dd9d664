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
    all_series = series(study_subjects(tables), 2)
    if not all_series:
        return empty(TITLE, "No two sizes of one series: select models with the same `series`.")
    drops = _drops(tables, all_series)
    axes_names = sorted_axes(drops["axis"])
    if not axes_names:
        return empty(TITLE, "No evaluation set of general ability: select a probe that has one.")
    ends = _ends(tables, all_series)
    wide = max(PANEL[0], (NARROWEST - LEFT - 0.1) / len(axes_names) - GAP[0])
    width = LEFT + len(axes_names) * (wide + GAP[0]) + 0.1
    handles = _legend(all_series)
    head = TOP + legend_height(handles, width)
    page = Page(width, head + 2 * (PANEL[1] + GAP[1]), _caption(drops, ends))
    page.text(0.2, 0.1, TITLE, fontsize=11, weight="bold")
    page.legend(handles, 0.2, 0.36)
    for column, axis in enumerate(axes_names):
        left = LEFT + column * (wide + GAP[0])
        upper = page.axes(left, head, wide, PANEL[1])
        lower = page.axes(left, head + PANEL[1] + GAP[1], wide, PANEL[1])
        for place, models in enumerate(all_series):
            _draw_line(upper, drops, models, axis, place, _style(place)[0], "-")
            for name, (face, stroke) in ENDS.items():
                part = ends[ends["end"] == name]
                colour = face or _style(place)[0]
                _draw_line(lower, part, models, axis, place, colour, stroke)
        upper.axhline(0, color="#444444", lw=0.7, zorder=1)
        upper.set_title(axis, loc="left", weight="bold")
        for panel in (upper, lower):
            _label_sizes(panel, all_series)
        if column == 0:
            upper.set_ylabel("FG, %  (fg_luo)")
            lower.set_ylabel("mean score")
    plotted = pd.concat([drops.assign(end=""), ends]).drop(columns=["line"], errors="ignore")
    return Drawn(page.figure, plotted)


def _drops(tables: LongTables, all_series: list[list[Subject]]) -> pd.DataFrame:
    """FG of every axis and model."""
    rows = shown(tables.metrics, ["fg_luo"])
    rows = rows[rows["probe"] == ""]
    return rows[rows["line"].isin([model.line for models in all_series for model in models])]


def _ends(tables: LongTables, all_series: list[list[Subject]]) -> pd.DataFrame:
    """Mean scores before the first and after the last stage."""
    end_rows = []
    for model in (model for models in all_series for model in models):
        means = axis_means(tables.metrics, model.line).assign(metric="axis_mean", model=model.model)
        last = means["stage_index"].max()
        for name, stage in zip(ENDS, (0, last), strict=True):
            end_rows.append(means[means["stage_index"] == stage].assign(end=name))
    return pd.concat(end_rows)


def _draw_line(axes: Axes, rows, models: list[Subject], axis: str, place: int, face, stroke):
    """One series; a missing point gets a word, and a point with sets at floor gets a mark."""
    series_rows = rows[rows["axis"] == axis].drop_duplicates("model").set_index("model")
    colour, marker = _style(place)
    words = {"fontsize": 6, "ha": "center", "color": colour}
    words["transform"] = axes.get_xaxis_transform()
    points = []
    for model in models:
        value = series_rows["value"].get(model.model, np.nan)
        if np.isnan(value):
            note = (
                "at floor" if "at floor" in series_rows["note"].get(model.model, "") else "missing"
            )
            axes.text(model.params, 0.5, note, va="center", rotation=90, **words)
            continue
        if "at floor" in series_rows.loc[model.model, "note"]:
            axes.text(model.params, 0.99, FLOOR, va="top", **words)
        low, high = series_rows.loc[model.model, ["low", "high"]]
        axes.plot([model.params] * 2, [low, high], color=colour, lw=1.4, alpha=0.8)
        points.append((model.params, value))
    x, y = zip(*points, strict=True) if points else ((), ())
    axes.plot(x, y, ls=stroke, marker=marker, color=colour, mfc=face, ms=5)


def _style(place: int) -> tuple[str, str]:
    """Colour and marker of a series."""
    return PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)]


def _label_sizes(axes: Axes, all_series: list[list[Subject]]) -> None:
    axes.set_xscale("log")
    axes.margins(x=0.15)
    sizes = sorted({model.params for models in all_series for model in models})
    labels = [size_words(size) for size in sizes]
    for place in range(1, len(sizes)):
        # If two sizes are too near for two labels, only the smaller gets one.
        if sizes[place] < NEAR * sizes[place - 1] and labels[place - 1]:
            labels[place] = ""
    axes.set_xticks(sizes, labels, rotation=40)
    axes.set_xticks([], minor=True)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def _legend(all_series: list[list[Subject]]) -> list[Line2D]:
    handles = [
        Line2D(
            [], [], color=_style(place)[0], marker=_style(place)[1],
            label=f"series {models[0].series}: {', '.join(model.model for model in models)}",
        )
        for place, models in enumerate(all_series)
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
