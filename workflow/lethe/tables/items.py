"""What was forgotten by single items: kept, lost, regained, and what guessing accounts for."""

from dataclasses import replace

import numpy as np
import pandas as pd

from lethe.longtables.axes import OWN, sorted_axes
from lethe.longtables.change_columns import (
    ADJUSTED,
    BASE,
    BY_MARGIN,
    KNOWN,
    OWN_STAGE,
    SHARES,
    WITH_INTERVAL,
)
from lethe.longtables.tables import LongTables
from lethe.metrics.noise_floor import of_control, of_seeds
from lethe.metrics.shown import INTERVAL, Line, lines, shown
from lethe.tables.lines import of_line, words
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

PERCENT = (*SHARES, *KNOWN, *ADJUSTED, *BY_MARGIN, "commonest_after")
FLOOR = ("control_lost", "control_regained", "seeds_lost")
SHOWN = (
    "model", "method", "order", "axis", "items", "kept", "lost", "regained", "never",
    "identified", "knew", "lost_r0", "lost_r1", *FLOOR[::2], "drift", "sign_changed", "commonest",
)  # fmt: skip
SINCE = {BASE: "base", OWN_STAGE: "own stage"}
CAPTION = (
    "Items after the last stage, % of an axis' items, mean over its sets: right before and after "
    "(kept), only before (lost), only after (regained), never. Before is the base, for own tasks "
    "their own stage. By the two-state estimate (a model knows or guesses; not clipped), in the "
    "sets in which knowing can be told from guessing (identified): known before (knew), and known "
    "before but not after, if unknown items are drawn again each time (lost_r0) or alike "
    "(lost_r1). control_lost, seeds_lost: the noise floor, the share lost by the control "
    "(as many steps on general data), and that right under one train seed and wrong under another. "
    "drift: fall of the right answer's log-probability, nats. sign_changed: items whose margin "
    "changed its sign. commonest: largest share of one answer. Sets are in changes.csv; graded "
    "answers (SARI, BLEU, ROUGE) are neither right nor wrong and left out. "
    f"{INTERVAL}"
)
ONE_SEED = "Every chain has one train seed: flips between seeds are not known."
NO_CONTROL = "No control was run: what general data alone change is not known."


def build(tables: LongTables) -> Table:
    """A row per line and axis, controls last."""
    changes = tables.changes[tables.changes["probe"] == ""]
    wanted = np.where(changes["axis"] == OWN, OWN_STAGE, BASE)
    # Graded answers are left out as the caption says; sets that cannot be compared say why.
    told = (changes["sets"] > 0) | (changes["n"] == 0)
    rows = shown(changes[(changes["against"] == wanted) & told])
    floors = {"control": of_control(changes), "seeds": of_seeds(changes)}
    item_rows = []
    for line in lines(rows) if len(rows) else []:
        cells = of_line(rows, line)
        cells = cells[cells["stage_index"] == cells["stage_index"].max()]
        for axis in sorted_axes(cells["axis"]):
            cell = cells[cells["axis"] == axis].iloc[0]
            row = words(line, rows) | {"axis": axis, "since": SINCE[cell["against"]]}
            item_rows.append(row | _numbers(cell) | _floor(floors, line, cell) | _behind(cell))
    caption = CAPTION
    if not len(floors["seeds"]):
        caption += f" {ONE_SEED}"
    if not len(floors["control"]):
        caption += f" {NO_CONTROL}"
    decimals = dict.fromkeys([*PERCENT, *FLOOR, "commonest"], 1)
    table = or_nothing(item_rows, caption, "no item was answered right or wrong", decimals)
    empty = {name for name in FLOOR if name in table.frame and table.frame[name].isna().all()}
    columns = [name for name in SHOWN if name not in empty] if item_rows else []
    return replace(table, columns=tuple(columns))


def _numbers(cell: pd.Series) -> dict:
    """Shares as percentages with their intervals, drift in nats."""
    numbers = {"items": int(cell["n"]), "identified": f"{cell['identified']} of {cell['sets']}"}
    for name in (*PERCENT, "drift"):
        scale = 1 if name == "drift" else 100
        numbers["commonest" if name == "commonest_after" else name] = scale * float(cell[name])
        for end in ("low", "high") if name in WITH_INTERVAL else ():
            numbers[f"{name}_{end}"] = scale * float(cell[f"{name}_{end}"])
    return numbers


def _floor(floors: dict[str, pd.DataFrame], line: Line, cell: pd.Series) -> dict:
    """The noise floor at the same stage and axis: none of a control's for own tasks.

    A control is never taught these, so it has nothing of them to lose.
    """
    found = dict.fromkeys(FLOOR, np.nan)
    for kind, names in {"control": ("lost", "regained"), "seeds": ("lost",)}.items():
        if not len(floors[kind]):
            continue
        rows = of_line(floors[kind], line)
        rows = rows[(rows["axis"] == cell["axis"]) & (rows["stage_index"] == cell["stage_index"])]
        if len(rows) and not (kind == "control" and cell["axis"] == OWN):
            found |= {f"{kind}_{name}": 100 * float(rows[name].iloc[0]) for name in names}
    return found


def _behind(cell: pd.Series) -> dict:
    over = f"{cell['n_units']} {cell['unit']}" if cell["n_units"] else ""
    return {"interval_over": over, "note": cell["note"]}
