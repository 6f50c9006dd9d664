"""The task-by-stage matrix: every own task after every stage, as a heat map per model and order."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lethe.figures.appearance import METRIC_WORDS, looks, shortened, stage_words, tick_words
from lethe.figures.drawing import Drawn, Page, lower_first
from lethe.longtables.tables import LongTables
from lethe.metrics.cells import is_own
from lethe.metrics.shown import CONTROL, LINE_COLUMNS, Line, interval_words, lines, order_of, shown

CELL = (0.46, 0.27)
LEFT, TOP, GAP = 1.2, 0.62, (1.12, 0.75)
COLOURS = "YlGnBu"
LONGEST_TITLE = 40  # characters


def draw(tables: LongTables) -> Drawn:
    """A row per model and method, a column per order; each task's own stage is outlined."""
    rows = shown(tables.metrics)
    rows = rows[rows["metric"].str.startswith("score_") & (rows["axis"] == "own")]
    rows = rows[rows["subset"] == ""]
    all_lines = lines(rows) if len(rows) else []
    names = list(dict.fromkeys(order_of(line) for line in all_lines))
    names.sort(key=lambda name: (name.startswith(CONTROL), name))
    groups = list(dict.fromkeys(_without_order(line) for line in all_lines))
    tasks, stages = rows["probe"].nunique(), int(rows["stage_index"].max()) + 1 if all_lines else 1
    size = (CELL[0] * stages, CELL[1] * tasks)
    width = max(6.5, LEFT + len(names) * (size[0] + GAP[0]) - GAP[0] + 0.2)
    page = Page(width, TOP + len(groups) * (size[1] + GAP[1]) - 0.15, _caption(rows))
    page.text(0.2, 0.1, "Every task after every stage", fontsize=11, weight="bold")
    seen = looks(tables.metrics)
    usual = _usual_order(rows, all_lines) if all_lines else []
    for line in all_lines:
        row, column = groups.index(_without_order(line)), names.index(order_of(line))
        top = TOP + row * (size[1] + GAP[1])
        axes = page.axes(LEFT + column * (size[0] + GAP[0]), top, *size)
        draw_heat_map(axes, rows[[other == line for other in rows["line"]]], usual)
        label = seen[line].label.removesuffix(f", {order_of(line)}")
        title = shortened(f"{label}, {order_of(line)}", LONGEST_TITLE)
        axes.set_title(title, loc="left", fontsize=8, weight="bold")
    plotted = rows.drop(columns=["line"]).sort_values(["model", "order", "probe", "stage_index"])
    return Drawn(page.figure, plotted)


def draw_heat_map(axes: Axes, rows: pd.DataFrame, usual: list[str]) -> None:
    """One matrix; tasks from top to bottom as taught, missing cells hatched.

    usual: all tasks in their usual order, for those that this line does not teach.
    """
    history = rows[["stage_index", "stage_task"]].drop_duplicates("stage_index")
    history = dict(history.sort_values("stage_index").itertuples(index=False))
    taught = {probe: _taught(probe, history) for probe in rows["probe"].unique()}
    probes = sorted(taught, key=lambda probe: (taught[probe], usual.index(probe)))
    table = rows.pivot(index="probe", columns="stage_index", values="value").reindex(probes)
    values = table.to_numpy(dtype=float)
    colours = matplotlib.colormaps[COLOURS]
    axes.imshow(values, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for (line, column), value in np.ndenumerate(values):
        _annotate(axes, line, column, value)
        if history.get(column) and is_own(probes[line], history[column]):
            box = Rectangle(
                (column - 0.5, line - 0.5),
                1,
                1,
                fill=False,
                ec="#D55E00",
                lw=1.6,
                clip_on=False,
                zorder=4,
            )
            axes.add_patch(box)
    axes.set_xticks(
        range(len(history)),
        [tick_words(stage_words(task)) for task in history.values()],
        rotation=40,
    )
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    metric = rows.drop_duplicates("probe").set_index("probe")["metric"]
    words = [_task_words(probe, metric[probe]) for probe in probes]
    axes.set_yticks(range(len(probes)), words)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _taught(probe: str, history: dict[int, str]) -> int:
    return min((s for s, task in history.items() if is_own(probe, task)), default=len(history))


def _usual_order(rows: pd.DataFrame, all_lines: list[Line]) -> list[str]:
    """Tasks in the order of the first line."""
    first = rows[[line == all_lines[0] for line in rows["line"]]]
    history = dict(first[["stage_index", "stage_task"]].itertuples(index=False))
    return sorted(rows["probe"].unique(), key=lambda probe: (_taught(probe, history), probe))


def _annotate(axes: Axes, line: int, column: int, value: float) -> None:
    if np.isnan(value):
        box = Rectangle(
            (column - 0.5, line - 0.5), 1, 1, fc="#F4F4F4", ec="#B5B5B5", hatch="////", lw=0
        )
        axes.add_patch(box)
        axes.text(column, line, "missing", ha="center", va="center", fontsize=5.5, color="#333333")
        return
    colour = "white" if value > 0.55 else "#222222"
    words = f"{value:.2f}".removeprefix("0") if value < 0.995 else "1"
    axes.text(column, line, words, ha="center", va="center", fontsize=7, color=colour)


def _task_words(probe: str, metric: str) -> str:
    name = metric.removeprefix("score_")
    return f"{probe.removeprefix('own_')} ({METRIC_WORDS.get(name, name)})"


def _without_order(line: Line) -> tuple:
    place = LINE_COLUMNS.index("order")
    return line[:place] + line[place + 1 :]


def _caption(rows: pd.DataFrame) -> str:
    if not len(rows):
        return "No own-task scores."
    control = rows["order"].str.startswith(CONTROL).any()
    return (
        "Score (fraction) on each own task (rows) after each stage (columns), test split. "
        "Outlined: right after the task's own stage; to its right lies forgetting, to its left "
        "transfer from tasks taught before. "
        f"{'Control: as many steps on general data. ' if control else ''}"
        f"The CSV beside this figure has the intervals: {lower_first(interval_words(rows))}"
    )
