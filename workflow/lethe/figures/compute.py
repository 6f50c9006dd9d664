"""End-task scores against the cost of training a chain, a point per method."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from lethe.figures.appearance import method_colour
from lethe.figures.drawing import Drawn, Page, empty
from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import ALONE, alone_together
from lethe.metrics.shown import LINE_COLUMNS
from lethe.tables.compute import costs
from lethe.tables.end_tasks import NONE, build

TITLE = "End tasks against compute"
WIDE, LABELS = 4.1, 2.0
LEFT, TOP, BELOW = 0.6, 0.65, 0.65
LABEL_HEIGHT, SHORTEST = 0.15, 2.3
LOG_FROM = 5
KEYS = ["model", "method", "order"]


def draw(tables: LongTables) -> Drawn:
    """A panel per model and order of several stages; orders of one stage are in every panel."""
    points = compute_points(tables)
    trained = points[points["method"] != NONE] if len(points) else points
    if not len(trained):
        words = "No chain with both: name `end_tasks`, and train the chains here."
        return empty(TITLE, words)
    panels = _panels(trained)
    heights = [max(SHORTEST, LABEL_HEIGHT * (len(part) + 2)) for _, _, part in panels]
    page = Page(
        LEFT + WIDE + LABELS, TOP + sum(heights) + BELOW * len(panels) - 0.2, _caption(points)
    )
    page.text(0.2, 0.1, TITLE, fontsize=11, weight="bold")
    top = TOP
    for (model, order, part), height in zip(panels, heights, strict=True):
        axes = page.axes(LEFT, top, WIDE, height)
        axes.set_title(f"{model}, {order}", loc="left", weight="bold")
        before = points[(points["method"] == NONE) & (points["model"] == model)]
        _draw_panel(axes, part.reset_index(drop=True), before, height)
        top += height + BELOW
    return Drawn(page.figure, points)


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


def _draw_panel(axes: Axes, part: pd.DataFrame, before: pd.DataFrame, height: float) -> None:
    for row in part.to_dict("records"):
        colour = method_colour(row["method"])
        if not np.isnan(row["f1_final_low"]):
            ends = [row["f1_final_low"], row["f1_final_high"]]
            axes.plot([row["ratio"]] * 2, ends, color=colour, lw=1.1, alpha=0.55, zorder=2)
        face = colour if row["several"] else "white"
        axes.plot(row["ratio"], row["f1_final"], "o", mfc=face, mec=colour, ms=5.5, zorder=4)
    if len(before):
        axes.axhline(before["f1_final"].iloc[0], color="#8A8A8A", ls=(0, (4, 2)), lw=0.9, zorder=1)
    _scale(axes, part["ratio"])
    axes.set_xlabel("training time of the chain, relative to sequential")
    axes.set_ylabel("end tasks after the last stage, %")
    _label_all(axes, part, before, height)


def _scale(axes: Axes, ratios: pd.Series) -> None:
    if ratios.max() / ratios.min() >= LOG_FROM:
        axes.set_xscale("log")
        steps = [step for step in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)]
        low, high = ratios.min() / 1.15, ratios.max() * 1.15
        axes.set_xticks([step for step in steps if low <= step <= high])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.margins(x=0.08)


def _label_all(axes: Axes, part, before, height: float) -> None:
    """Write names beside the axes by height, without overlap, each with a line to its point."""
    names = [(row["f1_final"], row["ratio"], _name(row), method_colour(row["method"])) for row in
             part.to_dict("records")]  # fmt: skip
    edge = axes.get_xlim()[1]
    names += [(value, edge, "before any domain", "#6A6A6A") for value in before["f1_final"][:1]]
    names.sort(key=lambda name: name[:2])
    bottom, top = axes.get_ylim()
    unit = (top - bottom) / height
    wanted = [value for value, *_ in names]
    places = spread(wanted, LABEL_HEIGHT * unit, bottom, top)
    for (value, ratio, name, colour), place in zip(names, places, strict=True):
        axes.annotate(
            name,
            xy=(ratio, value),
            xytext=(1.05, (place - bottom) / (top - bottom)),
            textcoords="axes fraction",
            va="center",
            fontsize=7,
            color=colour,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "lw": 0.5,
                "alpha": 0.5,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )
    axes.set_ylim(bottom, top)


def spread(wanted: list[float], apart: float, low: float, high: float) -> list[float]:
    """Rising places near the wanted ones, at least `apart`, within [low, high] if they fit.

    `wanted` rises. Places that are too near each other are spread about the mean of their group.
    """
    groups: list[list[float]] = []
    for value in wanted:
        groups.append([value])
        while len(groups) > 1 and _top(groups[-2], apart) + apart > _bottom(groups[-1], apart):
            last = groups.pop()
            groups[-1] += last
    places = [
        _bottom(group, apart) + apart * number
        for group in groups
        for number in range(len(group))
    ]  # fmt: skip
    for number in range(len(places)):
        places[number] = max(places[number], low + apart * number)
    for number, back in enumerate(reversed(range(len(places)))):
        places[back] = min(places[back], high - apart * number)
    return places


def _bottom(group: list[float], apart: float) -> float:
    return float(np.mean(group)) - apart * (len(group) - 1) / 2


def _top(group: list[float], apart: float) -> float:
    return float(np.mean(group)) + apart * (len(group) - 1) / 2


def _name(row: dict) -> str:
    return row["method"] if row["several"] else f"{row['method']}, {row['order']}"


def _caption(points: pd.DataFrame) -> str:
    over = ", ".join(dict.fromkeys(points["interval_over"]))
    clock = "processor" if set(points["of"].dropna()) == {"processor"} else "wall-clock"
    single = points[~points["several"] & (points["method"] != NONE)]
    hollow = "Hollow: orders of one stage, against the sequential chain. " if len(single) else ""
    if (single["order"] == ALONE).any():
        hollow += f"{ALONE.capitalize()}: the models of all domains together. "
    return (
        "Mean over end tasks of their headline metric (as f1_final) after the last stage, against "
        f"measured {clock} time of training the whole chain, relative to sequential on the same "
        "order and seeds. Time, not floating-point operations: these count neither teachers nor "
        f"replayed texts nor a method's other passes. {hollow}95 % t-intervals over {over}; none "
        "for fewer than three. Dashed: before any domain, no cost."
    )
