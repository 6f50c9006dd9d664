"""Can the generated domains be learned? `python benchmarks/domain_gates.py --study mini-gates-ke`.

Reads the scores of a finished study (or of its parts, one a world) and prints a table in Markdown:
by world and as a mean, F1 of the end tasks and cloze accuracy of the base, of each domain alone by
every way to train parameters, of all domains at once (pool) and of one after the other, beside what
had to be reached. Nothing is trained. Only dev sets are read; end tasks of such a study are tested
on files of dev, as they themselves say.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from lethe.artefacts.paths import study_directory
from lethe.errors import UserError
from lethe.longtables.schema import read_table
from lethe.metrics.domain_outcomes import END_TASK, run_outcomes
from lethe.metrics.shown import LINE_COLUMNS

ALONE = "only-"
MEASURES = {"f1": "F1", "cloze": "cloze"}
ROWS = ("base", "own, full", "own, adapters", "own, LoRA", "pool", "naive, own", "naive, final")
HOWS = {"full": "own, full", "adapters-wide": "own, adapters", "lora": "own, LoRA"}
OWN, GAIN, CEILING, LOST = 90.0, 15.0, 95.0, 10.0
Values = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("results"), help="results folder")
    parser.add_argument("--study", nargs="+", required=True, help="finished studies")
    arguments = parser.parse_args()
    try:
        folders = [study_directory(arguments.output, study) for study in arguments.study]
        tables = [read_table("scores", folder / "scores.csv") for folder in folders]
        print(report(pd.concat(tables)))
    except UserError as error:
        raise SystemExit(str(error)) from None


def report(scores: pd.DataFrame) -> str:
    """The table, and a line a gate."""
    found = {measure: by_world(scores, measure) for measure in MEASURES}
    worlds = sorted(next(iter(found.values())))
    head = ["", *(f"world {world}" for world in worlds), "mean"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for measure, name in MEASURES.items():
        for row in ROWS:
            numbers = [found[measure][world].get(row, np.nan) for world in worlds]
            cells = [f"{number:.0f}" for number in [*numbers, np.mean(numbers)]]
            lines.append(f"| {name}: {row} | {' | '.join(cells)} |")
    lines += ["", f"| gate | {' | '.join(head[1:])} |", "|---" * len(head) + "|"]
    for measure, name in MEASURES.items():
        values = [found[measure][world] for world in worlds]
        keys = (*ROWS, "lost")
        mean = {key: float(np.mean([value.get(key, np.nan) for value in values])) for key in keys}
        judged = [gates(value) for value in [*values, mean]]
        for gate in judged[0]:
            cells = ["yes" if one[gate] else "no" for one in judged]
            lines.append(f"| {name}: {gate} | {' | '.join(cells)} |")
    return "\n".join(lines)


def by_world(scores: pd.DataFrame, measure: str) -> dict[int, Values]:
    """By world every row of the table, in points; means over the domains."""
    parts = [of_order(rows, order) for order, rows in on_dev(scores).groupby("order")]
    runs = [run for rows in parts for run in run_outcomes(rows)]
    alone: dict[tuple[int, str], list[float]] = {}
    worlds: dict[int, Values] = {}
    for run in runs:
        line = dict(zip(LINE_COLUMNS, run.line, strict=True))
        world = int(run.seeds[0] or 0)
        values = worlds.setdefault(world, {})
        part = {name: run.values.get((measure, name), np.nan) for name in ("base", "own", "final")}
        if line["order"].startswith(ALONE):
            alone.setdefault((world, HOWS[line["parametrisation"]]), []).append(part["own"])
            if line["parametrisation"] == "full":
                alone.setdefault((world, "base"), []).append(part["base"])
        elif line["order"] == "pool":
            values["pool"] = part["final"]
        else:
            values |= {"naive, own": part["own"], "naive, final": part["final"]}
            values["lost"] = run.values.get((measure, "forgotten"), np.nan)
    for (world, row), numbers in alone.items():
        worlds[world][row] = float(np.mean(numbers))
    return worlds


def on_dev(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows on dev sets, in the place of those on test sets that outcomes read.

    An end task's own file stays, unless there are rows on its dev file.

    Raises:
        UserError: no set was scored on dev.
    """
    is_dev, is_end_task = scores["split"] == "dev", scores["kind"] == END_TASK
    if not (is_dev & ~is_end_task).any():
        raise UserError(
            "expected scores on dev sets (`split: dev` in the study's probes), found "
            f"{', '.join(sorted(scores['split'].unique())) or 'none'} alone"
        )
    has_dev = scores["probe"].isin(scores.loc[is_dev & is_end_task, "probe"])
    return scores[is_dev | (is_end_task & ~has_dev)].assign(split="test")


def of_order(rows: pd.DataFrame, order: str) -> pd.DataFrame:
    """The rows of an order; of a domain alone only its own end task."""
    if not order.startswith(ALONE):
        return rows
    return rows[(rows["kind"] != END_TASK) | (rows["subset"] == order.removeprefix(ALONE))]


def gates(values: Values) -> dict[str, bool]:
    """What had to be reached, and whether it was; a number that is missing reaches nothing."""
    get = {row: values.get(row, np.nan) for row in ROWS}
    lost = values.get("lost", get["naive, own"] - get["naive, final"])
    return {
        f"own, full: {OWN:.0f} or more": get["own, full"] >= OWN,
        f"own, adapters: {GAIN:.0f} above the base": get["own, adapters"] - get["base"] >= GAIN,
        f"own, LoRA: {GAIN:.0f} above the base": get["own, LoRA"] - get["base"] >= GAIN,
        f"pool: between naive and {CEILING:.0f}": get["naive, final"] <= get["pool"] <= CEILING,
        f"naive: loses {LOST:.0f} or more": lost >= LOST,
    }


if __name__ == "__main__":
    main()
