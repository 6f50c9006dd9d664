"""The frontier on a page: kept against learned, a chart for each thing kept and model."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from lethe.figures.appearance import CONTROL_COLOUR
from lethe.figures.frontier import (
    BASE_IS_SHOWN,
    KEPT,
    LEARNED,
    LEAST,
    SHARES,
    frontier_points,
    with_equal_learning,
)
from lethe.figures.frontier_looks import (
    FILLS,
    Looks,
    any_pale,
    chains,
    fills_of,
    is_pale,
    looks_of,
    named_lines,
)
from lethe.figures.frontier_words import DASHED, caption, unnamed
from lethe.figures.spread import ROOM, crowded_end
from lethe.figures.spread import WORDS as SPREAD
from lethe.longtables.tables import LongTables
from lethe.metrics.learning_curves import Curve, curves, level_of
from lethe.metrics.shown import shown
from lethe.report.charts import Panel, limits
from lethe.tables.heads import head
from lethe.tables.method_lines import MethodLine

MOST_NAMES = 9
"""Points of a chart that have their names beside them; others are found by colour and pointer."""


BASE_WORDS = " The small grey point at 0: the model before any stage."


@dataclass(frozen=True)
class Chart:
    """A chart with its heading."""

    heading: str
    svg: Markup


@dataclass(frozen=True)
class Key:
    """An entry of a legend. dashes: of its line, None for a whole one."""

    colour: str
    name: str
    dashes: str | None = None


@dataclass(frozen=True)
class Charts:
    """Charts under one legend, and their caption; of_lines: whether its keys are lines."""

    charts: list[Chart]
    legend: list[Key]
    caption: str
    of_lines: bool = False


def points_of(tables: LongTables, found: list[MethodLine]) -> tuple[pd.DataFrame, list[Curve]]:
    """The points of the figure `frontier`, and the curves of rates that some of them lie on."""
    rates = curves(tables)
    listed = [name for curve in rates for name in curve.recipes]
    recipes = list(dict.fromkeys([*listed, *tables.scores["recipe"]]))
    every = frontier_points(found, recipes)
    return with_equal_learning(every, rates, level_of(tables)), rates


def frontier(
    tables: LongTables, points: pd.DataFrame, methods: Iterable[str] = ()
) -> Charts | None:
    """The charts; None where no model has two lines of which both learned and kept are known.

    methods: of the whole study, so that they have one colour in all charts of a page.
    """
    if not len(points) or points["control"].all():
        return None
    seen, fills = looks_of(points, methods), fills_of(points)
    drawn = []
    for kind in KEPT:
        of_kind = points[(points["of"] == kind[0]) & (points["kept"] == kind[1])]
        for model in _with_several(of_kind):
            part = of_kind[of_kind["model"] == model]
            drawn.append(Chart(f"{model}: {_words(KEPT[kind])}", _panel(kind, part, seen, fills)))
    if not drawn:
        return None
    taught = points[~points["control"]]
    colours = {
        method: seen[model, method]
        for model, method in taught[["model", "method"]].itertuples(index=False, name=None)
    }
    legend = [Key(look.colour, name) for name, look in colours.items() if not is_pale(look)]
    pale = [look.colour for look in colours.values() if is_pale(look)]
    legend += [Key(pale[0], f"{len(pale)} other methods")] if pale else []
    if points["control"].any():
        legend.append(Key(CONTROL_COLOUR, "control"))
    named = ("la", "delta_general", "bwt_gem")
    words = caption(points, shown(tables.metrics, named))
    for name in named:
        words = re.sub(rf"\b{name}\b", head(name), words)
    if not any("front" in chart.svg for chart in drawn):
        words = words.replace(DASHED, "")
    words += _alone(points)
    words += unnamed(points, seen)
    words += _filled(fills)
    words += BASE_WORDS if any("before any stage" in chart.svg for chart in drawn) else ""
    words += SPREAD if any("rect" in chart.svg for chart in drawn) else ""
    return Charts(drawn, legend, words)


def _with_several(points: pd.DataFrame) -> list[str]:
    """The models that were trained in more than one way: one point alone is no frontier."""
    taught = points[~points["control"]]
    counts = taught.groupby("model", sort=False).size() if len(taught) else {}
    return [str(model) for model, count in dict(counts).items() if count > 1]


def _alone(points: pd.DataFrame) -> str:
    """Which models have no chart, as they were trained in one way."""
    taught = points.loc[~points["control"], "model"].unique()
    alone = [model for model in taught if model not in _with_several(points)]
    return f" Without a chart, as trained in one way alone: {', '.join(alone)}." if alone else ""


def _filled(fills: dict[str, str]) -> str:
    """Which orders have a filled and which a hollow point, where there are both."""
    filled = [order for order, fill in fills.items() if fill == FILLS[0]]
    hollow = [order for order in fills if order not in filled]
    if not hollow:
        return ""
    return f" Filled points: {'; '.join(filled)}. Hollow points: {'; '.join(hollow)}."


def _words(label: str) -> str:
    return label.replace("\n", " ")


def _panel(kind: tuple[str, str], part: pd.DataFrame, seen: Looks, fills: dict) -> Markup:
    base = float(part["base"].iloc[0])
    has_base = kind in BASE_IS_SHOWN
    across = [*part.filter(like="learned_").to_numpy(float).ravel(), *([base] if has_base else [])]
    up = part.filter(like="kept_").to_numpy(float).ravel()
    x, knee = limits(across, LEAST), _knee(part, across, seen)
    if knee is not None:
        high = float(np.nanmax(across))
        x = x[0], high + ROOM * (high - knee)
    panel = Panel(
        x=x,
        y=limits(up, LEAST, with_zero=kind not in SHARES),
        x_words=f"learned: {LEARNED[kind[0]].removeprefix('learned, ')}",
        y_words="kept, %" if kind in SHARES else "change, points (0: all is kept)",
        height=290.0,
        knee=knee,
    )
    if panel.y[0] < 0 < panel.y[1]:
        panel.level(0.0)
    if kind in SHARES:
        panel.level(float(part["level"].iloc[0]), is_upright=True, class_="target")
    _front(panel, part[part["on_front"]].sort_values("learned_value"))
    for (method, *_), chain in chains(part, ["method", "order"]):
        look = seen[chain["model"].iloc[0], method]
        places = list(chain[["learned_value", "kept_value"]].itertuples(index=False, name=None))
        panel.line(places, look.colour, class_="pale" if is_pale(look) else "thin")
        if not is_pale(look):
            panel.arrow(*places[-2:], look.colour)
    # Those with a colour lie above the others.
    rows = part.to_dict("records")
    rows.sort(key=lambda row: not is_pale(seen[row["model"], row["method"]]))
    for row in rows:
        _point(panel, row, seen, fills)
    if has_base:
        panel.point((base, 0.0), "#5b6570", f"before any stage: {base:.1f}", size=3.0)
    named = _named(part, seen)
    if len(named) <= MOST_NAMES:
        panel.labels(named)
    return panel.svg()


def _knee(part: pd.DataFrame, across: list[float], seen: Looks) -> float | None:
    """Where the right end begins that is spread, as in the figure."""
    if not any_pale(seen):
        return None
    return crowded_end(part["learned_value"].to_list(), across)


def _front(panel: Panel, best: pd.DataFrame) -> None:
    """Steps through the best points: what lies below and left of them is not beyond."""
    if len(best) < 2:
        return
    x, y = best["learned_value"].to_numpy(), best["kept_value"].to_numpy()
    corners = [(x[0], y[0])]
    for place in range(1, len(x)):
        corners += [(x[place - 1], y[place]), (x[place], y[place])]
    panel.line(corners, "#9a9a9a", class_="front")


def _point(panel: Panel, row: dict, seen: Looks, fills: dict[str, str]) -> None:
    look = seen[row["model"], row["method"]]
    colour = CONTROL_COLOUR if row["control"] else look.colour
    at = row["learned_value"], row["kept_value"]
    if is_pale(look):
        panel.point(at, colour, _said(row), size=2.5)
        return
    ends = [(row[f"{name}_low"], row[f"{name}_high"]) for name in ("learned", "kept")]
    panel.bars(at, *ends, colour)
    panel.point(at, colour, _said(row), fill=fills[row["order"]] == FILLS[0])


def _said(row: dict) -> str:
    """What a point says when the pointer is over it."""
    numbers = (
        f"{name} {row[f'{name}_value']:.1f}{_interval(row[f'{name}_low'], row[f'{name}_high'])}"
        for name in ("learned", "kept")
    )
    recipe = f", {row['recipe']}" if row["place"] else ""
    return f"{row['method']}, {row['order']}{recipe}: {', '.join(numbers)}"


def _interval(low: float, high: float) -> str:
    return "" if np.isnan(low) else f" [{low:.1f}, {high:.1f}]"


def _named(part: pd.DataFrame, seen: Looks) -> list[tuple[tuple[float, float], str]]:
    """A name beside the first point of each line that has a colour."""
    return [
        ((float(line["learned_value"].iloc[0]), float(line["kept_value"].iloc[0])), words)
        for words, line in named_lines(part, seen)
    ]
