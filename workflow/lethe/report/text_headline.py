"""How much worse held-out texts are read after the last stage, as a headline."""

from lethe.longtables.tables import LongTables
from lethe.metrics.shown import PLAIN, shown
from lethe.report.line_numbers import first_place, line_numbers, told_apart
from lethe.report.tiles import Tile, interval, tile
from lethe.tables.texts import RISEN


def text_tile(tables: LongTables, place: tuple[str, str] | None) -> list[Tile]:
    """Of plain training, or else the first method, and of the method under which it rose least.

    place: the model and order to tell of; None: those with most methods. Of several axes of texts
    the first is told.
    """
    if not len(tables.texts):
        return []
    rows = shown(tables.texts, (RISEN,))
    rows = rows[(rows["probe"] == "") & (rows["axis"] == rows["axis"].iloc[0])]
    every = line_numbers(rows, scale=1.0)
    where = place or first_place(every)
    found = told_apart([one for one in every if one.place == where])
    if not found:
        return []
    first = next((one for one in found if one.method == PLAIN), found[0])
    best = min(found, key=lambda one: one.number[0])
    _, low, high = first.number
    words = "Loss on held-out texts after the last stage less the base's, in nats a token. "
    if low <= 0 <= high:
        words = f"No change is shown: the interval holds zero. {words}"
    if best is not first:
        least = f"{best.number[0]:+.2f}{interval(best.number, decimals=2)}"
        words += f"Risen least under {best.method}: {least}. "
    words += f"{first.place[0]}, order {first.place[1]}; {first.over}."
    who = "plain training" if first.method == PLAIN else first.method
    return [
        tile(
            f"Held-out texts, {who}", first.number, words, RISEN, first.method, " nats", decimals=2
        )
    ]
