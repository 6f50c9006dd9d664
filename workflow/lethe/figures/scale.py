"""Forgetting against the size of the model, by axis (Luo et al. 2023, section on scale)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import Look, looks
from lethe.figures.architecture import size_words
from lethe.figures.axis_means import axis_means
from lethe.figures.drawing import (
    WIDTHS,
    Drawn,
    columns_that_fit,
    empty,
    legend,
    lower_first,
    new_figure,
)
from lethe.figures.marks import (
    CUT,
    draw_point,
    handle,
    ratio_limits,
    score_limits,
    share_rows,
    shown_panels,
)
from lethe.figures.paired import FLOOR
from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.pairs import series
from lethe.metrics.shown import Line, interval_words, shown
from lethe.metrics.subjects import Subject, study_subjects

TITLE = "Forgetting against size"
PANEL = (1.15, 1.15)
LABEL = 0.17
"""Inches between two sizes that are both named."""
JOINED = "#6E6E6E"
DOTS = (0, (1.5, 1.2))
BEFORE, AFTER = "base", "after the last stage"
ENDS = {"": ("full", "-"), BEFORE: ("none", DOTS), AFTER: ("full", "-")}
"""The fill of markers, and the stroke that joins them, of FG and of scores."""


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
    across = columns_that_fit(width, len(names), PANEL[0])
    down = -(-len(names) // across)
    figure = new_figure(width, 2 * down * PANEL[1] + 0.2)
    seen = looks(tables.metrics)
    legend(figure, _handles(all_series, seen))
    panels = figure.subplots(2 * down, across, squeeze=False, sharex=True)
    inches, floored = WIDTHS[width] / across, set(_floored(drops)["axis"])
    for block, rows, words, reach in (
        (panels[:down], drops, "FG, %", ratio_limits(drops)),
        (panels[down:], ends, "mean score", score_limits(ends)),
    ):
        for axes, axis in zip(shown_panels(block, len(names)), names, strict=True):
            _draw_panel(axes, rows[rows["axis"] == axis], all_series, seen, inches)
            axes.set(ylim=reach)
            if rows is drops or down > 1:
                mark = f" {FLOOR}" if rows is drops and axis in floored else ""
                axes.set_title(f"{axis}{mark}", loc="left")
        share_rows(block, words)
    figure.supxlabel("parameters", fontsize="medium")
    plotted = pd.concat([drops, ends]).drop(columns=["line"], errors="ignore")
    return Drawn(figure, plotted, _caption(drops, ends))


def _drops(tables: LongTables, all_series: list[list[Subject]]) -> pd.DataFrame:
    """FG of every axis and model."""
    rows = shown(tables.metrics, ["fg_luo"])
    rows = rows[rows["probe"] == ""]
    of_series = [model.line for models in all_series for model in models]
    return rows[rows["line"].isin(of_series)].assign(end="")


def _floored(drops: pd.DataFrame) -> pd.DataFrame:
    """Rows with a value that leaves out, or has, a set with a base at floor."""
    return drops[drops["note"].str.contains("at floor") & drops["value"].notna()]


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
    axes.set_xscale("log")
    axes.margins(x=0.15)
    named = _name_sizes(axes, all_series, inches)
    for models in all_series:
        for end, part in rows.groupby("end", sort=False):
            _draw_series(axes, part, models, seen, end, named if end != BEFORE else set())
    if (rows["end"] == "").any():
        axes.axhline(0, color="#444444", lw=0.7, zorder=1)


def _draw_series(
    axes: Axes,
    rows: pd.DataFrame,
    models: list[Subject],
    seen: dict[Line, Look],
    end: str,
    worded: set[float],
) -> None:
    """One series: a point for every model, joined by a line that breaks where one is missing.

    worded: sizes that have room for a word in place of a point.
    """
    fill, stroke = ENDS[end]
    by_model = rows.drop_duplicates("model").set_index("model")
    values = by_model["value"].reindex([model.model for model in models])
    axes.plot([model.params for model in models], values, color=JOINED, ls=stroke, lw=1, zorder=1.5)
    for model in models:
        row = by_model.loc[model.model] if model.model in by_model.index else None
        draw_point(axes, model.params, row, seen[model.line], fill, model.params in worded)


def _name_sizes(axes: Axes, all_series: list[list[Subject]], inches: float) -> set[float]:
    """Ticks at all sizes; of those too near for two names only the smaller is named, and given."""
    sizes = sorted({model.params for models in all_series for model in models})
    near = (sizes[-1] / sizes[0]) ** (LABEL / inches)
    named: list[float] = []
    for size in sizes:
        if not named or size >= near * named[-1]:
            named.append(size)
    axes.set_xticks(sizes, [size_words(size) if size in named else "" for size in sizes])
    axes.set_xticks([], minor=True)
    return set(named)


def _handles(all_series: list[list[Subject]], seen: dict[Line, Look]) -> list[Line2D]:
    """A model an entry, with its series if there are several."""
    models = [model for models in all_series for model in models]
    several = len(all_series) > 1
    handles = [
        handle(
            seen[model.line],
            f"{model.model}, {model.series}" if several else model.model,
            stroke="",
        )
        for model in models
    ]
    style = {"color": JOINED, "marker": "o"}
    return [
        *handles,
        Line2D([], [], label="base", ls=DOTS, mfc="white", **style),
        Line2D([], [], label="final", **style),
    ]


def _models_floored(drops: pd.DataFrame) -> str:
    by_axis = _floored(drops).groupby("axis", sort=False)["model"].unique()
    words = [f"{axis}, {' and '.join(models)}" for axis, models in by_axis.items()]
    return f" ({'; '.join(words)})" if words else ""


def _caption(drops: pd.DataFrame, ends: pd.DataFrame) -> str:
    return (
        f"{TITLE}. Above: FG (Luo et al. 2023), mean relative drop over stages and sets, against "
        "the number of parameters (log scale); positive = drop, for bias less stereotype "
        f"preference; {FLOOR}: in some set a base is within two standard errors of chance, of "
        f"which nothing can be forgotten{_models_floored(drops)}. Below: mean score of the axis' "
        "sets before the first stage (hollow) and after the last. Crosses are missing; "
        f"{CUT}. Bars, above: "
        f"{lower_first(interval_words(drops))} Bars, below: "
        f"{lower_first(interval_words(ends))}"
    )
