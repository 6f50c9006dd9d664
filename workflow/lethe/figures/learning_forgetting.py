"""Learning and forgetting side by side: each own task when taught and at the end; general drop."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import METRIC_WORDS, Look, looks
from lethe.figures.drawing import (
    HIGHEST,
    WIDTHS,
    Drawn,
    draw_missing,
    legend,
    limits,
    lower_first,
    new_figure,
)
from lethe.figures.marks import draw_point, handle
from lethe.longtables.axes import OWN, sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import CONTROL, Line, interval_words, is_control, lines, orders, shown

MOMENTS = {"own_before": "none", "own_after": "full", "own_final": "bottom"}
"""How a marker is filled at each moment of an own task."""
WORDS = ("before its stage", "right after it", "after the last stage")
APART = {"own_before": -0.3, "own_after": -0.3, "own_final": 0.3}
"""Shares of a line's room at a task."""
HEIGHT, MARGIN = 1.55, 0.1
SPREAD = 0.8
FEW = 3
"""Lines of which a task has room for two columns each; of more lines each has one."""


def draw(tables: LongTables, width: str = "page") -> Drawn:
    """By order: own tasks, and the drop on each general axis beside them; in a column below."""
    rows = shown(tables.metrics, [*MOMENTS, "drop_points"])
    rows = rows[(rows["metric"] != "drop_points") | (rows["probe"] == "")]
    names, seen = orders(tables.metrics), looks(tables.metrics)
    across = 2 if WIDTHS[width] > 5 else 1
    most = int(HIGHEST / 0.8 / (2 / across))
    names, left_out = names[:most], names[most:]
    figure = new_figure(width, MARGIN + HEIGHT * len(names) * 2 / across)
    legend(figure, _handles(rows, seen))
    ratios = [1.5, 1] if across == 2 else None
    shape = (max(len(names), 1) * 2 // across, across)
    panels = figure.subplots(*shape, squeeze=False, width_ratios=ratios).reshape(-1, 2)
    drops = rows[rows["metric"] == "drop_points"]
    ends = limits(drops[["value", "low", "high"]].to_numpy(float).ravel(), 1.0, zero=True)
    for (own, drop), order in zip(panels, names, strict=False):
        _draw_own(own, rows[(rows["order"] == order) & (rows["axis"] == OWN)], seen, tables)
        controls = drops["order"].str.startswith(CONTROL)
        _draw_drop(drop, drops[(drops["order"] == order) | controls], seen)
        drop.set_ylim(ends)
        own.set_title(f"{order}: own tasks")
        drop.set_title("general ability")
    plotted = rows.drop(columns=["line"]).sort_values(["order", "axis", "probe", "model", "metric"])
    return Drawn(figure, plotted, _caption(rows, left_out))


def _offsets(count: int) -> np.ndarray:
    return ((np.arange(count) + 0.5) / max(count, 1) - 0.5) * SPREAD


def _draw_own(axes: Axes, rows: pd.DataFrame, seen: dict[Line, Look], tables: LongTables) -> None:
    tasks = _tasks(rows, tables)
    if not len(rows):
        axes.text(0.5, 0.5, "no own tasks", transform=axes.transAxes, ha="center")
    own_lines = lines(rows) if len(rows) else []
    room = SPREAD / max(len(own_lines), 1)
    for offset, line in zip(_offsets(len(own_lines)), own_lines, strict=True):
        line_rows = rows[[other == line for other in rows["line"]]]
        for place, probe in enumerate(tasks):
            cells = line_rows[line_rows["probe"] == probe].set_index("metric")
            apart = room if len(own_lines) <= FEW else 0.0
            _draw_task(axes, place + offset, apart, cells, seen[line])
    axes.set_xticks(range(len(tasks)), list(tasks.values()))
    axes.set_xlim(-0.5, max(len(tasks), 1) - 0.5)
    ends = rows[["value", "high"]].max(skipna=True).max() if len(rows) else 1
    # A whole marker fits beyond either end.
    axes.set_ylim(-0.06, max(1.06, 1.06 * ends))
    axes.set_ylabel("score")


def _draw_task(axes: Axes, x: float, room: float, cells: pd.DataFrame, look: Look) -> None:
    """Before (hollow), right after (filled) and, `room` permitting to the right, final (half)."""
    found = {name: cells.loc[name] for name in MOMENTS if name in cells.index}
    found = {name: row for name, row in found.items() if not np.isnan(row["value"])}
    at = {name: x + share * room for name, share in APART.items()}
    ends = [name for name in ("own_after", "own_final") if name in found]
    heights = [found[name]["value"] for name in ends]
    axes.plot([at[name] for name in ends], heights, color=look.colour, lw=0.8, alpha=0.7)
    for name, row in found.items():
        draw_point(axes, at[name], row, look, MOMENTS[name])
    if len(found) < len(MOMENTS):
        draw_missing(axes, x + 0.3 * room, "", look.colour)


def _draw_drop(axes: Axes, rows: pd.DataFrame, seen: dict[Line, Look]) -> None:
    names = sorted_axes(rows["axis"])
    axes.axhline(0, color="#444444", lw=0.8)
    drop_lines = lines(rows) if len(rows) else []
    models = [line[0] for line in drop_lines]
    drop_lines = sorted(drop_lines, key=lambda line: models.index(line[0]))
    for offset, line in zip(_offsets(len(drop_lines)), drop_lines, strict=True):
        by_axis = rows[[other == line for other in rows["line"]]].set_index("axis")
        for place, axis in enumerate(names):
            row = by_axis.loc[axis] if axis in by_axis.index else None
            draw_point(axes, place + offset, row, seen[line])
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, max(len(names), 1) - 0.5)
    axes.set_ylabel("drop, points")


