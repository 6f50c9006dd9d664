"""Learning and forgetting side by side: each own task when taught and at the end; general drop."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import CONTROL_COLOUR, METRIC_WORDS, Look, looks
from lethe.figures.drawing import Drawn, Page, legend_height, lower_first
from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import (
    CONTROL,
    Line,
    interval_words,
    is_control,
    lines,
    order_of,
    orders,
    shown,
)

OWN = ["own_before", "own_after", "own_final"]
FINAL = "v"
LEFT, TOP, HEIGHT, GAP = 0.65, 0.75, 1.9, 0.7
SPREAD = 0.7
# Smallest width of an axis in inches, and the length of a name that fits beside others.
AXIS, LONG_NAME = 0.66, 10


def draw(tables: LongTables) -> Drawn:
    """A row per order: own tasks on the left, the drop on each general axis on the right."""
    rows = shown(tables.metrics, [*OWN, "drop_points"])
    rows = rows[(rows["metric"] != "drop_points") | (rows["probe"] == "")]
    names, seen = orders(tables.metrics), looks(tables.metrics)
    wide, drops = 5.2, max(3.3, AXIS * len(_axes_of_drops(rows)))
    width = LEFT + wide + GAP + drops + 0.15
    handles = _legend(rows, seen)
    head = TOP + legend_height(handles, width)
    page = Page(width, head + len(names) * (HEIGHT + 0.62), _caption(rows))
    page.text(0.2, 0.1, "What was learned, and what it cost", fontsize=11, weight="bold")
    page.legend(handles, 0.2, 0.36)
    first = None
    for place, order in enumerate(names):
        top = head + 0.2 + place * (HEIGHT + 0.62)
        own = page.axes(LEFT, top, wide, HEIGHT)
        order_rows = rows[rows["order"] == order]
        _draw_own(own, order_rows[order_rows["axis"] == "own"], seen, tables)
        own.set_title(f"Order “{order}”: own tasks, as taught", loc="left", weight="bold")
        drop = page.axes(LEFT + wide + GAP, top, drops, HEIGHT, sharey=first)
        first = first or drop
        controls = rows["order"].str.startswith(CONTROL)
        _draw_drop(drop, rows[(rows["order"] == order) | controls], seen)
        drop.set_title("general ability, base minus last stage", loc="left", weight="bold")
    plotted = rows.drop(columns=["line"]).sort_values(["order", "axis", "probe", "model", "metric"])
    return Drawn(page.figure, plotted)


def _draw_own(axes: Axes, rows: pd.DataFrame, seen: dict[Line, Look], tables: LongTables) -> None:
    tasks = _tasks(rows, tables)
    if not len(rows):
        axes.text(0.5, 0.5, "no own tasks", transform=axes.transAxes, ha="center")
    own_lines = lines(rows) if len(rows) else []
    offsets = ((np.arange(len(own_lines)) + 0.5) / max(len(own_lines), 1) - 0.5) * SPREAD
    for offset, line in zip(offsets, own_lines, strict=True):
        line_rows = rows[[other == line for other in rows["line"]]]
        for place, probe in enumerate(tasks):
            cells = line_rows[line_rows["probe"] == probe].set_index("metric")
            _draw_task(axes, place + offset, cells, seen[line])
    axes.set_xticks(range(len(tasks)), list(tasks.values()))
    axes.set_xlim(-0.5, max(len(tasks), 1) - 0.5)
    axes.set_ylim(-0.03, max([1.03, *rows["high"].fillna(0), *rows["value"].fillna(0)]))
    axes.set_ylabel("score, fraction")


def _draw_task(axes: Axes, x: float, cells: pd.DataFrame, look: Look) -> None:
    """Before (hollow), right after (filled) and, a little to the right, final (triangle)."""
    at = {"own_before": x - 0.06, "own_after": x - 0.06, "own_final": x + 0.06}
    drawn = {name: cells.loc[name] for name in OWN if name in cells.index}
    drawn = {name: row for name, row in drawn.items() if not np.isnan(row["value"])}
    if "own_after" in drawn and "own_final" in drawn:
        ends = ["own_after", "own_final"]
        heights = [drawn[name]["value"] for name in ends]
        axes.plot([at[name] for name in ends], heights, color=look.colour, lw=0.8, alpha=0.7)
    for name, row in drawn.items():
        if not np.isnan(row["low"]):
            axes.plot([at[name]] * 2, [row["low"], row["high"]], color=look.colour, lw=1.3)
        face = "white" if name == "own_before" else look.colour
        marker = FINAL if name == "own_final" else look.marker
        mark = {"marker": marker, "ms": 5, "mfc": face, "mec": look.colour, "mew": 1.0}
        axes.plot([at[name]], [row["value"]], **mark)
    if len(drawn) < len(OWN):
        _write_missing(axes, x + 0.06, 0.45, look)


def _write_missing(axes: Axes, x: float, height: float, look: Look) -> None:
    """height: of the middle of the word, as a fraction of the axes."""
    words = {"rotation": 90, "ha": "center", "va": "center", "fontsize": 6, "color": look.colour}
    axes.text(x, height, "missing", transform=axes.get_xaxis_transform(), **words)


def _draw_drop(axes: Axes, rows: pd.DataFrame, seen: dict[Line, Look]) -> None:
    part = rows[rows["metric"] == "drop_points"]
    names = _axes_of_drops(rows)
    axes.axhline(0, color="#444444", lw=0.8)
    drop_lines = lines(part) if len(part) else []
    models = [line[0] for line in drop_lines]
    drop_lines = sorted(drop_lines, key=lambda line: models.index(line[0]))
    offsets = ((np.arange(len(drop_lines)) + 0.5) / max(len(drop_lines), 1) - 0.5) * SPREAD
    for offset, line in zip(offsets, drop_lines, strict=True):
        line_rows = part[[other == line for other in part["line"]]].set_index("axis")
        look = seen[line]
        for place, axis in enumerate(names):
            if axis not in line_rows.index or np.isnan(line_rows.loc[axis, "value"]):
                _write_missing(axes, place + offset, 0.12, look)
                continue
            row = line_rows.loc[axis]
            if not np.isnan(row["low"]):
                axes.plot(
                    [place + offset] * 2, [row["low"], row["high"]], color=look.colour, lw=1.3
                )
            axes.plot(
                [place + offset], [row["value"]], marker="D" if is_control(line) else look.marker,
                ms=4.5, color=look.colour, mew=0,
            )  # fmt: skip
    axes.set_xticks(range(len(names)), names)
    for label in axes.get_xticklabels() if max(map(len, names), default=0) > LONG_NAME else []:
        label.set(rotation=20, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.5, max(len(names), 1) - 0.5)
    axes.set_ylabel("drop, points (drop_points)")


def _axes_of_drops(rows: pd.DataFrame) -> list[str]:
    return sorted_axes(rows.loc[rows["metric"] == "drop_points", "axis"])


def _tasks(rows: pd.DataFrame, tables: LongTables) -> dict[str, str]:
    """Own sets in the order of training, with tick labels that name the metric."""
    if not len(rows):
        return {}
    order = rows["order"].iloc[0]
    stages = tables.scores[tables.scores["order"] == order]
    rank = stages.groupby("stage_task")["stage_index"].min().to_dict()
    pairs = rows[["probe", "stage_task"]].drop_duplicates("probe")
    pairs = sorted(pairs.itertuples(index=False), key=lambda pair: rank.get(pair[1], 0))
    scored = tables.metrics[tables.metrics["metric"].str.startswith("score_")]
    metric = scored.drop_duplicates("probe").set_index("probe")["metric"]
    labels = {}
    for probe, task in pairs:
        name = metric.get(probe, "").removeprefix("score_")
        labels[probe] = f"{task}\n{METRIC_WORDS.get(name, name)}"
    return labels


def _legend(rows: pd.DataFrame, seen: dict[Line, Look]) -> list[Line2D]:
    all_lines = lines(rows) if len(rows) else []
    plain = {seen[line].label: seen[line] for line in all_lines if not is_control(line)}
    handles = [
        Line2D([], [], color=look.colour, lw=3, marker=look.marker, ms=6, label=label)
        for label, look in plain.items()
    ]
    grey = {"color": "#555555", "ls": "", "ms": 5}
    for label, face, marker in [
        ("own task: before its stage", "white", "o"),
        ("own task: right after", "#555555", "o"),
        ("own task: at last", "#555555", FINAL),
    ]:
        handles.append(Line2D([], [], marker=marker, mfc=face, label=label, **grey))
    for name in {order_of(line): None for line in all_lines if is_control(line)}:
        handles.append(Line2D([], [], marker="D", color=CONTROL_COLOUR, ls="", ms=4.5, label=name))
    return handles


def _caption(rows: pd.DataFrame) -> str:
    own, general = rows[rows["axis"] == "own"], rows[rows["axis"] != "own"]
    control = (
        " Grey diamonds: each model's control beside it, as many steps on general data."
        if general["order"].str.startswith(CONTROL).any()
        else ""
    )
    return (
        "Left: score on each task right before its stage (hollow), right after it (filled) and "
        "after the last stage (triangle); for the last task the two are one. Right: absolute drop "
        "from base to last stage in points (hundredths), mean over the axis' sets; for bias a drop "
        f"is less stereotype preference.{control} Bars, left: {lower_first(interval_words(own))} "
        f"Bars, right: {lower_first(interval_words(general))}"
    )
