"""The task-by-stage matrix: every own task after every stage, as a heat map per model and order."""

from collections import Counter

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lethe.figures.appearance import METRIC_WORDS, looks, shortened, stage_words, tick_words
from lethe.figures.drawing import (
    HIGHEST,
    SMALL,
    Drawn,
    columns_that_fit,
    empty,
    legend,
    lower_first,
    new_figure,
)
from lethe.longtables.axes import OWN
from lethe.longtables.own_sets import is_own
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import CONTROL, Line, interval_words, is_control, lines, order_of, shown

TITLE = "Every task after every stage"
CELL = (0.25, 0.19)
"""Least width and usual height of a cell in inches, for a number of two digits."""
BESIDES = (0.25, 0.72)
"""Inches of a heat map beside its cells, and above and below them."""
TASK = 1.1
"""Inches of the tasks' names."""
COLOURS = "YlGnBu"
MISSING = {"fc": "#F4F4F4", "ec": "#B5B5B5", "hatch": "////", "lw": 0}
LONGEST_TASK = 20  # characters


def draw(tables: LongTables, width: str = "page") -> Drawn:
    """Panels by order, then by model and method; each task's own stage is outlined."""
    rows = shown(tables.metrics)
    rows = rows[rows["metric"].str.startswith("score_") & (rows["axis"] == OWN)]
    rows = rows[rows["subset"] == ""]
    if not len(rows):
        return empty(TITLE, "No own task was scored: select a probe of the axis `own`.", width)
    all_lines = sorted(lines(rows), key=lambda line: (is_control(line), order_of(line)))
    size = (int(rows["stage_index"].max()) + 1, rows["probe"].nunique())
    across = _columns(all_lines, size[0], width)
    high = CELL[1] * size[1] + BESIDES[1]
    room = max(1, int(HIGHEST / high)) * across
    left_out = all_lines[room:]
    all_lines = all_lines[:room]
    figure = new_figure(width, high * -(-len(all_lines) // across))
    if rows["value"].isna().any():
        legend(figure, [Rectangle((0, 0), 1, 1, label="missing", **MISSING)])
    panels = figure.subplots(-(-len(all_lines) // across), across, squeeze=False)
    seen, usual = looks(tables.metrics), _usual_order(rows, lines(rows)[0])
    for place, axes in enumerate(panels.flat):
        if place >= len(all_lines):
            axes.remove()
            continue
        line = all_lines[place]
        beside = place % across > 0 and order_of(all_lines[place - 1]) == order_of(line)
        draw_heat_map(axes, rows[[other == line for other in rows["line"]]], usual, not beside)
        label = seen[line].label.removesuffix(f", {order_of(line)}")
        axes.set_title(f"{label}, {order_of(line)}")
    plotted = rows.drop(columns=["line"]).sort_values(["model", "order", "probe", "stage_index"])
    return Drawn(figure, plotted, _caption(rows, len(left_out)))


def _columns(all_lines: list[Line], stages: int, width: str) -> int:
    """Panels side by side: as many as fit without room for tasks, if each row is of one order."""
    least = CELL[0] * stages + BESIDES[0]
    with_tasks = columns_that_fit(width, len(all_lines), least + TASK)
    counts = Counter(order_of(line) for line in all_lines).values()
    tight = range(columns_that_fit(width, max(counts), least), with_tasks, -1)
    return next((n for n in tight if all(count % n == 0 for count in counts)), with_tasks)


def draw_heat_map(axes: Axes, rows: pd.DataFrame, usual: list[str], with_tasks: bool) -> None:
    """One matrix; tasks from top to bottom as taught, missing cells hatched.

    usual: all tasks in their usual order, for those that this line does not teach.
    """
    history = rows[["stage_index", "stage_task"]].drop_duplicates("stage_index")
    history = dict(history.sort_values("stage_index").itertuples(index=False))
    taught = {probe: _taught(probe, history) for probe in rows["probe"].unique()}
    probes = sorted(taught, key=lambda probe: (taught[probe], usual.index(probe)))
    table = rows.pivot(index="probe", columns="stage_index", values="value").reindex(probes)
    words = np.vectorize(_cell_words)(table.to_numpy(float))
    seaborn.heatmap(
        table, ax=axes, vmin=0, vmax=1, cmap=COLOURS, cbar=False, annot=words, fmt="",
        annot_kws={"fontsize": SMALL}, linewidths=0.5,
    )  # fmt: skip
    axes.set(facecolor="#EDEDED", xlabel="", ylabel="")
    for text in axes.texts:
        text.set_in_layout(False)  # numbers stay in their cells
    for (row, column), value in np.ndenumerate(table.to_numpy(float)):
        if np.isnan(value):
            axes.add_patch(Rectangle((column, row), 1, 1, **MISSING))
        stage = table.columns[column]
        if history.get(stage) and is_own(probes[row], history[stage]):
            style = {"fill": False, "ec": "#D55E00", "lw": 1.4, "clip_on": False, "zorder": 4}
            axes.add_patch(Rectangle((column, row), 1, 1, **style))
    stages = [tick_words(stage_words(task)) for task in history.values()]
    axes.set_xticks(np.arange(len(stages)) + 0.5, stages, rotation=0)
    metric = rows.drop_duplicates("probe").set_index("probe")["metric"]
    tasks = [_task_words(probe, metric[probe]) for probe in probes]
    axes.set_yticks(np.arange(len(probes)) + 0.5, tasks if with_tasks else [], rotation=0)
    axes.grid(False)
    axes.tick_params(length=0)


def _cell_words(value: float) -> str:
    """Two digits; those of a missing cell are none, since its hatching says so."""
    if np.isnan(value):
        return ""
    return f"{value:.2f}".removeprefix("0") if value < 0.995 else "1"


def _taught(probe: str, history: dict[int, str]) -> int:
    return min((s for s, task in history.items() if is_own(probe, task)), default=len(history))


def _usual_order(rows: pd.DataFrame, line: Line) -> list[str]:
    """Tasks in the order of a line."""
    first = rows[[other == line for other in rows["line"]]]
    history = dict(first[["stage_index", "stage_task"]].itertuples(index=False))
    return sorted(rows["probe"].unique(), key=lambda probe: (_taught(probe, history), probe))


def _task_words(probe: str, metric: str) -> str:
    name = metric.removeprefix("score_")
    words = f"{probe.removeprefix('own_')}, {METRIC_WORDS.get(name, name)}"
    return shortened(words, LONGEST_TASK)


def _caption(rows: pd.DataFrame, left_out: int) -> str:
    control = rows["order"].str.startswith(CONTROL).any()
    more = f"No room for {left_out} more matrices. " if left_out else ""
    return (
        f"{TITLE}. Score (fraction) on each own task (rows) after each stage (columns), test "
        "split; colours from 0 (light) to 1 (dark). Outlined: right after the task's own stage; "
        "to its right lies forgetting, to its left transfer from tasks taught before. "
        f"{'Control: as many steps on general data. ' if control else ''}{more}"
        f"The CSV has every line and the intervals: {lower_first(interval_words(rows))}"
    )
