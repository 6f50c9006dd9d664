"""End-task scores against the cost of training a chain, a point per method."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from lethe.figures.appearance import Look, point_looks
from lethe.figures.drawing import (
    HIGHEST,
    Drawn,
    columns_that_fit,
    draw_interval,
    empty,
    legend,
    limits,
    new_figure,
)
from lethe.figures.marks import handle, mark_style
from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import ALONE, alone_together
from lethe.metrics.shown import LINE_COLUMNS
from lethe.tables.compute import CPU_TIME, costs
from lethe.tables.end_tasks import NONE, build

TITLE = "End tasks against compute"
PANEL = (2.4, 2.2)
LOWEST = 1.2
LOG_FROM = 5
KEYS = ["model", "method", "order"]


def draw(tables: LongTables, width: str = "text") -> Drawn:
    """A panel per model and order of several stages; orders of one stage are in every panel."""
    points = compute_points(tables)
    trained = points[points["method"] != NONE] if len(points) else points
    if not len(trained):
        words = "No chain with both: name `end_tasks`, and train the chains here."
        return empty(TITLE, words, width)
    panels = _panels(trained)
    across = columns_that_fit(width, len(panels), PANEL[0])
    most = int(HIGHEST / LOWEST) * across
    panels, left_out = panels[:most], len(panels[most:])
    looks = point_looks((row.model, _name(row._asdict())) for row in trained.itertuples())
    figure = new_figure(width, PANEL[1] * -(-len(panels) // across))
    legend(figure, _handles(trained, looks))
    grid = figure.subplots(-(-len(panels) // across), across, squeeze=False, sharex=True)
    ends = limits(points[["f1_final", "f1_final_low", "f1_final_high"]].to_numpy(float).ravel(), 1)
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    for axes, (model, order, part) in zip(grid.flat, panels, strict=False):
        before = points[(points["method"] == NONE) & (points["model"] == model)]
        _draw_panel(axes, part, before, looks)
        axes.set_ylim(ends)
        axes.tick_params(labelleft=axes in grid[:, 0])
        axes.set_title(f"{model}, {order}")
    _scale(grid[0, 0], trained["ratio"])
    for row in grid:
        row[0].set_ylabel("end tasks, %")
    for column in range(across):
        lowest = grid[(len(panels) - 1 - column) // across, column]
        lowest.set_xlabel("time of training / sequential")
        lowest.tick_params(labelbottom=True)
    return Drawn(figure, points, _caption(points, left_out))


def compute_points(tables: LongTables) -> pd.DataFrame:
    """A row per line with end tasks: f1_final in % and ratio of cost, each with its interval.

    The row of a model before the first stage has no cost. `several`: the order has more than one
    stage.
    """
    scores = tables.scores[tables.scores["kind"] == "end_task"]
    if not len(scores) or not len(tables.stages):
        return pd.DataFrame()
    numbers = [name + end for name in ("f1_final", "ratio") for end in ("", "_low", "_high")]
    reached = build(tables).frame[[*KEYS, *numbers[:3], "interval_over"]]
    # Only the lines that `build` knows, so that both name them in the same way.
    with_scores = pd.MultiIndex.from_frame(scores[LINE_COLUMNS].drop_duplicates())
    stages = tables.stages[pd.MultiIndex.from_frame(tables.stages[LINE_COLUMNS]).isin(with_scores)]
    spent = pd.DataFrame(costs(stages), columns=[*KEYS, *numbers[3:], "seconds", "of", "runs"])
    joined = reached.merge(spent, on=KEYS, how="left")
    last = alone_together(scores).groupby(["model", "order"])["stage_index"].max()
    several = [last.get((row["model"], row["order"]), 0) > 1 for _, row in joined.iterrows()]
    joined = joined.assign(several=several)
    return joined[joined["ratio"].notna() | (joined["method"] == NONE)].reset_index(drop=True)


def _panels(points: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """(model, order, points): of each longer order with the one-stage orders, or of these alone."""
    panels = []
    for model in dict.fromkeys(points["model"]):
        model_points = points[points["model"] == model]
        orders = list(dict.fromkeys(model_points.loc[model_points["several"], "order"]))
        for order in orders:
            panels.append(
                (
                    model,
                    order,
                    model_points[(model_points["order"] == order) | ~model_points["several"]],
                )
            )
        if not orders:
            panels.append((model, ", ".join(dict.fromkeys(model_points["order"])), model_points))
    return panels


def _draw_panel(axes: Axes, part: pd.DataFrame, before: pd.DataFrame, looks: dict) -> None:
    for row in part.to_dict("records"):
        look = looks[row["model"], _name(row)]
        ends = {"low": row["f1_final_low"], "high": row["f1_final_high"]}
        draw_interval(axes, row["ratio"], ends, look.colour)
        axes.plot(row["ratio"], row["f1_final"], **mark_style(look, _fill(row)), zorder=4)
    if len(before):
        axes.axhline(before["f1_final"].iloc[0], color="#8A8A8A", ls=(0, (4, 2)), lw=0.9, zorder=1)


def _scale(axes: Axes, ratios: pd.Series) -> None:
    """The scale of all panels, whose axes are shared."""
    if ratios.max() / ratios.min() >= LOG_FROM:
        axes.set_xscale("log")
        steps = [step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)]
        low, high = ratios.min() / 1.3, ratios.max() * 1.3
        axes.set_xlim(low, high)
        axes.set_xticks([step for step in steps if low <= step <= high])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))


def _name(row: dict) -> str:
    return row["method"] if row["several"] else f"{row['method']}, {row['order']}"


def _fill(row: dict) -> str:
    return "full" if row["several"] else "none"


def _handles(trained: pd.DataFrame, looks: dict[tuple[str, str], Look]) -> list[Line2D]:
    fills = {(row["model"], _name(row)): _fill(row) for row in trained.to_dict("records")}
    return [handle(look, look.label, fills[pair], stroke="") for pair, look in looks.items()]


def _caption(points: pd.DataFrame, left_out: int) -> str:
    over = ", ".join(dict.fromkeys(points["interval_over"]))
    clock = "CPU" if set(points["of"].dropna()) == {CPU_TIME} else "wall-clock"
    single = points[~points["several"] & (points["method"] != NONE)]
    hollow = "Hollow: orders of one stage, against the sequential chain. " if len(single) else ""
    if (single["order"] == ALONE).any():
        hollow += f"{ALONE.capitalize()}: the models of all domains together. "
    more = f" No room for {left_out} more panels; the CSV has them." if left_out else ""
    return (
        f"{TITLE}. Mean over end tasks of their headline metric (as f1_final) after the last "
        f"stage, against measured {clock} time of training the whole chain, relative to sequential "
        "on the same order and seeds. Time, not floating-point operations: these count neither "
        f"teachers nor replayed texts nor a method's other passes. {hollow}95 % t-intervals over "
        f"{over}; none for fewer than three. Dashed: before any domain, no cost.{more}"
    )
