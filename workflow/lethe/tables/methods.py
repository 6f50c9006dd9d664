"""Methods side by side: what was learned, what was kept, and what it cost."""

import numpy as np
import pandas as pd

from lethe.longtables.run import method_words
from lethe.longtables.tables import LongTables
from lethe.metrics.bounds import FLOOR_GAIN
from lethe.metrics.methods import GENERAL_MEASURES, OWN_BASE, TASK_MEASURES
from lethe.metrics.shown import INTERVAL, LINE_COLUMNS
from lethe.tables.compute import by_line
from lethe.tables.method_lines import (
    FEWEST_PAIRS,
    MethodLine,
    method_lines,
    tied_bests,
)
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

SHOWN = (*TASK_MEASURES, *GENERAL_MEASURES)
COSTS = ("steps", "tokens", "seconds", "ratio", "peak_mb")
DECIMALS = dict.fromkeys((OWN_BASE, *SHOWN), 1) | dict.fromkeys(COSTS, 0) | {"ratio": 2}
OF_ROW = ("at floor", "old tasks at floor")
"""Notes on a whole row; others begin with the columns that they are about."""
NOTHING = "no own task and no end task was scored before and after its stage"
CAPTION = (
    "Methods by their task matrix, in points (hundredths): the tasks' own sets, or end tasks. "
    "acc: after the last stage; la: right after each task's own stage; aia: mean over stages of "
    "the tasks seen; forget_chaudhry: from the best earlier stage to the last, positive = "
    "forgetting; bwt_gem: since the own stage, negative = forgetting; fwt_gem: right before the "
    "own stage less the base. fg_luo: relative drop of general ability, %, mean over stages and "
    "axes but bias; delta_general: its change after the last stage, mean over its sets. "
    "Orders of the same "
    "stages are averaged. Intervals of means over orders, and of fg_luo over axes that share "
    "clusters of items, are the means of theirs: at least as wide as they need be. "
    "seconds: of training, as CPU time or by the clock (`of`); ratio: relative to `sequential`; "
    "peak_mb: the most memory of a stage. "
    f"{INTERVAL} Over end tasks as in `end_tasks`. Bold: the best of one model and order and all "
    f"tied with it. Tied is a difference, paired by seeds, whose 95 % t-interval includes zero; "
    f"with fewer than {FEWEST_PAIRS} pairs, a 95 % interval that includes the best. Methods that "
    f"learned less than {FLOOR_GAIN:g} points (for forgetting: of the tasks not taught last) and "
    f"controls are never bold, nor is a score (acc, la, aia) less than {FLOOR_GAIN:g} points above "
    "the base's, or anything without either, or where plain training has other orders. note: why a "
    "number is not available; end tasks are scored after every stage only with "
    "`end_task_cells: all`."
)


def build(tables: LongTables) -> Table:
    """A row per model, method and recipe on one order, or on several orders of the same stages."""
    found = method_lines(tables)
    spent = _costs(tables.stages)
    rows = [_row(line) | _cost(line, spent) | _behind(line) for line in found]
    table = or_nothing(rows, CAPTION, NOTHING)
    if not rows:
        return table
    frame = table.frame.astype({"items": "Int64"})
    same = frame.groupby(["model", "method", "order"])["recipe"]
    words = ["model"] * (frame["model"].nunique() > 1) + ["method"]
    words += ["recipe"] * bool((same.nunique() > 1).any()) + ["order"]
    numbers = [name for name in (*SHOWN, *COSTS) if frame[name].notna().any()]
    about = ["of"] * bool(spent) + ["interval_over", "items", "note"]
    return Table(
        frame=frame,
        caption=f"{CAPTION} {_tasks(found)}",
        # Below ten seconds the whole ones say nothing, as in the table `compute`.
        decimals=DECIMALS | {"seconds": int(frame["seconds"].min() < 10)},
        columns=(*words, *numbers, *about),
        bold=frozenset((place, name) for name in SHOWN for place in tied_bests(found, name)),
        missing="-",
    )


def _tasks(found: list[MethodLine]) -> str:
    """A sentence for each list of tasks that is averaged, with the models that have it."""
    models: dict[tuple[str, ...], dict[str, None]] = {}
    for line in found:
        if line.tasks:
            models.setdefault(line.tasks, {})[line.model] = None
    return " ".join(
        f"Tasks of {', '.join(named)}: {', '.join(tasks)}." for tasks, named in models.items()
    )


def _row(line: MethodLine) -> dict:
    row: dict = {"model": line.model, "method": line.method, "recipe": line.recipe}
    row["order"] = line.order
    for name in (OWN_BASE, *SHOWN):
        ends = (name, f"{name}_low", f"{name}_high")
        row |= dict(zip(ends, line.number(name), strict=True))
    return row


def _behind(line: MethodLine) -> dict:
    """What the numbers are over, and why some are not available."""
    absent: dict[str, list[str]] = {}
    for name in SHOWN:
        if np.isnan(line.number(name)[0]) and name in line.reasons:
            absent.setdefault(line.reasons[name], []).append(name)
    notes = [f"{', '.join(names)}: {why}" for why, names in absent.items()]
    if not line.is_control and (line.is_at_floor or line.has_nothing_to_forget):
        notes.append(OF_ROW[0] if line.is_at_floor else OF_ROW[1])
    tasks = ", ".join(line.tasks)
    behind = {"interval_over": line.over, "items": line.items, "tasks": tasks}
    return behind | {"note": "; ".join(notes)}


def _costs(stages: pd.DataFrame) -> dict[tuple, dict]:
    """Costs of a chain by model, method, recipe and order."""
    found = {}
    for line, row, _ in by_line(stages):
        named = dict(zip(LINE_COLUMNS, line, strict=True))
        method = method_words(named["method"], named["parametrisation"])
        found[named["model"], method, named["recipe"], named["order"]] = row
    return found


def _cost(line: MethodLine, spent: dict[tuple, dict]) -> dict:
    """Costs of one chain, the mean over the line's orders; nan if one was not trained here."""
    keys = [(line.model, line.method, line.recipe, order) for order in line.orders]
    rows = [spent.get(key, {}) for key in keys]
    means = {name: float(np.mean([row.get(name, np.nan) for row in rows])) for name in COSTS}
    return means | {"of": ", ".join(dict.fromkeys(row["of"] for row in rows if row))}
