"""Every axis over the stages of every order: the mean of its evaluation sets, the sets behind."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import METRIC_WORDS, Look, looks, stage_words, tick_words
from lethe.figures.axis_means import axis_means, without_unscored
from lethe.figures.drawing import (
    HIGHEST,
    Drawn,
    columns_that_fit,
    legend,
    limits,
    lower_first,
    new_figure,
)
from lethe.figures.marks import BEHIND, band_density, draw_curve
from lethe.longtables.axes import BIAS, GENERAL, OWN, sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.axis_scores import mixed_words
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

PANEL, ALONE = (0.9, 1.1), (1.7, 1.3)
"""Least width and usual height of a panel in inches: beside other orders, and of a single order."""
LOWEST = 0.62
MARGIN = 0.75
"""Inches of a figure above and below its panels."""
FEW, MANY = 4, 8
"""With more lines than FEW the sets are left out, with more than MANY the bands too."""


@dataclass(frozen=True)
class Shown:
    """What is drawn. means: axis by stage. sets: evaluation set by stage. Both have `line`."""

    means: pd.DataFrame
    sets: pd.DataFrame
    seen: dict[Line, Look]

    def of(self, axis: str, order: str) -> "Shown":
        """The part of one panel; controls are in the panels of every order."""
        means, sets = (
            rows[(rows["axis"] == axis)
                 & ((rows["order"] == order) | rows["order"].str.startswith(CONTROL))]
            for rows in (self.means, self.sets)
        )  # fmt: skip
        return Shown(means, sets, self.seen)


def draw(tables: LongTables, width: str = "page") -> Drawn:
    """A row of panels per axis and a column per order; of a single order, a panel per axis."""
    all_shown = _shown(tables)
    axes_names, names = sorted_axes(all_shown.means["axis"]), orders(tables.metrics)
    cells, left_out = place_panels(axes_names, names, width)
    down, across = (max(place) + 1 for place in zip(*cells, strict=True))
    each = (PANEL if len(names) > 1 else ALONE)[1]
    figure = new_figure(width, MARGIN + down * each)
    legend(figure, _handles(all_shown))
    panels = figure.subplots(down, across, squeeze=False)
    for place in np.ndindex(panels.shape):
        if place not in cells:
            panels[place].remove()
    drawn = {}
    for place, (axis, order) in cells.items():
        axes = drawn[axis, order] = panels[place]
        _draw_panel(axes, all_shown.of(axis, order))
        is_last = (place[0] + 1, place[1]) not in cells or cells[place[0] + 1, place[1]][1] != order
        _name_stages(axes, all_shown.sets, order, is_last or len(names) == 1)
        _name_panel(axes, axis, order if len(names) > 1 else "", place, all_shown.of(axis, order))
    _share_limits(drawn, all_shown)
    plotted = pd.concat([all_shown.sets, all_shown.means], ignore_index=True).drop(columns=["line"])
    plotted = plotted.sort_values(["order", "axis", "probe", "model"], kind="stable")
    mixed = mixed_words(tables.metrics[tables.metrics["axis"] != GENERAL])
    return Drawn(figure, plotted, f"{_caption(all_shown, left_out)}{mixed}")


def place_panels(
    axes_names: list[str], names: list[str], width: str
) -> tuple[dict[tuple[int, int], tuple[str, str]], list[str]]:
    """((Row, column) -> (axis, order), orders for which a page has no room)."""
    if len(names) == 1:
        across = columns_that_fit(width, len(axes_names), ALONE[0])
        return {
            divmod(place, across): (axis, names[0]) for place, axis in enumerate(axes_names)
        }, []
    across = columns_that_fit(width, len(names), PANEL[0])
    blocks = max(1, int((HIGHEST - MARGIN) / LOWEST / max(len(axes_names), 1)))
    cells = {
        (place // across * len(axes_names) + row, place % across): (axis, order)
        for place, order in enumerate(names[: blocks * across])
        for row, axis in enumerate(axes_names)
    }
    return cells, names[blocks * across :]


def _shown(tables: LongTables) -> Shown:
    metrics = without_unscored(tables.metrics)
    sets = shown(metrics)
    sets = sets[sets["metric"].str.startswith("score_") & (sets["subset"] == "")]
    chance = tables.scores.groupby("probe")["chance"].max()
    sets = sets.assign(chance=sets["probe"].map(chance))
    means = []
    for line in lines(sets) if len(sets) else []:
        of_line = axis_means(metrics, line, without=(GENERAL,))
        first = sets[[other == line for other in sets["line"]]].iloc[0]
        run = {name: first[name] for name in ("model", "method", "order")}
        means.append(
            of_line.assign(**run, metric="axis_mean", probe="", line=[line] * len(of_line))
        )
    return Shown(pd.concat(means) if means else sets, sets, looks(tables.metrics))


def _draw_panel(axes: Axes, part: Shown) -> None:
    panel_lines = lines(part.sets) if len(part.sets) else []
    tasks = [line for line in panel_lines if not is_control(line)]
    chances = part.sets.drop_duplicates("probe")["chance"]
    if len(chances) and chances.notna().all():
        axes.axhline(chances.mean(), color="#555555", ls=":", lw=0.9, zorder=1)
    for line in panel_lines[::-1]:
        look = part.seen[line]
        sets = part.sets[[other == line for other in part.sets["line"]]]
        for _, one in sets.groupby("probe") if len(tasks) <= FEW and line in tasks else ():
            one = one.sort_values("stage_index")
            light = {"color": look.colour, "lw": 0.5, "alpha": 0.35, "label": BEHIND}
            axes.plot(one["stage_index"], one["value"], **light)
        means = part.means[[other == line for other in part.means["line"]]]
        style = {"ms": 3.2} if line in tasks else {"ms": 2.6, "lw": 1, "zorder": 2}
        banded = line in tasks and len(tasks) <= MANY
        draw_curve(axes, means, look, band=band_density(len(tasks)) * banded, **style)


def _name_stages(axes: Axes, sets: pd.DataFrame, order: str, with_words: bool) -> None:
    stages = sets.loc[sets["order"] == order, ["stage_index", "stage_task"]]
    stages = stages.drop_duplicates("stage_index").sort_values("stage_index")
    words = [tick_words(stage_words(task)) for task in stages["stage_task"]]
    axes.set_xticks(list(stages["stage_index"]), words if with_words else [])
    axes.set_xlim(-0.3, max(stages["stage_index"], default=1) + 0.3)


def _name_panel(axes: Axes, axis: str, order: str, place: tuple[int, int], part: Shown) -> None:
    metrics = [name.removeprefix("score_") for name in part.sets["metric"].unique()]
    measure = METRIC_WORDS.get(metrics[0], metrics[0]) if len(metrics) == 1 else "score"
    if not order:
        axes.set_title(axis)
        axes.set_ylabel(measure)
        return
    if place[1] == 0:
        axes.set_ylabel(f"{axis}\n{measure}")
    else:
        axes.tick_params(labelleft=False)
    if axis == sorted_axes(part.sets["axis"])[0] and place[0] == 0:
        axes.set_title(order)


def _share_limits(drawn: dict[tuple[str, str], Axes], all_shown: Shown) -> None:
    """The same limits for all panels of shares; for other measures, for all panels of an axis."""
    sets, means = all_shown.sets, all_shown.means
    for axis in {axis for axis, _ in drawn}:
        are_shares = _are_shares(sets[sets["axis"] == axis])
        alike = [name for name in sets["axis"].unique() if name == axis or are_shares
                 and _are_shares(sets[sets["axis"] == name])]  # fmt: skip
        of_alike = [rows[rows["axis"].isin(alike)] for rows in (sets, means)]
        ends = [of_alike[0]["value"], of_alike[0]["chance"]]
        ends += [of_alike[1][name] for name in ("low", "high")]
        low, high = limits(pd.concat(ends).to_numpy(float), 0.1)
        for (name, _), axes in drawn.items():
            if name == axis:
                axes.set_ylim((max(low, -0.03), min(high, 1.03)) if are_shares else (low, high))


def _are_shares(rows: pd.DataFrame) -> bool:
    return bool(rows["value"].dropna().between(0, 1).all())


def _handles(all_shown: Shown) -> list[Line2D]:
    seen = all_shown.seen
    by_label = {seen[line].label: seen[line] for line in lines(all_shown.sets)}
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, ls=look.stroke, label=label)
        for label, look in by_label.items()
    ]
    if all_shown.sets["chance"].notna().any():
        handles.append(Line2D([], [], color="#555555", ls=":", lw=0.9, label="chance"))
    if all_shown.means["value"].isna().any():
        style = {"color": "#222222", "marker": "x", "ls": "", "ms": 4, "mew": 1.0}
        handles.append(Line2D([], [], label="missing", **style))
    return handles


def _caption(all_shown: Shown, left_out: list[str]) -> str:
    means, sets = all_shown.means, all_shown.sets
    by_order = Counter(order_of(line) for line in lines(sets) if not is_control(line))
    count = max(by_order.values(), default=0)
    parts = ["Every axis after every stage. Lines: mean over the axis' evaluation sets."]
    if count <= MANY:
        parts.append(f"Bands: {lower_first(interval_words(means))}")
    if min(by_order.values(), default=0) <= FEW:
        parts.append(f"Thin: single sets, where an order has at most {FEW} lines.")
    parts.append("Stage 0 is the base model. Dotted: chance, mean over the sets.")
    if (means["axis"] == BIAS).any():
        parts.append(
            "Bias: share of minimal pairs whose stereotyped sentence is likelier; 0.5 is neutral."
        )
    if (means["axis"] == OWN).any():
        parts.append("Own: all tasks that are taught, each by its own metric.")
    if means["order"].str.startswith(CONTROL).any():
        parts.append(
            "Grey: the control, as many steps on general data; it is the same for every order and "
            "its stages are not the tasks below the axis."
        )
    if left_out:
        parts.append(f"No room for the orders {', '.join(left_out)}.")
    return " ".join([*parts, "The CSV has every set."])