def _tasks(rows: pd.DataFrame, tables: LongTables) -> dict[str, str]:
    """Own sets in the order of training, with tick labels that name the metric."""
    if not len(rows):
        return {}
    stages = tables.scores[tables.scores["order"] == rows["order"].iloc[0]]
    rank = stages.groupby("stage_task")["stage_index"].min().to_dict()
    pairs = rows[["probe", "stage_task"]].drop_duplicates("probe")
    pairs = sorted(pairs.itertuples(index=False), key=lambda pair: rank.get(pair[1], 0))
    scored = tables.metrics[tables.metrics["metric"].str.startswith("score_")]
    metric = scored.drop_duplicates("probe").set_index("probe")["metric"]
    labels = {}
    for probe, _ in pairs:
        name = metric.get(probe, "").removeprefix("score_")
        labels[probe] = f"{probe.removeprefix('own_')}\n{METRIC_WORDS.get(name, name)}"
    return labels


def _handles(rows: pd.DataFrame, seen: dict[Line, Look]) -> list[Line2D]:
    all_lines = sorted(lines(rows), key=is_control) if len(rows) else []
    by_label = {seen[line].label: seen[line] for line in all_lines}
    handles = [handle(look, label) for label, look in by_label.items()]
    for words, fill in zip(WORDS, MOMENTS.values(), strict=True):
        handles.append(handle(Look("#222222", "o", "", ""), f"own task {words}", fill, stroke=""))
    return handles


def _caption(rows: pd.DataFrame, left_out: list[str]) -> str:
    own, general = rows[rows["axis"] == OWN], rows[rows["axis"] != OWN]
    control = (
        " Grey: each model's control, as many steps on general data."
        if general["order"].str.startswith(CONTROL).any()
        else ""
    )
    more = f" No room for the orders {', '.join(left_out)}; the CSV has them." if left_out else ""
    return (
        "What was learned, and what it cost. Own tasks, in the order of training: score on each "
        "right before its stage (hollow), right after it (filled) and after the last stage (half "
        "filled); for the last task these two are one, and where they are equal the last one is on "
        "top. General ability: absolute drop from base to "
        "last stage in points (hundredths; drop_points), mean over the axis' sets; for bias a drop "
        f"is less stereotype preference.{control} Bars of own tasks: "
        f"{lower_first(interval_words(own))} Bars of general ability: "
        f"{lower_first(interval_words(general))}{more}"
    )
