"""Gather the scores of a study into the table of scores and the tables of items."""

from pathlib import Path
from typing import Any

from lethe.artefacts.nodes import read_results
from lethe.artefacts.paths import node_manifest
from lethe.longtables.axes import DOMAIN
from lethe.longtables.end_task_items import PREFIX, end_task_items
from lethe.longtables.end_task_rows import end_task_rows, read_end_tasks
from lethe.longtables.headlines import require_scores
from lethe.longtables.items import ItemsWriter
from lethe.longtables.rows import SCHEMA_VERSION, UNSCORED
from lethe.longtables.run import Run, method_words, run_of
from lethe.longtables.same_versions import Scored, require_same

OF_RESULT = ("version", "shots", "n", "lm_eval_version", "task_digest", "engine", "dtype")
"""What a probe's result says of how it was made."""


def gather(record: dict[str, Any], results: Path, items: ItemsWriter) -> list[dict]:
    """Rows of the scores table, one per run, stage and score; items go to their writer.

    Stage 0 is scored once per base and joined to every run from that base. The items of one probe
    at a time are in memory.

    Raises:
        UserError: a probe result is missing or altered, a task of a chain was not scored in the
            same way after all stages, or a set lacks the metric that its probe names.
    """
    probes = {}
    for checkpoint, nodes in sorted(record["probes"].items()):
        for node in nodes:
            probes[node] = read_results(results, "probe", node)
            tasks = {task["name"]: task for task in probes[node]["spec"]["tasks"]}
            for result in probes[node]["results"]:
                name = result["task"]
                scope = scope_of(probes[node]["spec"], tasks[name]) or result.get(
                    "cluster_source", ""
                )
                found = [
                    with_scope(with_metrics(item, tasks[name]["metric"]), scope)
                    for item in result.pop("items")
                ]
                items.add(checkpoint, name, found)
    runs = [run_of(entry) for entry in record["runs"]]
    for run in runs:
        require_same_versions(run, record, probes, results)
    end_tasks = read_end_tasks(record, results)
    for checkpoint, nodes in sorted(record.get("end_tasks", {}).items()):
        for node in nodes:
            if found := end_task_items(end_tasks[node]):
                items.add(checkpoint, PREFIX + end_tasks[node]["spec"]["end_task"], found)
    scores = [row for run in runs for row in run_rows(run, record, probes, end_tasks)]
    require_scores(scores)
    return scores


def scope_of(spec: dict[str, Any], task: dict[str, Any]) -> str:
    """What a task's names of clusters are from: its data, or the folder of its file; or not known.

    Sets of one source may ask of the same things, as domains of one world share stems.
    """
    return task.get("data") or spec.get("include_sha256") or ""


def with_scope(item: dict, scope: str) -> dict:
    """An item with the scope of its cluster's name; a name that is the item's own needs none."""
    return item | {"cluster_scope": "" if item["cluster_id"] == item["item_id"] else scope}


def with_metrics(item: dict, headline: str) -> dict:
    """An item with its value of every metric.

    Items that were imported before these were kept have the headline's value alone.
    """
    return item if "metrics" in item else {**item, "metrics": {headline: item["correct"]}}


def require_same_versions(run: Run, record: dict, probes: dict[str, dict], results: Path) -> None:
    """Refuse a chain in which an evaluation task was not scored in the same way in all stages."""
    by_task: dict[str, list[Scored]] = {}
    stages = zip(run.checkpoints, run.stages, strict=True)
    for index, (checkpoint, mixture) in enumerate(stages):
        for node in record["probes"][checkpoint]:
            again = f"remove {node_manifest(results, 'probe', node)} and run again"
            if "imported" in probes[node]["spec"]:
                again = "run lm_eval on its checkpoint and name the new result file"
            for result in probes[node]["results"]:
                keys = (
                    "version",
                    "shots",
                    "n",
                    "lm_eval_version",
                    "task_digest",
                    "engine",
                    "dtype",
                )
                values = {key: str(result[key]) for key in keys}
                scored = Scored(index, mixture, again, values)
                by_task.setdefault(result["task"], []).append(scored)
    chain = f"{run.model}, {method_words(run.method, run.parametrisation)}, {run.order}"
    for task, scores in by_task.items():
        require_same(task, chain, scores)


def run_rows(run: Run, record: dict, probes: dict[str, dict], end_tasks: dict) -> list[dict]:
    """All score rows of one run."""
    rows: list[dict] = []
    since: list[str] = []
    for index, (checkpoint, mixture) in enumerate(zip(run.checkpoints, run.stages, strict=True)):
        since += [mixture] if index else []
        words = {
            "node": checkpoint,
            **run.row(),
            "end_task_seed": None,
            "stage_index": index,
            "stage_task": UNSCORED.join(since),
            "schema_version": SCHEMA_VERSION,
        }
        before = len(rows)
        for node in record["probes"][checkpoint]:
            probe = probes[node]
            headlines = {task["name"]: task["metric"] for task in probe["spec"]["tasks"]}
            for result in probe["results"]:
                sized = {**words, "params": probe["parameters"]}
                headline = headlines[result["task"]]
                rows += score_rows(sized, result, record["own"], headline)
        for node in record.get("end_tasks", {}).get(checkpoint, ()):
            rows += end_task_rows(words, end_tasks[node], record["domains"])
        if len(rows) > before:
            since = []
    return rows


def kind_of(result: dict, own: dict[str, str]) -> str:
    """The kind of a score's row: how the score was made.

    Cloze on another axis than that of domains is a test of general ability.
    """
    if result["axis"] == DOMAIN and any(score["metric"] == "cloze" for score in result["scores"]):
        return "cloze"
    for kind in ("mlm", "lm"):
        if any(score["metric"] == f"{kind}_loss" for score in result["scores"]):
            return kind
    return "own_task" if result["task"] in own else "probe"


def score_rows(words: dict, result: dict, own: dict[str, str], headline: str) -> list[dict]:
    """The rows of one evaluation task on one checkpoint; `headline` is the metric for tables."""
    shared = {
        **words,
        "kind": kind_of(result, own),
        "axis": result["axis"],
        "probe": result["task"],
        "split": result["split"],
        "shots": result["shots"],
        "chance": result["chance"],
        "engine": result["engine"],
        "dtype": result["dtype"],
        "task_version": str(result["version"]),
        "task_digest": result["task_digest"],
        "lm_eval_version": result["lm_eval_version"],
    }
    return [
        {**shared, **score, "headline": score["metric"] == headline} for score in result["scores"]
    ]
