"""Two chains side by side: the mean of every axis over the stages, FG, and the own tasks."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lethe.figures.appearance import Look, looks, order_fills
from lethe.figures.axis_means import axis_means
from lethe.figures.drawing import (
    HIGHEST,
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
    SPREAD,
    draw_curve,
    draw_groups,
    handle,
    name_stages,
    ratio_limits,
    score_limits,
    share_rows,
    shown_panels,
)
from lethe.longtables.axes import GENERAL, OWN, sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import interval_words, shown
from lethe.metrics.subjects import Subject
from lethe.tables.lines import of_line

FIRST, SECOND = (0, (4, 1.6)), "-"
NARROWEST = 1.15
"""Inches of a panel of curves."""
ROW, LEAST = 1.1, 0.8
"""Inches of a row of curves, and of one where many rows fill a page."""
ENTRY, NAMES, LOWER = 0.17, 0.6, 1.5
"""Inches of a legend's entry, of the stages' names, and of a panel below the curves."""
WORD = 0.12
"""Inches that a word beside another needs."""
FLOOR = "†"

Pair = list["Side"]


@dataclass(frozen=True)
class Side:
    """One of two chains, with its look and its words in the legend."""

    subject: Subject
    words: str
    look: Look
    fill: str
    stroke: str | tuple


def sides(tables: LongTables, pair: tuple[Subject, Subject], words: tuple[str, str]) -> Pair:
    """The two chains of a pair; the first is dashed. Chains of one model share its colour."""
    seen, fills = looks(tables.metrics), order_fills(tables.scores)
    return [
        Side(subject, text, seen[subject.line], fills[subject.order], stroke)
        for subject, text, stroke in zip(pair, words, (FIRST, SECOND), strict=True)
    ]


def draw_pairs(
    tables: LongTables, title: str, pairs: list[Pair], caption: str, width: str
) -> Drawn:
    """A row of panels per pair, one per axis; below them all pairs' FG by axis, and own tasks.

    caption: its first sentences; what the intervals are over is added.
    """
    means = pd.concat([_means(tables, side) for pair in pairs for side in pair])
    drops = _numbers(tables, "fg_luo")
    own = _numbers(tables, "own_after")
    axes_names = sorted_axes(means["axis"])
    if not axes_names:
        sentence = "No evaluation set of general ability: select a probe that has one."
        return empty(title, sentence, width)
    plotted = pd.concat([means, *(_plotted(pairs, part) for part in (drops, own))])
    across = columns_that_fit(width, len(axes_names), NARROWEST)
    down = -(-len(axes_names) // across)
    below = 1 if width != "column" or not len(own) else 2
    each = ENTRY * (2 if width == "column" else 1)
    room = int((HIGHEST - NAMES - below * LOWER) / (LEAST * down + each))
    chosen = pairs[:room]
    upper = min(ROW * down, (HIGHEST - NAMES - below * LOWER) / len(chosen) - each) * len(chosen)
    figure = new_figure(width, upper + 0.2 + below * LOWER)
    legend(figure, [handle(s.look, s.words, s.fill, s.stroke) for s in _chains(chosen)])
    curves, points = figure.subfigures(2, 1, height_ratios=[upper + NAMES, below * LOWER])
    _draw_all_curves(curves, chosen, means, axes_names, across)
    _draw_all_points(points, chosen, drops, own, axes_names, below)
    words = _caption(title, plotted, caption, len(pairs) - len(chosen))
    return Drawn(figure, plotted.drop(columns=["line"], errors="ignore"), words)


def _means(tables: LongTables, side: Side) -> pd.DataFrame:
    means = axis_means(tables.metrics, side.subject.line)
    return means.assign(chain=side.words, metric="axis_mean")


def _numbers(tables: LongTables, metric: str) -> pd.DataFrame:
    """Rows of a metric, over seeds if there are several; by axis, or by own task."""
    rows = shown(tables.metrics, [metric])
    rows = rows[(rows["probe"] == "") | (rows["axis"] == OWN)]
    return rows[rows["axis"] != GENERAL]


def _plotted(pairs: list[Pair], rows: pd.DataFrame) -> pd.DataFrame:
    chosen = [
        of_line(rows, side.subject.line).assign(chain=side.words) for pair in pairs for side in pair
    ]
    return pd.concat(chosen) if chosen else rows


def _draw_all_curves(figure: Figure, pairs: list[Pair], means, axes_names, across: int) -> None:
    """Panels of one scale: a block of rows per pair, with a panel per axis."""
    down = -(-len(axes_names) // across)
    panels = figure.subplots(len(pairs) * down, across, squeeze=False, sharex=True)
    for place, pair in enumerate(pairs):
        block = panels[place * down : (place + 1) * down]
        for axes, axis in zip(shown_panels(block, len(axes_names)), axes_names, strict=True):
            for side in pair:
                rows = means[(means["chain"] == side.words) & (means["axis"] == axis)]
                draw_curve(axes, rows, side.look, side.fill, side.stroke)
            axes.set_ylim(score_limits(means))
            if place == 0 or down > 1:
                axes.set_title(axis, loc="left")
        share_rows(block, "mean score")
    name_stages(panels[0][0], means[means["chain"] == pairs[0][0].words])


def _draw_all_points(figure: Figure, pairs, drops, own, axes_names, below: int) -> None:
    tasks = list(pairs[0][0].subject.elements("own_rise", "own")) if len(own) else []
    across = (1 + bool(tasks)) // below
    panels = list(figure.subplots(below, across, squeeze=False).flat)
    _draw_points(panels[0], pairs, drops, "axis", axes_names)
    of_axes = drops[drops["axis"].isin(axes_names)]
    panels[0].set(ylabel="FG, %", ylim=ratio_limits(_plotted(pairs, of_axes)))
    panels[0].axhline(0, color="#444444", lw=0.7, zorder=1)
    if tasks:
        _draw_points(panels[1], pairs, own, "probe", tasks)
        panels[1].set(ylabel="own tasks", ylim=score_limits(_plotted(pairs, own)))


def _draw_points(axes: Axes, pairs: list[Pair], rows: pd.DataFrame, by: str, names) -> None:
    """Values with intervals, all chains side by side at every name.

    A name is marked if for some chain a set of the axis has a base at floor.
    """
    chains = _chains(pairs)
    by_name = [
        of_line(rows, side.subject.line).drop_duplicates(by).set_index(by) for side in chains
    ]
    noted = pd.concat(by_name)["note"]
    floored = set(noted[noted.str.contains("at floor")].index)
    labels = {n: n.removeprefix("own_") + (f" {FLOOR}" if n in floored else "") for n in names}
    series = [(own, s.look, s.fill) for own, s in zip(by_name, chains, strict=True)]
    words = WIDTHS["text"] / 2 * SPREAD / max(len(names) * len(chains), 1) >= WORD
    draw_groups(axes, series, labels, words)


def _chains(pairs: list[Pair]) -> list[Side]:
    """Every chain once, also one that is in several pairs."""
    return list({side.words: side for pair in pairs for side in pair}.values())


def _caption(title: str, plotted: pd.DataFrame, caption: str, left_out: int) -> str:
    curves = plotted[plotted["metric"] == "axis_mean"]
    drops = plotted[plotted["metric"] == "fg_luo"]
    more = f" {left_out} more pairs are in the CSV alone." if left_out else ""
    return (
        f"{title}. {caption} Curves: mean score over the axis' sets (for bias over its types: "
        f"share of stereotypes). Bands: {lower_first(interval_words(curves))} With one seed a band "
        "is put together from the intervals of the sets. FG (Luo et al. 2023): mean relative drop "
        "over stages and sets; positive = drop; "
        f"{FLOOR}: in some set a base is within two standard errors of chance, of which nothing "
        "can be forgotten. Own tasks: score right after each "
        "task's stage, the price in learning. Crosses are missing; "
        f"{CUT}. Bars: {lower_first(interval_words(drops))}{more}"
    )
