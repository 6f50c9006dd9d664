"""The specs of a plan as files, and the index that describes each id in words."""

import csv
import io
import sys
from pathlib import Path
from typing import Any

from lethe.artefacts.files import json_text, write_atomic
from lethe.artefacts.paths import spec_file
from lethe.artefacts.strict_json import digest
from lethe.config.catalogue import Catalogue, Study
from lethe.config.claims import Claim
from lethe.config.reading import selected
from lethe.longtables.run import RUN_COLUMNS
from lethe.planning.nodes import Plan
from lethe.planning.reference_chains import learning_record

# A stage's spec holds the values of its method and recipe; the index only names its run.
OF_RUN = [name for name in RUN_COLUMNS if name not in ("method_params", "recipe")]
COLUMNS = ["node", "kind", *OF_RUN, "stage_index", "history"]


def write_specs(plan: Plan, results: Path | str) -> None:
    """Write the specs that are not there or are altered, and the index of all nodes planned."""
    for node in plan.nodes.values():
        _write_checked(spec_file(results, node.id), node.spec)
    _write_index(plan, Path(results) / "index.csv")


def _write_checked(path: Path, value: dict[str, Any]) -> None:
    """Write JSON under a name that holds its digest, unless the same is already there."""
    text = json_text(value)
    try:
        found = path.read_bytes()
    except OSError:
        found = b""
    if found != text.encode():
        if found:
            print(f"lethe: {path} was altered; it is written again", file=sys.stderr)
        write_atomic(path, text, durable=False)


def _write_index(plan: Plan, path: Path) -> None:
    rows = _read_index(path)
    before = dict(rows)
    for run in plan.runs:
        for index, checkpoint in enumerate(run.checkpoints):
            # A base has no method and no order.
            record = run.record() if index else run.origin()
            words = [record.get(name) for name in OF_RUN]
            history = "+".join(run.stages[1 : index + 1])
            kind = plan.nodes[checkpoint].kind
            # Orders with a common prefix share its nodes, which the index lists under the first.
            words = ["" if value is None else str(value) for value in words]
            row = [checkpoint, kind, *words, str(index), history]
            rows.setdefault(checkpoint, row)
            for probe in plan.probes[checkpoint].values():
                rows.setdefault(probe, [probe, "probe", *row[2:]])
            for end_task in plan.end_tasks.get(checkpoint, ()):
                rows.setdefault(end_task, [end_task, "end_task", *row[2:]])
    for node in [node for kind in ("data", "fetched", "tokens") for node in plan.of_kind(kind)]:
        rows.setdefault(node.id, [node.id, node.kind, *[""] * (len(COLUMNS) - 2)])
    if rows != before:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows[key] for key in sorted(rows))
        write_atomic(path, text.getvalue(), durable=False)


def _read_index(path: Path) -> dict[str, list[str]]:
    """Rows by node; what cannot be read is left out, since every plan writes its own rows again."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[1:]
    except OSError:
        return {}
    rows = [row for line in lines for row in _row(line)]
    return {row[0]: row for row in rows if len(row) == len(COLUMNS)}


def _row(line: str) -> list[list[str]]:
    """The row of one line, alone in a list; an empty list if it is not CSV or was damaged."""
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        return []
    return [] if "\ufffd" in line or "\0" in line else rows


def study_record(study: Study, catalogue: Catalogue, plan: Plan) -> dict[str, Any]:
    """Runs with their checkpoints, the score nodes of each, and the tasks' own tests."""
    # A chain trained elsewhere may have tasks that are not in the catalogue.
    used = {name for run in plan.runs for name in _tasks(run.stages)} & catalogue.tasks.keys()
    own = {catalogue.tasks[name].own: name for name in sorted(used) if catalogue.tasks[name].own}
    record = {
        "study": study.study,
        "bootstrap_seed": study.seeds.bootstrap,
        "own": own,
        "runs": [run.record() for run in plan.runs],
        "probes": {name: [*probes.values()] for name, probes in plan.probes.items()},
        "tables": list(study.tables or ()),
        "figures": list(study.figures or ()),
    }
    record |= learning_record(study, plan)
    if plan.end_tasks:
        domains = {name: catalogue.end_tasks[name].task for name in selected(study, "end_tasks")}
        record |= {"end_tasks": plan.end_tasks, "domains": domains}
    return record


def _tasks(stages: tuple[str, ...]) -> list[str]:
    return [part.partition(":")[0] for stage in stages if stage for part in stage.split("&")]


def write_study_record(study: Study, record: dict[str, Any]) -> str:
    """Write the record under a name that holds its digest; return the path."""
    name = f"study-{study.study}-{digest(record)[:12]}.json"
    path = Path(study.output) / "specs" / name
    _write_checked(path, record)
    return str(path)


def claims_record(study: Study, catalogue: Catalogue) -> dict[str, Any]:
    """The study's claims by name, in the order that it lists them."""
    return {
        "study": study.study,
        "claims": [{"name": name, **_claim(catalogue.claims[name])} for name in study.claims or ()],
    }


def _claim(claim: Claim) -> dict[str, Any]:
    """A claim without the keys that it does not use and that were added later."""
    record = claim.model_dump(mode="json")
    for part in record["parts"].values():
        if part["recipe"] is None:
            del part["recipe"]
    return record


def write_claims_record(study: Study, record: dict[str, Any]) -> str:
    """The record's path, whose name holds its digest; written if the study has claims."""
    # Beside the study's record: files that begin with `study-` are not specs of nodes.
    name = f"study-{study.study}-claims-{digest(record)[:12]}.json"
    path = Path(study.output) / "specs" / name
    if record["claims"]:
        _write_checked(path, record)
    return str(path)
