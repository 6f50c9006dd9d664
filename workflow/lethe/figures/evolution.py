"""Every evaluation set over the stages: a block of small panels for each task order."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import (
    METRIC_WORDS,
    Look,
    looks,
    set_words,
    stage_words,
    tick_words,
)
from lethe.figures.drawing import Drawn, Page, legend_height, lower_first
from lethe.longtables.axes import BIAS, OWN, sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.cells import is_own
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

COLUMNS = 6
PANEL, GAP = (1.55, 1.0), (0.3, 0.36)
LEFT, TOP, BLOCK_HEAD, AXIS_HEAD, TICKS = 0.62, 0.72, 0.3, 0.2, 0.5
ABSENT = "#B03A2E"


@dataclass(frozen=True)
class Slot:
    """The position of one set's panel in a block."""

    axis: str
    probe: str
    row: int
    column: int
    heads_axis: bool


def draw(tables: LongTables) -> Drawn:
    """Lines by model (and method), an interval around each, the control in grey."""
    rows = _plotted(tables)
    slots = place_panels(rows)
    seen = looks(tables.metrics)
    names = orders(tables.metrics)
    depth = max((slot.row for slot in slots), default=0) + 1
    block = BLOCK_HEAD + depth * (AXIS_HEAD + PANEL[1] + GAP[1]) + TICKS
    width = LEFT + COLUMNS * (PANEL[0] + GAP[0]) + 0.1
    handles = _legend(rows, seen)
    head = TOP + legend_height(handles, width)
    page = Page(width, head + len(names) * block, _caption(rows))
    page.text(0.2, 0.1, "Every evaluation set after every stage", fontsize=11, weight="bold")
    page.legend(handles, 0.2, 0.36)
    for place, order in enumerate(names):
        _draw_block(page, head + place * block, order, rows, slots, seen)
    plotted = rows.drop(columns=["line"]).sort_values(["order", "axis", "probe", "model"])
    return Drawn(page.figure, plotted)


def _plotted(tables: LongTables) -> pd.DataFrame:
    rows = shown(tables.metrics)
    rows = rows[rows["metric"].str.startswith("score_") & (rows["subset"] == "")]
    chance = tables.scores.groupby("probe")["chance"].max()
    return rows.assign(chance=rows["probe"].map(chance))


def place_panels(rows: pd.DataFrame) -> list[Slot]:
    """Panels row by row; an axis starts a new row unless it fits in the current one."""
    slots: list[Slot] = []
    row, column = 0, 0
    for axis in sorted_axes(rows["axis"]):
        probes = rows.loc[rows["axis"] == axis, "probe"].unique()
        probes = sorted(probes, key=lambda probe: (_taught(rows, probe), probe))
        if column and column + len(probes) > COLUMNS:
            row, column = row + 1, 0
        for place, probe in enumerate(probes):
            if column == COLUMNS:
                row, column = row + 1, 0
            slots.append(Slot(axis, probe, row, column, place == 0))
            column += 1
    return slots


def _taught(rows: pd.DataFrame, probe: str) -> int:
    """Stage that teaches the set's task in the first order by name; 0 for general sets."""
    names = [order for order in sorted(rows["order"].unique()) if not order.startswith(CONTROL)]
    stages = _stages(rows, names[0]) if names else {}
    return next((s for s, word in stages.items() if s and is_own(probe, word[1:])), 0)


def _draw_block(page: Page, top: float, order: str, rows, slots: list[Slot], seen) -> None:
    block_rows = rows[[order_of(line) == order or is_control(line) for line in rows["line"]]]
    stages = _stages(block_rows, order)
    words = " → ".join(stages.values()).replace("+", "")
    page.text(0.2, top, f"Order “{order}”", fontsize=9.5, weight="bold")
    page.text(0.4 + 0.085 * (len(order) + 8), top + 0.02, words, fontsize=8.5, color="#444444")
    filled = {(slot.row, slot.column) for slot in slots}
    for slot in slots:
        left = LEFT + slot.column * (PANEL[0] + GAP[0])
        upper = top + BLOCK_HEAD + slot.row * (AXIS_HEAD + PANEL[1] + GAP[1]) + AXIS_HEAD + 0.2
        axes = page.axes(left, upper, *PANEL)
        part = block_rows[block_rows["probe"] == slot.probe]
        _draw_panel(axes, part, stages, seen)
        if slot.heads_axis:
            page.text(left - 0.3, upper - 0.34, slot.axis.upper(), fontsize=7.5, weight="bold")
        below = (slot.row + 1, slot.column) in filled
        ticks = [] if below else [tick_words(word) for word in stages.values()]
        axes.set_xticks(list(stages), ticks, rotation=40)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
        metric = METRIC_WORDS.get(_metric(part), _metric(part))
        if slot.column == 0:
            of_row = metric
            axes.set_ylabel("score" if slot.axis == OWN else metric, fontsize=7)
        title = set_words(slot.probe)
        if slot.axis == BIAS:
            title += " (share)"
        elif slot.axis == OWN or metric != of_row:
            title += f" ({metric})"
        axes.set_title(title, fontsize=8, loc="left")


