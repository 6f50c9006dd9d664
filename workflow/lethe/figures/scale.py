"""Forgetting against the size of the model, by axis (Luo et al. 2023, section on scale)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from lethe.figures.appearance import STROKES, Look, looks
from lethe.figures.architecture import size_words
from lethe.figures.axis_means import axis_means
from lethe.figures.drawing import (
    SMALL,
    WIDTHS,
    Drawn,
    columns_that_fit,
    empty,
    legend,
    limits,
    lower_first,
    new_figure,
)
from lethe.figures.marks import draw_point, handle, panel_grid, score_limits
from lethe.figures.paired import FLOOR, WORD
from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.pairs import series
from lethe.metrics.shown import Line, interval_words, shown
from lethe.metrics.subjects import Subject, study_subjects

TITLE = "Forgetting against size"
PANEL = (1.15, 1.15)
SIZES, ENTRY = 0.45, 0.17
"""Inches of the sizes below the panels, and of a row of the legend."""
LABEL = 0.17
"""Inches between two sizes that are both named."""
JOINED = "#6E6E6E"
BEFORE, AFTER = "base", "after the last stage"
DOTS = (0, (1.5, 1.2))


def draw(tables: LongTables, width: str = "text") -> Drawn:
    """FG above, mean scores before and after below, both against the number of parameters."""
    all_series = series(study_subjects(tables), 2)
    if not all_series:
        sentence = "No two sizes of one series: select models with the same `series`."
        return empty(TITLE, sentence, width)
    drops = _drops(tables, all_series)
    if not (names := sorted_axes(drops["axis"])):
        sentence = "No evaluation set of general ability: select a probe that has one."
        return empty(TITLE, sentence, width)
    ends = _ends(tables, all_series)
    seen, across = looks(tables.metrics), columns_that_fit(width, len(names), PANEL[0])
    rows = -(-len(names) // across)
    handles = _handles(all_series, seen)
    figure = new_figure(width, 2 * rows * PANEL[1] + SIZES + 2 * ENTRY)
    legend(figure, handles)
    upper, lower = figure.subfigures(2, 1, height_ratios=[rows * PANEL[1], rows * PANEL[1] + SIZES])
    values = drops[["value", "low", "high"]].to_numpy(dtype=float).ravel()
    blocks = [(upper, "FG, %", drops, limits(values, least=1.0, zero=True))]
    blocks += [(lower, "mean score", ends, score_limits(ends))]
    for block, words, part, reach in blocks:
        panels = panel_grid(block, len(names), across, sharey=True)
        for axes, axis in zip(panels, names, strict=True):
            _draw_panel(axes, part[part["axis"] == axis], all_series, seen, WIDTHS[width] / across)
            axes.set_title(axis, loc="left")
            if block is upper:
                axes.tick_params(labelbottom=False)
        panels[0].set_ylim(reach)
        block.supylabel(words, fontsize="medium")
    plotted = pd.concat([drops, ends]).drop(columns=["line"], errors="ignore")
    return Drawn(figure, plotted, _caption(drops, ends))


def _drops(tables: LongTables, all_series: list[list[Subject]]) -> pd.DataFrame:
    """FG of every axis and model."""
    rows = shown(tables.metrics, ["fg_luo"])
    rows = rows[rows["probe"] == ""]
    of_series = [model.line for models in all_series for model in models]
    return rows[rows["line"].isin(of_series)].assign(end="")


def _ends(tables: LongTables, all_series: list[list[Subject]]) -> pd.DataFrame:
    """Mean scores before the first and after the last stage."""
    end_rows = []
    for model in (model for models in all_series for model in models):
        means = axis_means(tables.metrics, model.line).assign(metric="axis_mean", model=model.model)
        last = means["stage_index"].max()
        for name, stage in zip((BEFORE, AFTER), (0, last), strict=True):
            end_rows.append(means[means["stage_index"] == stage].assign(end=name))
    return pd.concat(end_rows)


def _draw_panel(
    axes: Axes,
    rows: pd.DataFrame,
    all_series: list[list[Subject]],
    seen: dict[Line, Look],
    inches: float,
) -> None:
    """Every series of one axis. inches: the width of the panel and what is beside it."""
    sizes = sorted({model.params for models in all_series for model in models})
    worded: set[float] = set()
    for place, models in enumerate(all_series):
        for end, part in rows.groupby("end", sort=False):
            stroke = DOTS if end == BEFORE else STROKES[place % len(STROKES)]
            _draw_series(axes, part, models, seen, "none" if end == BEFORE else "full", stroke)
    if not (rows["end"] == AFTER).any():
        axes.axhline(0, color="#444444", lw=0.7, zorder=1)
        noted = rows[rows["note"].str.contains("at floor") & rows["value"].notna()]
        for model in (model for models in all_series for model in models):
            if model.line in set(noted["line"]):
                worded.add(model.params)
    top = {"transform": axes.get_xaxis_transform(), "ha": "center", "va": "top"}
    for size in worded:
        axes.text(size, 0.99, FLOOR, fontsize=SMALL, **top)
    _name_sizes(axes, sizes, inches)


def _draw_series(
    axes: Axes, rows: pd.DataFrame, models: list[Subject], seen: dict[Line, Look], fill, stroke
) -> None:
    """One series: a point for every model, joined by a line that breaks where one is missing."""
    by_model = rows.drop_duplicates("model").set_index("model")
    sizes = [model.params for model in models]
    values = by_model["value"].reindex([model.model for model in models])
    axes.plot(sizes, values, color=JOINED, ls=stroke, lw=1, zorder=1.5)
    for model in models:
        row = by_model.loc[model.model] if model.model in by_model.index else None
        draw_point(axes, model.params, row, seen[model.line], fill)


def _name_sizes(axes: Axes, sizes: list[float], inches: float) -> None:
    """Ticks at all sizes; of those too near for two names only the smaller has one."""
    axes.set_xscale("log")
    axes.margins(x=0.15)
    near = (sizes[-1] / sizes[0]) ** (LABEL / inches)
    named, words = 0.0, []
    for size in sizes:
        words.append(size_words(size) if size >= near * named else "")
        named = size if words[-1] else named
    axes.set_xticks(sizes, words)
    axes.set_xticks([], minor=True)


def _handles(all_series: list[list[Subject]], seen: dict[Line, Look]) -> list[Line2D]:
    models = [model for models in all_series for model in models]
    handles = [handle(seen[model.line], model.model, stroke="") for model in models]
    several = all_series if len(all_series) > 1 else []
    for place, series_models in enumerate(several):
        style = {"color": JOINED, "ls": STROKES[place % len(STROKES)]}
        handles.append(Line2D([], [], label=f"series {series_models[0].series}", **style))
    style = {"color": JOINED, "marker": "o"}
    return [
        *handles,
        Line2D([], [], label=BEFORE, ls=DOTS, mfc="white", **style),
        Line2D([], [], label=AFTER, **style),
    ]


def _caption(drops: pd.DataFrame, ends: pd.DataFrame) -> str:
    return (
        f"{TITLE}. Above: FG (Luo et al. 2023), mean relative drop over stages and sets, against the number "
        "of parameters (log scale); positive = drop, for bias less stereotype preference; "
        f"{FLOOR}: in some set a base is within two standard errors of chance, of which nothing "
        "can be forgotten. Below: mean score of the axis' sets before the first stage (hollow) "
        "and after the last; crosses are missing. Bars, above: "
        f"{lower_first(interval_words(drops))} Bars, below: "
        f"{lower_first(interval_words(ends))}"
    )
