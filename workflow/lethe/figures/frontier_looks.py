"""How points of the frontier look, what its legend names, and who is grey where methods are many.

With more than MANY methods a legend of them all takes the page, and colours come again. Then plain
training and the methods nearest the top of a front have a colour and a name; all others are grey.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lethe.figures.appearance import CONTROL_COLOUR, FILLS, MARKERS, Look, point_looks
from lethe.figures.named_lines import NamedLine, name_lines, names_of
from lethe.metrics.shown import PLAIN

MANY = 10
"""Methods that are all named."""
NAMED = 4
"""Methods of the fronts that are named where there are more, besides plain training."""
PALE = "#C4C4C4"
"""Of the others."""
FRONT, INK = "#9A9A9A", "#222222"
DASHES, DOTS = (0, (4, 2)), (0, (1, 1.5))
PANEL = ["of", "kept", "model"]
Looks = dict[tuple[str, str], Look]
"""By model and method."""


def looks_of(points: pd.DataFrame, methods: Iterable[str] = ()) -> Looks:
    """A colour per method, whatever its recipe, and a marker per model.

    methods: of the whole study, whose colours are the same in its other figures.
    """
    named = named_methods(points)
    pairs = points[["model", "method"]].drop_duplicates()
    if named is None:
        return point_looks(pairs.itertuples(index=False, name=None), methods)
    models = list(dict.fromkeys(points["model"]))
    every = [*named, *methods]  # those with a name choose first: colours come again
    seen = point_looks(((model, method) for model in models for method in named), every)
    for model, method in pairs.itertuples(index=False, name=None):
        marker = MARKERS[models.index(model) % len(MARKERS)]
        seen.setdefault((model, method), Look(PALE, marker, "-", method))
    return seen


def named_methods(points: pd.DataFrame) -> list[str] | None:
    """Plain training, then at most NAMED methods of the fronts; None if all methods are named.

    Those nearest the top of any front come first: its point that keeps the most is at the top. On
    a front at equal learning only points that reach the level count, if there are any.
    """
    taught = points[~points["control"]]
    methods = set(taught["method"])
    if len(methods) <= MANY:
        return None
    heights: dict[str, int] = {}
    for _, part in taught[taught["on_front"]].groupby(PANEL, sort=False):
        if "level" in part and (reached := part["learned_value"] >= part["level"]).any():
            part = part[reached]  # who learns little keeps much, and is no example
        downwards = part.sort_values(["kept_value", "learned_value"], ascending=False)
        for height, method in enumerate(dict.fromkeys(downwards["method"])):
            heights[method] = min(height, heights.get(method, height))
    heights.pop(PLAIN, None)
    # Sorting is stable: of two at the same height that of the upper panel is first.
    best = sorted(heights, key=lambda method: heights[method])[:NAMED]
    return [*([PLAIN] if PLAIN in methods else []), *best]


def is_pale(look: Look) -> bool:
    """Whether it is of a method without a name."""
    return look.colour == PALE


def any_pale(seen: Looks) -> bool:
    """Whether some methods of the figure are without a name."""
    return any(is_pale(look) for look in seen.values())


def fills_of(points: pd.DataFrame) -> dict[str, str]:
    """How much of a marker is filled says which order, as far as several are in the figure."""
    families = _families(points)
    taught = dict.fromkeys(families[order] for order in points.loc[~points["control"], "order"])
    fills = {order: FILLS[place % len(FILLS)] for place, order in enumerate(taught)}
    return {order: fills.get(family, FILLS[0]) for order, family in families.items()}


def _families(points: pd.DataFrame) -> dict[str, str]:
    """By order, that of the most orders that are averaged where a model was taught all of them."""
    orders = dict.fromkeys(points["order"])
    most_first = sorted(orders, key=lambda order: -order.count(", "))
    members = {order: set(order.split(", ")) for order in most_first}
    return {
        order: next(other for other in most_first if members[order] <= members[other])
        for order in orders
    }


def chains(points: pd.DataFrame, words: list[str]) -> Iterable[tuple[tuple, pd.DataFrame]]:
    """The points that a thin line joins, by words; a method may have several curves of rates."""
    joined = points[points["place"] > 0].sort_values("place", kind="stable")
    groups = joined.groupby([*words, *_curve(points)], sort=False, dropna=False)
    return [(words, part) for words, part in groups if len(part) > 1]


def _curve(points: pd.DataFrame) -> list[str]:
    return [name for name in ("curve",) if name in points]


def named_lines(points: pd.DataFrame, seen: Looks) -> list[tuple[str, pd.DataFrame]]:
    """(Name, points) of every line of one model that has a colour.

    A method may have several, that differ by order or by more of the recipe than its rate: then its
    first and its last recipe say which.
    """
    keys = ["control", "method", "order", *_curve(points)]
    coloured = [
        not is_pale(seen[row]) for row in zip(points["model"], points["method"], strict=True)
    ]
    ordered = points[coloured].sort_values("place", kind="stable")
    parts = [part for _, part in ordered.groupby(keys, sort=False, dropna=False)]
    words = [
        (part["order"].iloc[0], "", "") if part["control"].iloc[0]
        else (part["method"].iloc[0], part["order"].iloc[0], _ends(part["recipe"]))
        for part in parts
    ]  # fmt: skip
    return list(zip(names_of(words), parts, strict=True))


def _ends(recipes: pd.Series) -> str:
    return " → ".join(dict.fromkeys([recipes.iloc[0], recipes.iloc[-1]]))


def joined_recipes(points: pd.DataFrame) -> list[str]:
    """The recipes along each kind of thin line, with arrows between them."""
    every = (tuple(dict.fromkeys(part["recipe"])) for _, part in chains(points, PANEL[2:]))
    return [" → ".join(chain) for chain in dict.fromkeys(every)]


def name_panels(figure: Figure, panels: np.ndarray, blocks: list, seen: Looks) -> None:
    """Names beside the lines that have a colour, where most have none."""
    figure.draw_without_rendering()  # names need the final layout
    shown_panels = [axes for axes in panels.flat if axes.get_visible()]
    parts = [part[part["model"] == m] for _, part in blocks for m in dict.fromkeys(part["model"])]
    at = ["learned_value", "kept_value"]
    for axes, part in zip(shown_panels, parts, strict=True):
        named = [
            NamedLine(words, _colour(line, seen), line[at].to_numpy(float))
            for words, line in named_lines(part, seen)
        ]
        pale = [is_pale(seen[row]) for row in zip(part["model"], part["method"], strict=True)]
        name_lines(axes, named, part.loc[pale, at].to_numpy(float))


def _colour(line: pd.DataFrame, seen: Looks) -> str:
    first = line.iloc[0]
    return CONTROL_COLOUR if first["control"] else seen[first["model"], first["method"]].colour


def handles(points: pd.DataFrame, seen: Looks, fills: dict[str, str], base: bool) -> list[Line2D]:
    """The legend's entries. base: whether a cross shows the base.

    Where methods are many, a caption has the words of the thin lines, which are long.
    """
    taught = points[~points["control"]]
    found = taught[["model", "method"]].drop_duplicates().itertuples(index=False, name=None)
    colours = {method: seen[model, method].colour for model, method in found}
    entries = [Line2D([], [], color=colour, lw=3, label=name)
               for name, colour in colours.items() if colour != PALE]  # fmt: skip
    orders = dict.fromkeys(_families(taught).values())
    for order in orders if len(orders) > 1 else ():
        style = {"fillstyle": fills[order], "markerfacecoloralt": "white", "ls": "", "ms": 4.5}
        entries.append(Line2D([], [], marker="o", color=INK, label=order, **style))
    for order in dict.fromkeys(points.loc[points["control"], "order"]):
        entries.append(Line2D([], [], marker="o", ls="", color=CONTROL_COLOUR, label=order))
    for words in () if any_pale(seen) else joined_recipes(points):
        entries.append(Line2D([], [], color=INK, lw=0.7, label=words))
    if base:
        entries.append(Line2D([], [], marker="+", ls="", color=INK, label="before any stage"))
    for level in points["level"].dropna().unique() if "level" in points else ():
        entries.append(Line2D([], [], color=INK, lw=0.9, ls=DOTS, label=f"L* = {level:g} %"))
    if points["on_front"].sum() > points.loc[points["on_front"], "model"].nunique():
        entries.append(Line2D([], [], color=FRONT, lw=0.9, ls=DASHES, label="front"))
    return entries
