"""The caption of the frontier, and what says which lines have no point in it."""

from collections.abc import Iterable

import pandas as pd

from lethe.figures.drawing import lower_first
from lethe.figures.equal_points import KEPT_WORDS, equal_caption
from lethe.figures.frontier_looks import NAMED, Looks, is_pale, joined_recipes
from lethe.longtables.axes import END_TASK, OWN
from lethe.metrics.shown import interval_words
from lethe.tables.method_lines import MethodLine

TITLE = "Kept against learned"
GENERAL, OLD = "delta_general", "bwt_gem"
KEYS = ["model", "method", "recipe", "order"]
DASHED = "Dashed: the front, points that no other one of the model is beyond. "
IN_POINTS = (
    "ight: learned, each task right after its own stage (la, mean over tasks). Up: kept, the change"
)
OF_GENERAL = " of general ability from the base to the last stage (delta_general), or"
OF_OLD = " of earlier tasks from their own stage to the last (bwt_gem). "


def caption(points: pd.DataFrame, over: pd.DataFrame) -> str:
    """What is right, up, joined and dashed, and what the bars are over.

    over: rows of the metrics table whose intervals are drawn.
    """
    equal = points["of"].isin(list(KEPT_WORDS))
    listed = "from the lowest rate" if equal.any() else "in the order of the study's list"
    recipes = (
        f"A thin line joins the recipes of one method {listed}, with an arrow to the last. "
        if (points["place"] > 0).any()
        else ""
    )
    control = (
        "Grey: the control, its own tasks after its last stage, though no stage taught them. "
        if points["control"].any()
        else ""
    )
    first = f"R{IN_POINTS}{OF_GENERAL}{OF_OLD}"
    if equal.any():
        first = equal_caption(points["of"]) + (
            "" if equal.all() else f"In points: r{IN_POINTS}{OF_OLD}"
        )
    return (
        f"{TITLE}. {first}Orders of the same stages are averaged. {recipes}{control}{DASHED}"
        f"Bars: {lower_first(' '.join(_bars(points, over)))}"
    )


def unnamed(points: pd.DataFrame, seen: Looks) -> str:
    """How many methods are light grey, where their numbers are, and what the thin lines join."""
    pale = {method for (_, method), look in seen.items() if is_pale(look)}
    if not pale:
        return ""
    is_equal = points["of"].isin(list(KEPT_WORDS)).any()
    reaching = ", of those that reach L*" if is_equal else ""
    on_front = set(points.loc[points["on_front"], "method"])
    named = (
        f"the {NAMED} methods nearest the top of a front{reaching}"
        if on_front & pale
        else "the methods with a point on a front"
    )
    table = "equal_learning" if is_equal else "methods"
    joined = "; ".join(joined_recipes(points))
    return (
        f" Named: plain training and {named}. Light grey, without bars: {len(pale)} other "
        f"method{'s' * (len(pale) != 1)}, whose numbers are in the CSV and in the table {table}. "
        "A name beside a line: its method, and of several lines of one method the first and the "
        "last recipe."
    ) + (f" Recipes that are joined: {joined}." if joined else "")


def without_shares(points: pd.DataFrame, level: float | None) -> str:
    """That reference chains were made, and yet no chain has both shares."""
    if level is None or points["of"].isin(list(KEPT_WORDS)).any():
        return ""
    return (
        " No chain has both the share learned and the share kept, as the table equal_learning "
        "says: general ability is in points instead."
    )


def _bars(points: pd.DataFrame, over: pd.DataFrame) -> Iterable[str]:
    """What the intervals are over: of own sets, of shares and of end tasks."""
    if (points["of"] == OWN).any():
        yield interval_words(over)
    for of in (*KEPT_WORDS, END_TASK):
        runs = ", ".join(dict.fromkeys(points.loc[points["of"] == of, "interval_over"]))
        if runs:
            yield f"95 % t-intervals over {runs}; none for fewer than three."


def without(found: list[MethodLine], points: pd.DataFrame) -> str:
    """Which lines have no point, and why."""
    drawn = set(points[[*KEYS, "of"]].itertuples(index=False, name=None)) if len(points) else set()
    words = []
    for line in found:
        if (line.model, line.method, line.recipe, line.order, line.of) not in drawn:
            reasons = [line.reasons[name] for name in ("la", GENERAL, OLD) if name in line.reasons]
            words.append(f"{line.model}, {line.method}, {line.order} ({(reasons or ['?'])[0]})")
    return f" Without a point: {'; '.join(words)}." if words else ""
