"""Stereotype preference by type over the stages, and two statistics computed from it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from lethe.figures.appearance import Look, looks, set_words, shortened
from lethe.figures.drawing import (
    HIGHEST,
    Drawn,
    columns_that_fit,
    empty,
    legend,
    limits,
    lower_first,
    new_figure,
    text_width,
)
from lethe.figures.marks import (
    CUT,
    LONGEST,
    band_density,
    draw_curve,
    draw_groups,
    handle,
    name_stages,
    ratio_limits,
    score_limits,
    share_rows,
    shown_panels,
)
from lethe.longtables.axes import BIAS
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import LINE_COLUMNS, Line, interval_words, shown
from lethe.metrics.subjects import Subject, reference, study_subjects
from lethe.tables.lines import of_line

TITLE = "Stereotype preference by type"
NARROWEST = 1.2
"""Inches of a panel of curves."""
ROW, LOWER = 1.15, 1.4
"""Inches of a row of curves, and of a panel below them."""
WORDS = 1.0
"""Inches of all that is not a panel."""
NEUTRAL = 0.5
DIFFERENCE = "likelihood_diff"


def draw(tables: LongTables, width: str = "page") -> Drawn:
    """A panel per type and one of all pairs, models as lines; below them the statistics."""
    chosen = reference(study_subjects(tables))
    rows = shown(tables.metrics)
    rows = rows[(rows["axis"] == BIAS) & rows["line"].isin([subject.line for subject in chosen])]
    scores = rows[rows["metric"].str.startswith("score_")]
    if not len(scores):
        sentence = "No evaluation set of the axis `bias`: select a probe that has one."
        return empty(TITLE, sentence, width)
    drops = rows[(rows["metric"] == "fg_luo") & ((rows["subset"] != "") | (rows["probe"] == ""))]
    nats = _differences(tables, chosen)
    seen, panels = looks(tables.metrics), _panels(scores)
    across = columns_that_fit(width, len(panels), NARROWEST)
    below = 2 if width == "column" and len(nats) else 1
    room = int((HIGHEST - WORDS - below * LOWER) / ROW) * across
    types, left_out = panels[-room:], len(panels[:-room])
    upper = -(-len(types) // across) * ROW
    figure = new_figure(width, upper + below * LOWER + 0.2)
    legend(figure, _handles(chosen, seen))
    names = [shortened(set_words(subset), LONGEST) for _, subset in types if subset]
    slanted = 0.64 * max(map(text_width, names), default=0) if len(names) > 4 else 0
    curves, others = figure.subfigures(2, 1, height_ratios=[upper + 0.3, below * LOWER + slanted])
    _draw_types(curves, types, scores, chosen, seen, across)
    across = (1 + bool(len(nats))) // below
    axes = list(others.subplots(below, across, squeeze=False, width_ratios=[2, 1][:across]).flat)
    _draw_drops(axes[0], drops, [subset for _, subset in types if subset], chosen, seen)
    if len(nats):
        _draw_lines(axes[1], nats, chosen, seen)
        axes[1].set_ylim(limits(nats[["value", "low", "high"]].to_numpy(float).ravel(), zero=True))
        axes[1].set_ylabel("apart, nats")
    plotted = pd.concat([scores, drops, nats]).drop(columns=["line"])
    return Drawn(figure, plotted, _caption(scores, nats, left_out))


def _panels(scores: pd.DataFrame) -> list[tuple[str, str]]:
    """Types by name, all pairs last."""
    places = scores[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(places, key=lambda place: (place[1] == "", place))


def _differences(tables: LongTables, chosen: list[Subject]) -> pd.DataFrame:
    """The harness's second statistic over all pairs; the mean of several runs has no interval."""
    scores = tables.scores[tables.scores["metric"] == DIFFERENCE]
    scores = scores[(scores["subset"] == "") & (scores["split"] == "test")]
    of_line = pd.Series(list(scores[LINE_COLUMNS].itertuples(index=False, name=None)), dtype=object)
    difference_rows = []
    for subject in chosen:
        subject_scores = scores[np.array([line == subject.line for line in of_line], dtype=bool)]
        for (stage, task), cells in subject_scores.groupby(["stage_index", "stage_task"]):
            half = 1.96 * cells["stderr"].iloc[0] if len(cells) == 1 else np.nan
            value = cells["value"].mean()
            row = {
                "line": subject.line,
                "model": subject.model,
                "stage_index": stage,
                "value": value,
            }
            row |= {"stage_task": task, "low": max(value - half, 0.0), "high": value + half}
            difference_rows.append(row | {"metric": DIFFERENCE, "n": int(cells["n"].max())})
    columns = ["line", "model", "stage_index", "stage_task", "value", "low", "high", "metric", "n"]
    return pd.DataFrame(difference_rows, columns=columns)


def _draw_types(
    figure: SubFigure,
    types: list[tuple[str, str]],
    scores: pd.DataFrame,
    chosen: list[Subject],
    seen: dict[Line, Look],
    across: int,
) -> None:
    grid = figure.subplots(-(-len(types) // across), across, squeeze=False, sharex=True)
    for axes, (probe, subset) in zip(shown_panels(grid, len(types)), types, strict=True):
        part = scores[(scores["probe"] == probe) & (scores["subset"] == subset)]
        _draw_lines(axes, part, chosen, seen)
        axes.axhline(NEUTRAL, color="#555555", ls=":", lw=0.9, zorder=1)
        axes.set_ylim(score_limits(scores))
        axes.set_title(set_words(subset or "all pairs"), loc="left")
    share_rows(grid, "share")


def _draw_lines(axes: Axes, part: pd.DataFrame, chosen: list[Subject], seen) -> None:
    band = band_density(len(chosen))
    for subject in chosen:
        draw_curve(axes, of_line(part, subject.line), seen[subject.line], band=band)
    name_stages(axes, of_line(part, chosen[0].line))


def _draw_drops(axes: Axes, drops, types: list[str], chosen: list[Subject], seen) -> None:
    """FG of every type, then of the axis, models side by side."""
    axes.axhline(0, color="#444444", lw=0.7, zorder=1)
    by_type = [of_line(drops, subject.line).set_index("subset") for subject in chosen]
    series = [(rows, seen[c.line], "full") for rows, c in zip(by_type, chosen, strict=True)]
    draw_groups(
        axes, series, {name: set_words(name or "over types") for name in (*types, "")}, False
    )
    axes.set(ylim=ratio_limits(drops), ylabel="FG, %")


def _handles(chosen: list[Subject], seen: dict[Line, Look]) -> list[Line2D]:
    handles = [handle(seen[subject.line], subject.model) for subject in chosen]
    return [*handles, Line2D([], [], color="#555555", ls=":", lw=0.9, label="neutral")]


def _caption(scores: pd.DataFrame, nats: pd.DataFrame, left_out: int) -> str:
    more = f" {left_out} more types are in the CSV alone." if left_out else ""
    second = (
        f" {DIFFERENCE}: mean absolute difference of the two sentences' log-probabilities over all "
        "pairs; with several seeds their mean, without an interval."
        if len(nats)
        else " The study has no likelihood_diff."
    )
    return (
        f"{TITLE}. Share of minimal pairs whose stereotyped sentence is likelier, by type, after "
        f"every stage; 0.5 is neutral. Bands: {lower_first(interval_words(scores))} FG: mean "
        "relative drop over stages, as Luo et al. 2023 tabulate it over types; positive = less "
        "stereotype preference, which is not harm; crosses are missing; "
        f"{CUT}.{second}{more}"
    )
