"""Stereotype preference by type over the stages, and two statistics computed from it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import Look, looks, set_words, stage_words, tick_words
from lethe.figures.drawing import Drawn, Page, empty, legend_height, lower_first
from lethe.longtables.axes import BIAS
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import LINE_COLUMNS, interval_words, shown
from lethe.metrics.subjects import Subject, reference, study_subjects

TITLE = "Stereotype preference by type"
COLUMNS = 5
PANEL, GAP = (1.6, 1.1), (0.3, 0.42)
LEFT, TOP, TICKS = 0.62, 0.72, 0.4
NEUTRAL = 0.5
# With more models than this, bands are fainter, so that they do not hide each other.
FEW = 5
DIFFERENCE = "likelihood_diff"


def draw(tables: LongTables) -> Drawn:
    """A panel per type and one of all pairs, models as lines; below them the statistics."""
    chosen = reference(study_subjects(tables))
    rows = shown(tables.metrics)
    rows = rows[(rows["axis"] == BIAS) & rows["line"].isin([subject.line for subject in chosen])]
    scores = rows[rows["metric"].str.startswith("score_")]
    if not len(scores):
        return empty(TITLE, "No evaluation set of the axis `bias`: select a probe that has one.")
    seen = looks(tables.metrics)
    panels = _panels(scores)
    depth = -(-len(panels) // COLUMNS)
    width = LEFT + COLUMNS * (PANEL[0] + GAP[0]) + 0.1
    handles = _legend(chosen, seen)
    head = TOP + legend_height(handles, width) + 0.15
    lower = head + depth * (PANEL[1] + GAP[1]) + TICKS
    drops = rows[(rows["metric"] == "fg_luo") & ((rows["subset"] != "") | (rows["probe"] == ""))]
    nats = _differences(tables, chosen)
    page = Page(width, lower + PANEL[1] + 1.1, _caption(scores, nats))
    page.text(0.2, 0.1, TITLE, fontsize=11, weight="bold")
    page.legend(handles, 0.2, 0.36)
    for place, (probe, subset) in enumerate(panels):
        row, column = divmod(place, COLUMNS)
        left = LEFT + column * (PANEL[0] + GAP[0])
        axes = page.axes(left, head + row * (PANEL[1] + GAP[1]), *PANEL)
        part = scores[(scores["probe"] == probe) & (scores["subset"] == subset)]
        _draw_curves(axes, part, chosen, seen)
        axes.axhline(NEUTRAL, color="#555555", ls=":", lw=0.9, zorder=1)
        axes.set_ylim(max(axes.get_ylim()[0], -0.03), min(axes.get_ylim()[1], 1.03))
        axes.set_title(f"{set_words(subset or 'all pairs')} (n = {part['n'].max()})", loc="left")
        if place + COLUMNS < len(panels):
            axes.set_xticklabels([])
        if column == 0:
            axes.set_ylabel("stereotype share")
    wide = 3 * PANEL[0] + 2 * GAP[0]
    axes = page.axes(LEFT, lower + 0.25, wide, PANEL[1])
    _draw_drops(axes, drops, [subset for _, subset in panels if subset], chosen, seen)
    axes.set_title("FG by type and over types, %  (fg_luo)", loc="left", weight="bold")
    left = LEFT + wide + GAP[0] + 0.35
    axes = page.axes(left, lower + 0.25, width - left - 0.15, PANEL[1])
    if len(nats):
        _draw_curves(axes, nats, chosen, seen)
    else:
        axes.text(0.5, 0.5, "not scored", transform=axes.transAxes, ha="center", color="#444444")
        axes.set_xticks([])
        axes.set_yticks([])
    axes.set_title(f"how far apart, nats  ({DIFFERENCE})", loc="left", weight="bold")
    plotted = pd.concat([scores, drops, nats]).drop(columns=["line"])
    return Drawn(page.figure, plotted)


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
            row |= {"stage_task": task, "low": value - half, "high": value + half}
            difference_rows.append(row | {"metric": DIFFERENCE, "n": int(cells["n"].max())})
    columns = ["line", "model", "stage_index", "stage_task", "value", "low", "high", "metric", "n"]
    return pd.DataFrame(difference_rows, columns=columns)


def _draw_curves(axes: Axes, part: pd.DataFrame, chosen: list[Subject], seen) -> None:
    ticks: dict[int, str] = {}
    for subject in chosen:
        rows = part[[line == subject.line for line in part["line"]]].sort_values("stage_index")
        look = seen[subject.line]
        stage = rows["stage_index"].to_numpy(dtype=float)
        value, low, high = (rows[k].to_numpy(dtype=float) for k in ("value", "low", "high"))
        alpha = 0.12 if len(chosen) <= FEW else 0.04
        axes.fill_between(stage, low, high, color=look.colour, alpha=alpha, lw=0)
        axes.plot(stage, value, ls=look.stroke, marker=look.marker, color=look.colour)
        absent = stage[np.isnan(value)]
        bottom = axes.get_xaxis_transform()
        axes.plot(absent, np.full(len(absent), 0.06), "x", color=look.colour, transform=bottom)
        ticks = ticks or dict(rows[["stage_index", "stage_task"]].itertuples(index=False))
    axes.set_xticks(list(ticks), [tick_words(stage_words(t)) for t in ticks.values()], rotation=40)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def _draw_drops(axes: Axes, drops, subsets: list[str], chosen: list[Subject], seen) -> None:
    """FG of every type, then of the axis, models side by side."""
    axes.axhline(0, color="#444444", lw=0.7, zorder=1)
    names = [*subsets, ""]
    offsets = ((np.arange(len(chosen)) + 0.5) / len(chosen) - 0.5) * 0.7
    for offset, subject in zip(offsets, chosen, strict=True):
        subject_drops = drops[[line == subject.line for line in drops["line"]]]
        look: Look = seen[subject.line]
        for place, name in enumerate(names):
            row = subject_drops[subject_drops["subset"] == name]
            value = row["value"].iloc[0] if len(row) else np.nan
            x = place + offset
            if np.isnan(value):
                middle = axes.get_xaxis_transform()
                axes.plot([x], [0.06], "x", color=look.colour, ms=4, transform=middle)
                continue
            axes.plot([x, x], row[["low", "high"]].iloc[0], color=look.colour, lw=1.2)
            axes.plot([x], [value], marker=look.marker, color=look.colour, ms=4, mew=0)
    labels = [set_words(name) for name in subsets] + ["over types"]
    axes.set_xticks(range(len(names)), labels, rotation=30)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    values = drops[["value"]].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    if len(finite):
        # Ratios of small shares have long intervals, so the scale follows the values.
        low, high = min(0.0, finite.min()), max(0.0, finite.max())
        room = 0.35 * max(high - low, 1.0)
        axes.set_ylim(low - room, high + room)


def _legend(chosen: list[Subject], seen) -> list[Line2D]:
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, ls=look.stroke, label=subject.model)
        for subject, look in ((subject, seen[subject.line]) for subject in chosen)
    ]
    handles.append(Line2D([], [], color="#555555", ls=":", lw=0.9, label="neutral"))
    return handles


def _caption(scores: pd.DataFrame, nats: pd.DataFrame) -> str:
    second = (
        f" {DIFFERENCE}: mean absolute difference of the two sentences' log-probabilities over all "
        "pairs; with several seeds their mean, without an interval."
        if len(nats)
        else " The study has no likelihood_diff."
    )
    return (
        "Share of minimal pairs whose stereotyped sentence is likelier, by type, after every "
        f"stage; 0.5 is neutral. Bands: {lower_first(interval_words(scores))} FG: mean relative "
        "drop over stages, as Luo et al. 2023 tabulate it over types; positive = less stereotype "
        "preference, which is not harm; crosses are missing, and bars that leave the panel are in "
        f"the CSV.{second}"
    )
