"""Kept against learned: a point for every method and recipe, and the front that none is beyond."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import CONTROL_COLOUR, FILLS, Look, point_looks
from lethe.figures.drawing import (
    Drawn,
    columns_that_fit,
    draw_interval,
    empty,
    legend,
    limits,
    new_figure,
)
from lethe.figures.equal_points import EQUAL, EQUAL_DOMAINS, equal_points
from lethe.figures.frontier_words import (
    GENERAL,
    KEYS,
    OLD,
    TITLE,
    caption,
    without,
    without_shares,
)
from lethe.figures.marks import mark_style
from lethe.longtables.axes import END_TASK, OWN
from lethe.longtables.tables import LongTables
from lethe.metrics.learning_curves import Curve, curves, level_of
from lethe.metrics.methods import OWN_BASE, OWN_END
from lethe.metrics.shown import shown
from lethe.tables.method_lines import MethodLine, method_lines

KEPT = {
    EQUAL: "general ability kept,\n% above chance",
    EQUAL_DOMAINS: "earlier domains kept,\n% of what was learned",
    (OWN, GENERAL): "general ability,\npoints from base",
    (OWN, OLD): "old tasks, points\nsince learned",
    (END_TASK, OLD): "old end tasks, points\nsince learned",
}
"""What is kept, by the sets that are learned and the measure."""
LEARNED = {
    EQUAL[0]: "learned, % of alone at 4 times the steps",
    EQUAL_DOMAINS[0]: "learned, % of alone at 4 times the steps",
    OWN: "own tasks, points",
    END_TASK: "end tasks, points",
}
SHARES = (EQUAL, EQUAL_DOMAINS)
BASE_IS_SHOWN = ((OWN, GENERAL), (END_TASK, OLD))
"""Where the base is a point: it keeps everything, and of old tasks it has learned none."""
PANEL = (1.4, 1.6)
LEAST = 10.0  # points that an axis spans at least, so that tiny differences look tiny
FRONT, INK = "#9A9A9A", "#222222"
DASHES, DOTS = (0, (4, 2)), (0, (1, 1.5))
ENDS = ["value", "low", "high"]


def draw(tables: LongTables, width: str = "text") -> Drawn:
    """A block of panels for each thing that may be kept, in it a panel per model."""
    found = method_lines(tables)
    rates = curves(tables)
    # Where rates are known they are in their order, else recipes are in that of the study.
    listed = [name for curve in rates for name in curve.recipes]
    recipes = list(dict.fromkeys([*listed, *tables.scores["recipe"]]))
    every = frontier_points(found, recipes)
    level = level_of(tables)
    points = with_equal_learning(every, rates, level)
    blocks = [(kind, part) for kind in KEPT if len(part := _of_kind(points, kind))]
    if not blocks:
        words = "No chain of which it is known what it learned and what it kept: name a set of the "
        return empty(TITLE, words + "axis `own`, or `end_tasks`, and an order of several stages.")
    seen, fills = _looks(points), _fills(points)
    most = max(part["model"].nunique() for _, part in blocks)
    across = columns_that_fit(width, most, PANEL[0])
    across = -(-most // -(-most // across))  # four models are two by two, not three and one
    down = [-(-part["model"].nunique() // across) for _, part in blocks]
    figure = new_figure(width, 0.3 + sum(down) * PANEL[1])
    legend(figure, _handles(points, seen, fills))
    panels = figure.subplots(sum(down), across, squeeze=False)
    for place, (kind, part) in enumerate(blocks):
        of_block = panels[sum(down[:place]) : sum(down[: place + 1])]
        _draw_block(of_block, kind, part, seen, fills)
    plotted = points.sort_values(["of", "kept", "model"], kind="stable")
    over = shown(tables.metrics, ["la", GENERAL, OLD])
    words = f"{caption(points, over)}{without_shares(points, level)}{without(found, every)}"
    return Drawn(figure, plotted, words)


def with_equal_learning(
    points: pd.DataFrame, rates: list[Curve], level: float | None
) -> pd.DataFrame:
    """With reference chains, shares learned and kept take the place of points of general ability.

    level: L*; None without reference chains.
    """
    equal = pd.DataFrame() if level is None else equal_points(rates, level)
    if not len(equal):
        return points
    groups = equal.groupby(["model", "of"], sort=False)
    on_front = [place for _, part in groups for place in part.index[front(part)]]
    equal = equal.assign(on_front=equal.index.isin(on_front))
    is_replaced = None
    if len(points) and (equal["of"] == EQUAL[0]).any():
        is_replaced = (points["of"] == OWN) & (points["kept"] == GENERAL)
    rest = points if is_replaced is None else points[~is_replaced]
    return pd.concat([equal, rest], ignore_index=True)


def frontier_points(found: Iterable[MethodLine], recipes: list[str]) -> pd.DataFrame:
    """A row per line and thing that it may keep, if both are known, in points with intervals.

    learned: `la`, of a control the own tasks after its last stage, though no stage taught them.
    place: of the recipe in the study's list, from 1; 0 if the method has one. on_front: no other
    line of the model is beyond it.
    """
    rows = []
    for line in found:
        for kind in KEPT:
            learned, kept = line.number(OWN_END if line.is_control else "la"), line.number(kind[1])
            if line.of != kind[0] or np.isnan(learned[0]) or np.isnan(kept[0]):
                continue
            row = {"model": line.model, "method": line.method, "recipe": line.recipe}
            row |= {"order": line.order, "of": line.of, "kept": kind[1]}
            row |= {"control": line.is_control, "base": line.number(OWN_BASE)[0]}
            row |= {f"learned_{end}": x for end, x in zip(ENDS, learned, strict=True)}
            row |= {f"kept_{end}": x for end, x in zip(ENDS, kept, strict=True)}
            rows.append(row | {"interval_over": line.over, "items": line.items})
    if not rows:
        return pd.DataFrame()
    frame = pd.DataFrame(rows)
    one_method = [frame[name] for name in ("model", "method", "order", "of", "kept")]
    several = frame.groupby(one_method)["recipe"].transform("nunique") > 1
    places = frame["recipe"].map({name: place for place, name in enumerate(recipes, start=1)})
    groups = frame[~frame["control"]].groupby(["model", "of", "kept"], sort=False)
    on_front = [place for _, part in groups for place in part.index[front(part)]]
    return frame.assign(place=places.where(several, 0), on_front=frame.index.isin(on_front))


def front(part: pd.DataFrame) -> np.ndarray:
    """Which points no other one is beyond, that is at least equal in both and better in one."""
    learned, kept = part["learned_value"].to_numpy(), part["kept_value"].to_numpy()
    beyond = (learned[None] >= learned[:, None]) & (kept[None] >= kept[:, None])
    better = (learned[None] > learned[:, None]) | (kept[None] > kept[:, None])
    return ~(beyond & better).any(axis=1)


def _of_kind(points: pd.DataFrame, kind: tuple[str, str]) -> pd.DataFrame:
    if not len(points):
        return points
    part = points[(points["of"] == kind[0]) & (points["kept"] == kind[1])]
    return part if not part["control"].all() else part[:0]


def _draw_block(panels: np.ndarray, kind: tuple[str, str], part, seen, fills) -> None:
    """The panels of one kind share their limits, so that models are compared."""
    models = list(dict.fromkeys(part["model"]))
    base = part["base"] if kind in BASE_IS_SHOWN else []
    across = limits([*part.filter(like="learned_").to_numpy(float).ravel(), *base], LEAST)
    # Shares are far from 0 where little is forgotten; changes are read against it.
    up = limits(part.filter(like="kept_").to_numpy(float).ravel(), LEAST, zero=kind not in SHARES)
    for place, axes in enumerate(panels.flat):
        if place >= len(models):
            axes.set_visible(False)
            continue
        axes.set_xlim(across)
        axes.set_ylim(up)
        axes.grid(True, axis="both")
        axes.set_title(models[place])
        of_model = part[part["model"] == models[place]]
        if kind in BASE_IS_SHOWN:
            axes.plot([of_model["base"].iloc[0]], [0], "+", color=INK, ms=7, mew=1.2, zorder=4)
        if kind in SHARES:
            axes.axvline(of_model["level"].iloc[0], color=INK, lw=0.9, ls=DOTS, zorder=1.5)
        _draw_panel(axes, of_model, seen, fills)
        below = place + panels.shape[1] < len(models)
        axes.tick_params(labelleft=place % panels.shape[1] == 0, labelbottom=not below)
        axes.set_xlabel("" if below else LEARNED[kind[0]])
    for axes in panels[:, 0]:
        axes.set_ylabel(KEPT[kind])


def _draw_panel(axes: Axes, part: pd.DataFrame, seen: dict, fills: dict[str, str]) -> None:
    axes.axhline(0, color="#444444", lw=0.8, zorder=1)
    _draw_front(axes, part[part["on_front"]].sort_values("learned_value"))
    for (method, *_), chain in _chains(part, ["method", "order"]):
        is_grey = chain["control"].all()
        colour = CONTROL_COLOUR if is_grey else seen[chain["model"].iloc[0], method].colour
        _join(axes, chain.sort_values("place"), colour)
    for row in part.to_dict("records"):
        _draw_point(axes, row, seen[row["model"], row["method"]], fills[row["order"]])


def _chains(points: pd.DataFrame, words: list[str]) -> Iterable[tuple[tuple, pd.DataFrame]]:
    """The points that a thin line joins, by words; a method may have several curves of rates."""
    curve = [name for name in ("curve",) if name in points]
    chains = points[points["place"] > 0].sort_values("place", kind="stable")
    return chains.groupby([*words, *curve], sort=False, dropna=False)


def _draw_front(axes: Axes, best: pd.DataFrame) -> None:
    """Steps through the best points: what lies below and left of them is not beyond."""
    if len(best) < 2:
        return
    x, y = best["learned_value"].to_numpy(), best["kept_value"].to_numpy()
    axes.step(x, y, where="pre", color=FRONT, lw=0.9, ls=DASHES, zorder=1.5)


def _join(axes: Axes, chain: pd.DataFrame, colour: str) -> None:
    """A thin line through the recipes of one method, with an arrow to the last of them."""
    places = list(chain[["learned_value", "kept_value"]].itertuples(index=False, name=None))
    axes.plot(*zip(*places, strict=True), color=colour, lw=0.7, zorder=2)
    arrow = {"arrowstyle": "-|>", "lw": 0, "color": colour, "shrinkB": 2.5, "mutation_scale": 7}
    axes.annotate("", places[-1], places[-2], arrowprops=arrow, zorder=2)


def _draw_point(axes: Axes, row: dict, look: Look, fill: str) -> None:
    x, y = row["learned_value"], row["kept_value"]
    look = replace(look, colour=CONTROL_COLOUR) if row["control"] else look
    learned, kept = (
        {end: row[f"{name}_{end}"] for end in ("low", "high")} for name in ("learned", "kept")
    )
    draw_interval(axes, y, learned, look.colour, across=True, alpha=0.6, lw=1.0)
    draw_interval(axes, x, kept, look.colour, alpha=0.6, lw=1.0)
    axes.plot([x], [y], ls="", zorder=3, **mark_style(look, fill))


def _looks(points: pd.DataFrame) -> dict[tuple[str, str], Look]:
    """A colour per method, whatever its recipe, and a marker per model."""
    pairs = points[["model", "method"]].drop_duplicates()
    return point_looks(pairs.itertuples(index=False, name=None))


def _families(points: pd.DataFrame) -> dict[str, str]:
    """By order, that of the most orders that are averaged where a model was taught all of them."""
    orders = dict.fromkeys(points["order"])
    most_first = sorted(orders, key=lambda order: -order.count(", "))
    members = {order: set(order.split(", ")) for order in most_first}
    return {
        order: next(other for other in most_first if members[order] <= members[other])
        for order in orders
    }


def _fills(points: pd.DataFrame) -> dict[str, str]:
    """How much of a marker is filled says which order, as far as several are in the figure."""
    families = _families(points)
    taught = dict.fromkeys(families[order] for order in points.loc[~points["control"], "order"])
    fills = {order: FILLS[place % len(FILLS)] for place, order in enumerate(taught)}
    return {order: fills.get(family, FILLS[0]) for order, family in families.items()}


def _handles(points: pd.DataFrame, seen: dict, fills: dict[str, str]) -> list[Line2D]:
    methods = {row["method"]: seen[row["model"], row["method"]].colour
               for row in points[~points["control"]].to_dict("records")}  # fmt: skip
    handles = [Line2D([], [], color=colour, lw=3, label=name) for name, colour in methods.items()]
    families = _families(points[~points["control"]])
    orders = dict.fromkeys(families.values())
    for order in orders if len(orders) > 1 else ():
        style = {"fillstyle": fills[order], "markerfacecoloralt": "white", "ls": "", "ms": 4.5}
        handles.append(Line2D([], [], marker="o", color=INK, label=order, **style))
    for order in dict.fromkeys(points.loc[points["control"], "order"]):
        handles.append(Line2D([], [], marker="o", ls="", color=CONTROL_COLOUR, label=order))
    for chain in dict.fromkeys(
        tuple(dict.fromkeys(part["recipe"])) for _, part in _chains(points, KEYS[:2])
    ):
        handles.append(Line2D([], [], color=INK, lw=0.7, label=" → ".join(chain)))
    if points[["of", "kept"]].apply(tuple, axis=1).isin(BASE_IS_SHOWN).any():
        handles.append(Line2D([], [], marker="+", ls="", color=INK, label="before any stage"))
    for level in points["level"].dropna().unique() if "level" in points else ():
        handles.append(Line2D([], [], color=INK, lw=0.9, ls=DOTS, label=f"L* = {level:g} %"))
    if points["on_front"].sum() > points.loc[points["on_front"], "model"].nunique():
        handles.append(Line2D([], [], color=FRONT, lw=0.9, ls=DASHES, label="front"))
    return handles
