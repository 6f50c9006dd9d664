"""What the chains of each method cost, compared with plain training."""

import numpy as np
import pandas as pd

from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import RUN, alone_together
from lethe.metrics.intervals import NOT_NEGATIVE, t_interval
from lethe.metrics.shown import (
    LINE_COLUMNS,
    PLAIN,
    Line,
    is_control,
    lines,
    order_of,
    rows_of_lines,
)
from lethe.tables.lines import words
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

MEASURES = ("steps", "tokens", "flops", "seconds", "cpu_seconds")
PEAK = "cost.peak_memory"
CPU_TIME, CLOCK_TIME = "CPU time", "time by the clock"
DECIMALS = {"peak_mb": 0, "steps": 0, "tokens": 0, "teraflops": 3, "seconds": 1, "ratio": 2}
CAPTION = (
    "Training of a whole chain, mean over runs, without its base and evaluation. seconds [95 % "
    "t-interval over runs]: measured, as CPU time or, on a GPU, by the clock (`of`); of a stage "
    "that was interrupted, since it last went on. ratio: seconds relative to "
    "`sequential` on the same order and seeds, at the same recipe (of `sequential` itself with "
    "other steps: at the recipe that most lines have); for orders of one stage (a pool, each "
    "alone: the models of all domains together) relative to that on the order that most methods "
    "have. tokens: of the stages, and those that a method replays. teraflops: 6 x parameters x "
    "tokens (4 for a parameter that is not trained); what else a method adds (teachers, passes of "
    "a contrast or for importances) is in the seconds alone. peak_mb: the most memory of a stage, "
    "of a GPU's tensors or of the whole process."
)
Costs = dict[tuple, dict[str, float]]


def build(tables: LongTables) -> Table:
    """A row per line."""
    return or_nothing(costs(tables.stages), CAPTION, "no stage was trained here", DECIMALS)


def costs(stages: pd.DataFrame) -> list[dict]:
    """One row per line of stages.csv, with its words. See CAPTION."""
    return [words(line, rows) | row for line, row, rows in by_line(stages)]


def by_line(stages: pd.DataFrame) -> list[tuple[Line, dict, pd.DataFrame]]:
    """The costs of each line of stages.csv, with the rows of all; see CAPTION.

    Orders of one domain each are joined.
    """
    rows = stages[stages["measure"].str.startswith("cost.")]
    rows = rows.assign(subset=rows["stage_task"].str.partition(":")[0] if len(rows) else None)
    rows = alone_together(rows)
    all_lines = lines(rows) if len(rows) else []
    parts = rows_of_lines(rows)
    units = {line: _by_unit(parts[line]) for line in all_lines}
    several = {line: parts[line]["stage_index"].max() > 1 for line in all_lines}
    steps = {
        line: float(np.mean([unit["steps"] for unit in own.values()]))
        for line, own in units.items()
    }
    found = []
    for line, own_units in units.items():
        devices = rows.loc[rows["model"] == line[0], "device"]
        name = "cpu_seconds" if set(devices) == {"cpu"} else "seconds"
        plain = units.get(reference(line, all_lines, several, steps), {})
        shared = [key for key in own_units if key in plain]
        mean = {key: float(np.mean([unit[key] for unit in own_units.values()])) for key in MEASURES}
        row = {"steps": mean["steps"], "tokens": mean["tokens"], "teraflops": mean["flops"] / 1e12}
        row |= _with_interval("seconds", [unit[name] for unit in own_units.values()])
        row |= {"of": CPU_TIME if name == "cpu_seconds" else CLOCK_TIME}
        row |= _with_interval("ratio", [own_units[key][name] / plain[key][name] for key in shared])
        row |= _peak(parts[line])
        found.append((line, row | {"runs": len(own_units)}, rows))
    return found


def reference(
    line: Line, all_lines: list[Line], several: dict[Line, bool], steps: dict[Line, float]
) -> Line | None:
    """The line of plain training that a line is compared with, on the same model.

    several: whether a line has more than one stage. steps: of a line's whole chain.
    """
    plain = [other for other in all_lines if other[0] == line[0] and _method(other) == PLAIN]
    same = [other for other in plain if order_of(other) == order_of(line)]
    if not several[line] or not same:
        orders = [order_of(other) for other in all_lines if other[0] == line[0] and several[other]]
        chains = [other for other in plain if several[other] and not is_control(other)]
        # Of equally common orders, the first by name.
        chains.sort(key=lambda other: (-orders.count(order_of(other)), order_of(other)))
        same = [other for other in chains if order_of(other) == order_of(chains[0])] or same
    recipe, how = (LINE_COLUMNS.index(name) for name in ("recipe", "parametrisation"))
    # All weights trained, else as the line's are.
    same.sort(
        key=lambda other: (
            other[how] != "full",
            other[how] != line[how],
            other[recipe] != line[recipe],
        )
    )
    found = next(iter(same), None)
    if found != line:
        return found
    # Plain training itself, longer or shorter than at the recipe that most lines have.
    recipes = [other[recipe] for other in all_lines if other[0] == line[0]]
    usual = max(same, key=lambda other: recipes.count(other[recipe]))
    return usual if steps[usual] != steps[line] else line


def _method(line: Line) -> str:
    return line[LINE_COLUMNS.index("method")]


def _by_unit(rows: pd.DataFrame) -> Costs:
    """Sums over a run's stages, by seeds."""
    sums_by_seeds: Costs = {}
    for key, part in rows.groupby(RUN, dropna=False, sort=True):
        sums = part.groupby("measure")["value"].sum()
        sums_by_seeds[tuple(None if pd.isna(seed) else int(seed) for seed in key)] = {
            name: float(sums[f"cost.{name}"]) for name in MEASURES
        }
    return sums_by_seeds


def _peak(rows: pd.DataFrame) -> dict[str, float]:
    """The most memory that a stage took, mean over runs; nothing of stages that do not tell."""
    rows = rows[rows["measure"] == PEAK]
    peaks = rows.groupby(RUN, dropna=False)["value"].max()
    return {"peak_mb": float(peaks.mean() / 1e6)} if len(peaks) else {}


def _with_interval(name: str, values: list[float]) -> dict[str, float]:
    low, high = t_interval(values, NOT_NEGATIVE)
    mean = float(np.mean(values)) if values else np.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high}
