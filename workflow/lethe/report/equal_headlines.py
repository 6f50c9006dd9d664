"""The three numbers of a study that compares methods at equal learning, from its own table."""

import numpy as np
import pandas as pd

from lethe.longtables.run import method_words
from lethe.metrics.equal_learning import LEAST_LEARNED
from lethe.metrics.shown import PLAIN
from lethe.report.tiles import Tile, interval, next_to_plain, tile

ENDS = ("", "_low", "_high")


def equal_tiles(frame: pd.DataFrame, level: float) -> list[Tile]:
    """What plain training keeps, which method keeps most, how many learn; nothing without plain.

    frame: of the table `equal_learning`. level: what is learned where methods are compared.
    """
    is_plain = (frame["method"] == PLAIN) & (frame["parametrisation"] == "full")
    plains = frame[is_plain & frame["kept_at_level"].notna()]
    if not len(plains):
        return []
    plain = plains.iloc[0]
    same = frame[(frame["model"] == plain["model"]) & (frame["order"] == plain["order"])]
    where = f"{plain['model']}, order {plain['order']}, recipes {plain['recipes']}"
    at = f"where {100 * level:g} % of what can be learned is learned"
    kept = _number(plain, "kept_at_level")
    words = f"Of general ability above chance, {at}. {where}. {_over(kept)}"
    found = [tile("Plain training keeps", kept, words, unit=" %", signed=False)]
    learning = same[same["of_plain"] >= 100 * LEAST_LEARNED]
    others = learning[learning["less_plain"].notna()]
    if len(others):
        found.append(_best(others.loc[others["less_plain"].idxmax()], len(others), at))
    else:
        first = same[is_plain].iloc[0]
        why = first["note"] or "no other method has a number there"
        words = f"No method can be held against plain training {at}: {why} ({first['recipes']})."
        found.append(Tile("Compared with plain training", "none", "no number", words))
    words = (
        f"Learn at least {100 * LEAST_LEARNED:g} % of what plain training learns, at some rate. "
    )
    words += f"{where}."
    number = f"{len(learning)} of {len(same)}"
    return [*found, Tile("Methods that learn", number, "a count", words)]


def _best(row: pd.Series, count: int, at: str) -> Tile:
    less, kept = _number(row, "less_plain"), _number(row, "kept_at_level")
    name = method_words(row["method"], row["parametrisation"])
    words = f"Of general ability kept, less that of plain training, {at}. "
    words += (
        f"Kept: {kept[0]:.1f} %{interval(kept)}. The largest of {count} methods, not corrected "
    )
    words += f"for their number; {row['pairs']} paired. {_over(less)}"
    is_shown = not np.isnan(less[1]) and less[1] > 0
    heading = f"{name} keeps most" if is_shown else f"{name} kept most here"
    if less[0] < 0:
        heading = next_to_plain(name, is_tied=less[2] >= 0)
    return tile(heading, less, words, method=name)


def _number(row: pd.Series, name: str) -> tuple[float, float, float]:
    value, low, high = (float(row[f"{name}{end}"]) for end in ENDS)
    return value, low, high


def _over(number: tuple[float, float, float]) -> str:
    few = "Too few for an interval: what is seen here may be chance."
    return few if np.isnan(number[1]) else ""
