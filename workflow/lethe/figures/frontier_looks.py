"""How points of the frontier look, what its legend names, and who is grey where methods are many.

With more than MANY methods a legend of them all takes the page, and colours come again. Then plain
training and the methods nearest the top of a front have a colour and a name; all others are grey.
"""

from collections.abc import Iterable

import pandas as pd
from matplotlib.lines import Line2D

from lethe.figures.appearance import CONTROL_COLOUR, FILLS, MARKERS, Look, point_looks
from lethe.metrics.shown import PLAIN

MANY = 10
"""Methods that are all named."""
NAMED = 8
"""Methods of the fronts that are named where there are more, besides plain training."""
PALE = "#C4C4C4"
"""Of the others."""
FRONT, INK = "#9A9A9A", "#222222"
DASHES, DOTS = (0, (4, 2)), (0, (1, 1.5))
PANEL = ["of", "kept", "model"]
Looks = dict[tuple[str, str], Look]
"""By model and method."""


def looks_of(points: pd.DataFrame) -> Looks:
    """A colour per method, whatever its recipe, and a marker per model."""
    named = named_methods(points)
    pairs = points[["model", "method"]].drop_duplicates()
    if named is None:
        return point_looks(pairs.itertuples(index=False, name=None))
    models = list(dict.fromkeys(points["model"]))
    seen = point_looks((model, method) for model in models for method in named)
    for model, method in pairs.itertuples(index=False, name=None):
        marker = MARKERS[models.index(model) % len(MARKERS)]
        seen.setdefault((model, method), Look(PALE, marker, "-", method))
    return seen


def named_methods(points: pd.DataFrame) -> list[str] | None:
    """Plain training, then at most NAMED methods of the fronts; None if all methods are named.

    Those nearest the top of any front come first: its point that keeps the most is at the top.
    """
    taught = points[~points["control"]]
    methods = set(taught["method"])
    if len(methods) <= MANY:
        return None
    heights: dict[str, int] = {}
    for _, part in taught[taught["on_front"]].groupby(PANEL, sort=False):
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
    curve = [name for name in ("curve",) if name in points]
    joined = points[points["place"] > 0].sort_values("place", kind="stable")
    return joined.groupby([*words, *curve], sort=False, dropna=False)


def joined_recipes(points: pd.DataFrame) -> list[str]:
    """The recipes along each kind of thin line, with arrows between them."""
    every = (tuple(dict.fromkeys(part["recipe"])) for _, part in chains(points, PANEL[2:]))
    return [" → ".join(chain) for chain in dict.fromkeys(every)]


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
