"""Kept against learned: a point for every method and recipe, and the front that none is beyond."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lethe.figures.appearance import CONTROL_COLOUR, Look, method_names
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
from lethe.figures.frontier_looks import (
    DASHES,
    DOTS,
    FRONT,
    INK,
    Looks,
    any_pale,
    chains,
    fills_of,
    handles,
    is_pale,
    looks_of,
    name_panels,
)
from lethe.figures.frontier_words import (
    GENERAL,
    OLD,
    TITLE,
    caption,
    unnamed,
    without,
    without_shares,
)
from lethe.figures.marks import mark_style
from lethe.figures.spread import WORDS as SPREAD
from lethe.figures.spread import crowded_end, spread
from lethe.figures.squeezed import WORDS as SQUEEZED
from lethe.figures.squeezed import empty_stretch, squeeze
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
HIGH = 2.6
"""Inches of a panel where methods are many."""
OF_POINT = ["model", "method", "recipe", "order"]
LEAST = 10.0  # points that an axis spans at least, so that tiny differences look tiny
BEST = 100.0  # points: no score is above it
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
    seen, fills = looks_of(points, method_names(tables.metrics)), fills_of(points)
    most = max(part["model"].nunique() for _, part in blocks)
    across = columns_that_fit(width, most, PANEL[0])
    across = -(-most // -(-most // across))  # four models are two by two, not three and one
    down = [-(-part["model"].nunique() // across) for _, part in blocks]
    figure = new_figure(width, 0.3 + sum(down) * (HIGH if any_pale(seen) else PANEL[1]))
    has_base = points[["of", "kept"]].apply(tuple, axis=1).isin(BASE_IS_SHOWN).any()
    legend(figure, handles(points, seen, fills, has_base))
    panels = figure.subplots(sum(down), across, squeeze=False)
    for place, (kind, part) in enumerate(blocks):
        of_block = panels[sum(down[:place]) : sum(down[: place + 1])]
        _draw_block(of_block, kind, part, seen, fills)
    if any_pale(seen):
        name_panels(figure, panels, blocks, seen)
    plotted = points.sort_values(["of", "kept", "model"], kind="stable")
    over = shown(tables.metrics, ["la", GENERAL, OLD])
    squeezed = SQUEEZED if any(_stretch(part, kind) for kind, part in blocks) else ""
    squeezed += SPREAD if any(_end(part, kind, seen) for kind, part in blocks) else ""
    rest = f"{squeezed}{without_shares(points, level)}{without(found, every)}"
    return Drawn(figure, plotted, f"{caption(points, over)}{unnamed(points, seen)}{rest}")


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
    if len(rest):
        # Old tasks are joined along the same curves, so that no line leads from one to another.
        numbers = equal.set_index(OF_POINT)["curve"].to_dict()
        keys = rest[OF_POINT].itertuples(index=False, name=None)
        rest = rest.assign(curve=[numbers.get(key, np.nan) for key in keys])
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
    across = _across(part, kind)
    # Shares are far from 0 where little is forgotten; changes are read against it.
    up = limits(part.filter(like="kept_").to_numpy(float).ravel(), LEAST, zero=kind not in SHARES)
    stretch, end = _stretch(part, kind), _end(part, kind, seen)
    for place, axes in enumerate(panels.flat):
        if place >= len(models):
            axes.set_visible(False)
            continue
        axes.set_xlim(across)
        if stretch:
            squeeze(axes, stretch, across)
        if end is not None:
            spread(axes, end, across[0], np.nanmax(_learned(part, kind)))
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


def _learned(part: pd.DataFrame, kind: tuple[str, str]) -> list[float]:
    """All that a block shows from left to right."""
    base = part["base"] if kind in BASE_IS_SHOWN else []
    return [*part.filter(like="learned_").to_numpy(float).ravel(), *base]


def _across(part: pd.DataFrame, kind: tuple[str, str]) -> tuple[float, float]:
    return limits(_learned(part, kind), LEAST, most=BEST)


def _stretch(part: pd.DataFrame, kind: tuple[str, str]) -> tuple[float, float] | None:
    """What is empty where all learn alike, far from what the base can."""
    return empty_stretch(_learned(part, kind), _across(part, kind), LEAST / 2)


def _end(part: pd.DataFrame, kind: tuple[str, str], seen: Looks) -> float | None:
    """Where the right end begins that is spread, if methods are many and most learn alike."""
    if not any_pale(seen) or _stretch(part, kind):
        return None
    return crowded_end(part["learned_value"].to_list(), _learned(part, kind))


def _draw_panel(axes: Axes, part: pd.DataFrame, seen: dict, fills: dict[str, str]) -> None:
    axes.axhline(0, color="#444444", lw=0.8, zorder=1)
    _draw_front(axes, part[part["on_front"]].sort_values("learned_value"))
    for (method, *_), chain in chains(part, ["method", "order"]):
        look = seen[chain["model"].iloc[0], method]
        look = replace(look, colour=CONTROL_COLOUR) if chain["control"].all() else look
        _join(axes, chain.sort_values("place"), look)
    for row in part.to_dict("records"):
        _draw_point(axes, row, seen[row["model"], row["method"]], fills[row["order"]])


def _draw_front(axes: Axes, best: pd.DataFrame) -> None:
    """Steps through the best points: what lies below and left of them is not beyond."""
    if len(best) < 2:
        return
    x, y = best["learned_value"].to_numpy(), best["kept_value"].to_numpy()
    axes.step(x, y, where="pre", color=FRONT, lw=0.9, ls=DASHES, zorder=1.5)


def _join(axes: Axes, chain: pd.DataFrame, look: Look) -> None:
    """A thin line through the recipes of one method, with an arrow to the last of them."""
    places = list(chain[["learned_value", "kept_value"]].itertuples(index=False, name=None))
    if is_pale(look):
        axes.plot(*zip(*places, strict=True), color=look.colour, lw=0.4, alpha=0.6, zorder=1.2)
        return
    axes.plot(*zip(*places, strict=True), color=look.colour, lw=0.7, zorder=2)
    arrow = {"arrowstyle": "-|>", "lw": 0, "color": look.colour, "shrinkB": 2.5}
    axes.annotate("", places[-1], places[-2], arrowprops=arrow | {"mutation_scale": 7}, zorder=2)


def _draw_point(axes: Axes, row: dict, look: Look, fill: str) -> None:
    x, y = row["learned_value"], row["kept_value"]
    look = replace(look, colour=CONTROL_COLOUR) if row["control"] else look
    if is_pale(look):
        axes.plot([x], [y], ls="", zorder=1.3, **(mark_style(look, fill) | {"ms": 2.0}))
        return
    learned, kept = (
        {end: row[f"{name}_{end}"] for end in ("low", "high")} for name in ("learned", "kept")
    )
    draw_interval(axes, y, learned, look.colour, across=True, alpha=0.6, lw=1.0)
    draw_interval(axes, x, kept, look.colour, alpha=0.6, lw=1.0)
    axes.plot([x], [y], ls="", zorder=3, **mark_style(look, fill))
