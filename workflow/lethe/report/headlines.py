"""What a study shows in three numbers with intervals, worded from its metrics and no further."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lethe.longtables.run import method_words
from lethe.longtables.tables import LongTables
from lethe.metrics.comparisons import PairedDifference, paired_difference
from lethe.metrics.shown import LINE_COLUMNS, PLAIN, is_control, lines, order_of, orders, shown
from lethe.report.tiles import Tile, interval, tile
from lethe.tables.method_lines import (
    FEWEST_PAIRS,
    MethodLine,
    method_lines,
    pairs_by_seeds,
    tied_bests,
)

KEPT, LEARNED, GENERAL = "bwt_gem", "la", "delta_general"
TABLES = ("scores", "metrics", "stages", "end_tasks")
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
    (model, order, _), best = max(
        found.items(), key=lambda one: Compared(one[0][0], one[0][1], one[1]).count()
    )
    return Compared(model, order, best)


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
    general = _general(tables, most)
    if most is None:
        return general
    return [_forgotten(most), *_best(most), *general][:3]


def _forgotten(most: Compared) -> Tile:
    """What plain training, or else the first method, forgets of its own tasks."""
    line = most.first
    who = "plain training" if line is most.plain else line.method
    learned, base = line.number(LEARNED), line.number("own_base")
    where = f"{line.model}, order {most.order}; {_over(line)}."
    if line.is_at_floor:
        words = f"Right after their stage its tasks score {learned[0]:.1f}, against {base[0]:.1f} "
        words += f"before any: too little to show forgetting. {where}"
        return tile(
            f"{_capital(who)} learned too little",
            learned,
            words,
            LEARNED,
            line.method,
            signed=False,
        )
    kept = line.number(KEPT)
    if np.isnan(kept[0]):
        words = (
            f"Score right after its stage, from {base[0]:.1f} before any. One stage, or no score"
        )
        words += f" after the last, so nothing says what later stages cost. {where}"
        return tile(f"What {who} learned", learned, words, LEARNED, line.method, signed=False)
    words = "Change of old tasks from right after their own stage to the end. "
    words += (
        f"Learned {learned[0]:.1f}, all tasks after the last stage {line.number('acc')[0]:.1f}. "
    )
    heading = f"What {who} forgets" if kept[2] < 0 or np.isnan(kept[2]) and kept[0] < 0 else None
    heading = heading or f"{_capital(who)}: no forgetting shown"
    return tile(heading, kept, words + where, KEPT, line.method)


def _best(most: Compared) -> list[Tile]:
    """Which method keeps most, paired with plain training, and at what learning."""
    plain = most.plain
    usable = [line for line in most.found if not np.isnan(line.number(KEPT)[0])]
    usable = [line for line in usable if not line.is_at_floor]
    others = [line for line in usable if line is not plain]
    if plain is None or plain not in usable or not others:
        return []
    best = max(others, key=lambda line: line.number(KEPT)[0])
    ties = [line.method for place, line in enumerate(usable)
            if place in tied_bests(usable, KEPT) and line is not best]  # fmt: skip
    paired = pairs_by_seeds(best, plain, KEPT)
    learned = (
        f"Learned {best.number(LEARNED)[0]:.1f}, plain training {plain.number(LEARNED)[0]:.1f}."
    )
    if len(paired) >= FEWEST_PAIRS:
        return [_paired_tile(best, ties, paired_difference(paired, [0.0] * len(paired)), learned)]
    number, own = best.number(KEPT), plain.number(KEPT)
    words = f"Change of old tasks, plain training {own[0]:.1f}{interval(own)}. {learned} "
    words += _tie_words(ties, len(usable)) + f" {_runs(len(paired))}: another seed may differ."
    is_apart = not np.isnan(number[1]) and number[1] > own[2]
    heading = (
        f"{best.method} keeps most" if is_apart and PLAIN not in ties else "Kept most, one run"
    )
    heading = heading if is_apart else f"{best.method} kept most here"
    return [tile(heading, number, words, KEPT, best.method)]


def _paired_tile(best: MethodLine, ties: list[str], test: PairedDifference, learned: str) -> Tile:
    words = f"Old tasks kept, less those of plain training, paired over {test.n} seeds. {learned} "
    heading = f"{best.method} keeps most"
    if test.low <= 0:
        heading = f"{best.method} kept most, yet not shown to beat plain training"
    number = (test.mean, test.low, test.high)
    return tile(heading, number, words + _tie_words(ties, len(ties) + 2), "", best.method)


def _tie_words(ties: list[str], of: int) -> str:
    others = [name for name in ties if name != PLAIN]
    if PLAIN in ties:
        others = [*others, "plain training"]
    if others:
        return f"Tied with {', '.join(others[:4])}{' and others' * (len(others) > 4)}."
    return f"Best of {of} methods compared." if of > 2 else ""


def _general(tables: LongTables, most: Compared | None) -> list[Tile]:
    """How general ability changed under plain training, and under the method that changed least."""
    rows = tables.metrics
    rows = rows[(rows["metric"] == GENERAL) & (rows["probe"] == "")]
    found = [line for line in _general_lines(rows) if most is None or line[0][:2] == _where(most)]
    if not found:
        return []
    first = next((line for line in found if line[0][2] == PLAIN), found[0])
    (model, order, method), number, over = first
    best = max(found, key=lambda line: line[1][0])
    words = "Mean change over sets of general ability, after the last stage. "
    if best[0][2] != method:
        words += (
            f"Changed least or gained most: {best[0][2]}, {best[1][0]:+.1f}{interval(best[1])}. "
        )
    who = "plain training" if method == PLAIN else method
    if number[1] <= 0 <= number[2]:
        words = f"No change is shown: the interval holds zero. {words}"
    words += f"{model}, order {order}; {over}."
    return [tile(f"General ability, {who}", number, words, GENERAL, method)]


def _where(most: Compared) -> tuple[str, str]:
    return most.model, most.order


def _general_lines(rows: pd.DataFrame) -> Iterable[tuple[tuple[str, str, str], tuple, str]]:
    """((model, order, method), number in points, what its interval is over) of every line."""
    part = shown(rows)
    for line in lines(part) if len(part) else []:
        row = part[[other == line for other in part["line"]]].iloc[0]
        if is_control(line) or pd.isna(row["value"]):
            continue
        named = dict(zip(LINE_COLUMNS, line, strict=True))
        method = method_words(named["method"], named["parametrisation"])
        number = tuple(100 * float(row[name]) for name in ("value", "low", "high"))
        over = f"interval over {row['n_units']} {row['unit']}" if row["n_units"] else "no interval"
        yield (named["model"], named["order"], method), number, over


def _over(line: MethodLine) -> str:
    return f"interval over {line.over}" if line.over else "no interval"


def _runs(count: int) -> str:
    return "One run each" if count <= 1 else f"{count} runs each"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