def _draw_panel(axes: Axes, part: pd.DataFrame, stages: dict, seen: dict[Line, Look]) -> None:
    probe = part["probe"].iloc[0] if len(part) else ""
    for stage, word in stages.items():
        if stage and is_own(probe, word.removeprefix("+")):
            axes.axvspan(stage - 0.5, stage + 0.5, color="#F2E6C9", lw=0, zorder=0)
    if part["chance"].notna().any():
        axes.axhline(part["chance"].max(), color="#555555", ls=":", lw=0.9, zorder=1)
    for line in lines(part)[::-1] if len(part) else []:
        line_rows = part[[other == line for other in part["line"]]].sort_values("stage_index")
        draw_line(axes, line_rows, seen[line], control=is_control(line))
    values = part["value"].to_numpy(dtype=float)
    # An interval over seeds may exceed the range of a score; the scale stays the same.
    if not ((values < -0.01) | (values > 1.01)).any():
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.set_xlim(-0.4, max(stages, default=1) + 0.4)


def draw_line(axes: Axes, rows: pd.DataFrame, look: Look, control: bool) -> None:
    """One line with its interval; a missing cell is a gap, marked at the bottom."""
    stage = rows["stage_index"].to_numpy(dtype=int)
    value, low, high = (rows[name].to_numpy(dtype=float) for name in ("value", "low", "high"))
    style = {"color": look.colour, "zorder": 2 if control else 3}
    if control:
        style |= {"lw": 1.0, "ms": 2.6}
    alpha = 0.1 if control else 0.18
    axes.fill_between(stage, low, high, color=look.colour, alpha=alpha, lw=0, zorder=1.5)
    axes.plot(stage, value, ls=look.stroke, marker=look.marker, **style)
    absent = stage[np.isnan(value)]
    bottom = axes.get_xaxis_transform()
    axes.plot(
        absent,
        np.full(len(absent), 0.06),
        "x",
        color=look.colour,
        ms=4.5,
        mew=1.2,
        transform=bottom,
    )


def _stages(rows: pd.DataFrame, order: str) -> dict[int, str]:
    """Tick labels of an order by stage."""
    order_rows = rows[rows["order"] == order]
    pairs = order_rows[["stage_index", "stage_task"]].drop_duplicates("stage_index")
    pairs = pairs.sort_values("stage_index")
    return {int(stage): stage_words(task) for stage, task in pairs.itertuples(index=False)}


def _metric(part: pd.DataFrame) -> str:
    return part["metric"].iloc[0].removeprefix("score_") if len(part) else ""


def _legend(rows: pd.DataFrame, seen: dict[Line, Look]) -> list[Line2D]:
    by_label = {seen[line].label: seen[line] for line in lines(rows)} if len(rows) else {}
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, ls=look.stroke, label=label)
        for label, look in by_label.items()
    ]
    if rows["chance"].notna().any():
        handles.append(Line2D([], [], color="#555555", ls=":", lw=0.9, label="chance"))
    if rows["value"].isna().any():
        handles.append(
            Line2D([], [], color=ABSENT, marker="x", ls="", ms=4.5, mew=1.2, label="missing")
        )
    return handles


def _caption(rows: pd.DataFrame) -> str:
    parts = [
        f"Bands: {lower_first(interval_words(rows))}",
        "All scores are fractions; stage 0 is the base model. Shaded: the stage that teaches the "
        "set's own task. Dotted: chance.",
    ]
    if (rows["axis"] == BIAS).any():
        parts.append(
            "Bias: share of minimal pairs whose stereotyped sentence is likelier; 0.5 is neutral."
        )
    if rows["order"].str.startswith(CONTROL).any():
        parts.append(
            "Grey: the control, as many steps on general data; it is the same in every block and "
            "its stages are not the tasks on the axis."
        )
    return " ".join(parts)
