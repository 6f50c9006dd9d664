"""What a study shows in three numbers with intervals, worded from its metrics and no further."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lethe.longtables.axes import OWN
from lethe.longtables.metric_ids import CHANGE_SO_FAR
from lethe.longtables.own_sets import is_own
from lethe.longtables.rows import mixtures
from lethe.longtables.run import RUN_COLUMNS, method_words
from lethe.longtables.tables import LongTables
from lethe.metrics.comparisons import PairedDifference, paired_difference
from lethe.metrics.methods import OLD_BASE, OLD_OWN, OWN_BASE
from lethe.metrics.shown import PLAIN, SEED_UNITS, lines, order_of, orders, shown
from lethe.metrics.warnings import collapsed_sets
from lethe.report.line_numbers import (
    LineNumber,
    first_place,
    line_numbers,
    number_of,
    told_apart,
)
from lethe.report.text_headline import text_tile
from lethe.report.tiles import Tile, interval, next_to_plain, tile
from lethe.tables.heads import head
from lethe.tables.method_lines import (
    FEWEST_PAIRS,
    MethodLine,
    method_lines,
    pairs_by_seeds,
    tied_bests,
)

KEPT, LEARNED, GENERAL = "bwt_gem", "la", "delta_general"
SEEN = 0.05
"""Points: smaller differences round to 0.0."""
TABLES = ("scores", "metrics", "stages", "end_tasks", "domains")
"""Long tables whose rows are of one order."""


@dataclass(frozen=True)
class Compared:
    """The lines of one model and order, and which of them is plain training."""

    model: str
    order: str
    found: list[MethodLine]

    @property
    def plain(self) -> MethodLine | None:
        return next((line for line in self.found if line.method == PLAIN), None)

    @property
    def first(self) -> MethodLine:
        return self.plain or self.found[0]

    def count(self) -> int:
        """Methods of which it is known what they kept, or else what they learned."""
        known = [line for line in self.found if not np.isnan(line.number(KEPT)[0])]
        return 100 * len({line.method for line in known}) + len(self.found)


def compared(tables: LongTables) -> Compared | None:
    """The model and order on which most methods can be compared; None without any tasks."""
    found: dict[tuple[str, str, str], list[MethodLine]] = {}
    for order in _orders(tables):
        for line in method_lines(_of_order(tables, order)):
            if not line.is_control and not np.isnan(line.number(LEARNED)[0]):
                found.setdefault((line.model, order, line.of), []).append(line)
    if not found:
        return None
    groups = [Compared(model, order, several) for (model, order, _), several in found.items()]
    best = max(groups, key=Compared.count)
    return replace(best, found=_with_recipes(best.found))


def _with_recipes(found: list[MethodLine]) -> list[MethodLine]:
    """Lines of a method with several recipes under names that tell them apart, but the first."""
    seen: set[str] = set()
    named = []
    for line in found:
        again = line.method in seen
        seen.add(line.method)
        named.append(replace(line, method=f"{line.method}, {line.recipe}") if again else line)
    return named


def _orders(tables: LongTables) -> list[str]:
    rows = tables.scores
    named = dict.fromkeys(order_of(line) for line in lines(rows))
    wanted = set(orders(rows))
    return [order for order in named if order in wanted]


def _of_order(tables: LongTables, order: str) -> LongTables:
    frames = {name: getattr(tables, name) for name in TABLES}
    kept = {name: frame[frame["order"] == order] for name, frame in frames.items()}
    return replace(tables, references=None, **kept)


def tiles(tables: LongTables) -> list[Tile]:
    """At most three; fewer where a study measures less."""
    most = compared(tables)
    of_tasks = []
    if most is not None:
        row = _row_of(most, method_lines(tables))
        of_tasks = [_forgotten(most, row, tables.scores), *_best(most, row)]
    place = None if most is None else (most.model, most.order)
    return [*of_tasks, *_general(tables, place), *text_tile(tables, place)][:3]


def _row_of(most: Compared, found: list[MethodLine]) -> MethodLine:
    """The row of the table of methods that holds the first line: it may be of several orders."""
    first = most.first
    named = (first.model, first.method, first.recipe, first.of)
    return next(
        line
        for line in found
        if (line.model, line.method, line.recipe, line.of) == named and most.order in line.orders
    )


def _forgotten(most: Compared, line: MethodLine, scores: pd.DataFrame) -> Tile:
    """What plain training, or else the first method, forgets of its own tasks.

    line: its row in the table of methods, so that a reader finds the number there.
    """
    who = "plain training" if most.plain else line.method
    learned, kept = line.number(LEARNED), line.number(KEPT)
    before = f"{line.number(OWN_BASE)[0]:.1f} before any stage"
    where = _scale(scores, line) + _one_answer(scores, line)
    where += f"{line.model}, order{'s' * (len(line.orders) > 1)} {line.order}; "
    if line.has_nothing_to_forget:
        heading, of, metric = f"{_capital(who)} learned too little", "task", LEARNED
        if not np.isnan(line.number(OLD_OWN)[0]):
            learned, of, metric = line.number(OLD_OWN), "old task", ""
            before = f"{line.number(OLD_BASE)[0]:.1f} before any stage"
        words = (
            f"Score right after each {of}'s own stage, {before}: too little to show forgetting. "
        )
        words += f"{where}{_over(line, learned)}."
        return tile(heading, learned, words, metric, line.method, signed=False)
    where += f"{_over(line, learned if np.isnan(kept[0]) else kept)}."
    if np.isnan(kept[0]):
        words = f"Score right after each task's own stage, {before}. No score of an old task says "
        words += f"what later stages cost. {where}"
        return tile(f"What {who} learned", learned, words, LEARNED, line.method, signed=False)
    # Without an interval the number itself decides.
    forgets = kept[0] < 0 if np.isnan(kept[2]) else kept[2] < 0
    heading = f"What {who} forgets" if forgets else f"{_capital(who)}: no forgetting shown"
    words = "Change of old tasks from right after their own stage to the end. "
    words += (
        f"Learned {learned[0]:.1f}; all tasks after the last stage {line.number('acc')[0]:.1f}. "
    )
    return tile(heading, kept, words + where, KEPT, line.method)


def _scale(scores: pd.DataFrame, line: MethodLine) -> str:
    """A sentence on what points of the own tasks are hundredths of; nothing of end tasks."""
    rows = scores[(scores["model"] == line.model) & scores["order"].isin(line.orders)]
    own = rows[(rows["axis"] == OWN) & rows["headline"] & (rows["subset"] == "")]
    stages = [mix for name in rows["stage_task"].unique() if name for mix in mixtures(name)]
    taught = [name for name in own["probe"].unique() if any(is_own(name, mix) for mix in stages)]
    metrics = [head(name) for name in sorted(own[own["probe"].isin(taught)]["metric"].unique())]
    listed = " and ".join([", ".join(metrics[:-1]), metrics[-1]] if metrics[1:] else metrics)
    return f"A point is a hundredth of {listed}. " if metrics else ""


def _one_answer(scores: pd.DataFrame, line: MethodLine) -> str:
    """A sentence on the own tasks of which a run answers nearly all items alike."""
    rows = scores[(scores["model"] == line.model) & scores["order"].isin(line.orders)]
    rows = rows[(rows["axis"] == OWN) & (rows["recipe"] == line.recipe)]
    names = [
        row["probe"]
        for _, run in rows.groupby(RUN_COLUMNS, dropna=False, sort=False)
        if method_words(*run[["method", "parametrisation"]].iloc[0]) == line.method
        for row in collapsed_sets(run)
    ]
    if not names:
        return ""
    sets = ", ".join(dict.fromkeys(names))
    return f"Nearly all answers to {sets} are the same, so its score speaks of that answer. "


def _best(most: Compared, row: MethodLine) -> list[Tile]:
    """Which method keeps most, paired with plain training, and at what learning.

    row: that of plain training in the table of methods.
    """
    plain = most.plain
    usable = [
        line
        for line in most.found
        if not (line.has_nothing_to_forget or np.isnan(line.number(KEPT)[0]))
    ]
    others = [line for line in usable if line is not plain]
    if plain is None or plain not in usable or not others:
        return []
    best = max(others, key=lambda line: line.number(KEPT)[0])
    tied = [usable[place] for place in sorted(tied_bests(usable, KEPT))]
    # Plain training may keep most of all, and the best of the others be behind it.
    equals = [line for line in tied if line is not best] if best in tied else []
    behind = f"Learned {best.number(LEARNED)[0]:.1f}, plain training "
    behind += f"{plain.number(LEARNED)[0]:.1f}. {_ties(equals)}"
    if len(others) > 1:
        behind += f"The best of {len(others)} methods, not corrected for their number. "
    paired = pairs_by_seeds(best, plain, KEPT)
    if len(paired) >= FEWEST_PAIRS:
        test = paired_difference(paired, [0.0] * len(paired))
        return [_paired_tile(best, test, behind, plain in equals)]
    number, own = best.number(KEPT), plain.number(KEPT)
    here = f" in order {most.order}" if len(row.orders) > 1 else ""
    words = f"Change of old tasks under {best.method}; under plain training{here} "
    words += f"{own[0]:.1f}{interval(own)}. {behind}"
    is_apart = best in tied and plain not in equals
    runs = "one run each" if len(paired) < 2 else f"{len(paired)} runs each"
    heading = f"{best.method} kept most, {runs if is_apart else 'not apart from plain training'}"
    heading = _not_more(best.method, number[0] - own[0], plain in equals) or heading
    words += f"{_capital(runs)}: another seed may differ."
    return [tile(heading, number, words, KEPT, best.method)]


def _paired_tile(best: MethodLine, test: PairedDifference, behind: str, is_tied: bool) -> Tile:
    words = f"Old tasks kept, less those of plain training, paired over {test.n} seeds. {behind}"
    heading = f"{best.method} keeps most"
    if is_tied:
        heading = f"{best.method} kept most, not shown to beat plain training"
    heading = _not_more(best.method, test.mean, is_tied) or heading
    return tile(heading, (test.mean, test.low, test.high), words, "", best.method)


def _not_more(method: str, points: float, is_tied: bool) -> str:
    """The heading where a method kept no more than plain training, as far as a reader can see."""
    if abs(points) < SEEN:
        return f"{method} and plain training kept as much"
    return next_to_plain(method, is_tied) if points < 0 else ""


def _ties(tied: list[MethodLine]) -> str:
    names = list(dict.fromkeys(line.method for line in tied))
    names = ["plain training" if name == PLAIN else name for name in names]
    return f"Tied with {', '.join(names[:4])}{' and others' * (len(names) > 4)}. " if names else ""


def _general(tables: LongTables, place: tuple[str, str] | None) -> list[Tile]:
    """How general ability changed under plain training, and under the method that changed least.

    place: the model and order to tell of; None: those with most methods.
    """
    rows = shown(pd.concat([tables.metrics, tables.domains]), (GENERAL, CHANGE_SO_FAR))
    every = line_numbers(rows[(rows["metric"] == GENERAL) & (rows["probe"] == "")])
    where = place or first_place(every)
    found = told_apart([one for one in every if one.place == where])
    if not found:
        return []
    first = next((one for one in found if one.method == PLAIN), found[0])
    best = max(found, key=lambda one: one.number[0])
    number = first.number
    words = "Mean change over sets of general ability, after the last stage. "
    words += _on_the_way(rows[rows["metric"] == CHANGE_SO_FAR], first)
    if best is not first:
        words += f"Least lost under {best.method}: {best.number[0]:+.1f}{interval(best.number)}"
        # Over seeds the table of methods, which pairs them, tells by its bold numbers.
        is_paired = any(unit in first.over for unit in SEED_UNITS)
        words += ". " if is_paired or not _overlap(best.number, number) else ", not apart from it. "
    who = "plain training" if first.method == PLAIN else first.method
    if number[1] <= 0 <= number[2]:
        words = f"No change is shown at the end: the interval holds zero. {words}"
    words += f"{first.place[0]}, order {first.place[1]}; {first.over}."
    return [tile(f"General ability, {who}", number, words, GENERAL, first.method)]


def _overlap(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    """Whether one number lies in the interval of the other; both are on the same items."""
    return one[1] <= other[0] <= one[2] or other[1] <= one[0] <= other[2]


def _on_the_way(rows: pd.DataFrame, end: LineNumber) -> str:
    """A sentence on the stage after which ability was lowest, if it was lower than at the end.

    rows: changes by stage. Nothing unless the interval of that stage lies below zero. That more was
    lost there than at the end is said only if it lies below the end's interval.
    """
    own = rows[[line == end.line for line in rows["line"]]].dropna(subset="value")
    if not len(own):
        return ""
    row = own.loc[own["value"].idxmin()]
    number = number_of(row)
    if not (round(number[0], 1) < round(end.number[0], 1) and number[2] < 0):
        return ""
    lost = f"{number[0]:+.1f}{interval(number)}"
    stage = f"stage {row['stage_index']:.0f} of {own['stage_index'].max():.0f}"
    stage += f" ({row['stage_task']})"
    if number[0] < end.number[1]:
        return f"More was lost on the way: {lost} after {stage}, the lowest of these. "
    return f"It was lowest after {stage}, {lost}, but not shown to be lower than at the end. "


def _over(line: MethodLine, number: tuple[float, float, float]) -> str:
    return f"no interval, {line.over}" if np.isnan(number[1]) else f"interval over {line.over}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
