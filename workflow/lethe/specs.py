"""The specs of a plan as files, and the index from ids to words."""

import csv
import io
from pathlib import Path

from lethe.artefacts import write_atomic, write_json
from lethe.paths import spec_file
from lethe.planning.nodes import Plan

COLUMNS = ["node", "kind", "model", "world_seed", "base_seed", "method", "order", "train_seed"]
COLUMNS += ["stage_index", "history"]


def write_specs(plan: Plan, results: Path | str) -> None:
    """Write the specs that are not there yet, and the index of all nodes ever planned.

    A spec's name holds its digest, so a file that exists is right.
    """
    for node in plan.nodes.values():
        path = spec_file(results, node.id)
        if not path.exists():
            write_json(path, node.spec)
    _write_index(plan, Path(results) / "index.csv")


def _write_index(plan: Plan, path: Path) -> None:
    rows = _read_index(path)
    before = dict(rows)
    for run in plan.runs:
        for index, checkpoint in enumerate(run.checkpoints):
            words = [run.model, *("" if s is None else s for s in (run.world_seed, run.base_seed))]
            train_seed = "" if run.train_seed is None else run.train_seed
            words += ["", "", ""] if index == 0 else [run.method, run.order, train_seed]
            history = "+".join(run.stages[1 : index + 1])
            kind = plan.nodes[checkpoint].kind
            # Two orders with a common prefix share it: the first one names it.
            row = [checkpoint, kind, *map(str, words), str(index), history]
            rows.setdefault(checkpoint, row)
            for probe in plan.probes[checkpoint]:
                rows.setdefault(probe, [probe, "probe", *row[2:]])
            for end_task in plan.end_tasks.get(checkpoint, ()):
                rows.setdefault(end_task, [end_task, "end_task", *row[2:]])
    for node in [*plan.of_kind("data"), *plan.of_kind("fetched")]:
        rows.setdefault(node.id, [node.id, node.kind, *[""] * (len(COLUMNS) - 2)])
    if rows != before:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows[key] for key in sorted(rows))
        write_atomic(path, text.getvalue())


def _read_index(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {row[0]: row for row in list(csv.reader(file))[1:] if len(row) == len(COLUMNS)}
