"""Rows of stages.csv: what each stage cost, and what its method recorded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.paths import node_manifest
from lethe.errors import UserError
from lethe.longtables.data_rows import DataRows
from lethe.longtables.rows import OF_RUN, SCHEMA_VERSION
from lethe.longtables.run import ALONE, Run, run_of

BASE_SEED, MISSED, EXPECTED = "base.seed", "base.missed.", "base.expected."
"""Of the first stage of a chain whose base's first seed missed a floor: the seed that stands for
it; the dev scores that missed and their floors, followed by the name of the set."""
RATE, CURVE, LEVEL = "recipe.learning_rate", "recipe.curve", "references.level"
"""Of the first stage of a chain, in studies with references: the peak learning rate; a number that
chains share whose recipes differ in it alone; of a reference chain, the level of comparisons."""


def stage_rows(record: dict[str, Any], results: Path) -> list[dict]:
    """One row per run, stage and number; stages that were not trained here have none.

    Raises:
        UserError: a stage's manifest is altered, or only some stages of a chain have manifests.
    """
    rows, data = [], DataRows(record, results)
    for run in map(run_of, record["runs"]):
        words = {name: run.row()[name] for name in OF_RUN}
        manifests = [_read(results, node) for node in run.checkpoints[1:]]
        if None in manifests and any(manifests):
            absent = node_manifest(results, "stage", run.checkpoints[1 + manifests.index(None)])
            raise UserError(f"{absent}: is missing, though others of its chain exist; run it.")
        for index, manifest in enumerate(filter(None, manifests), start=1):
            place = {"stage_index": index, "stage_task": run.stages[index]}
            rows += [{**words, **place, **row} for row in _numbers(manifest)]
            counts = data.left_out(manifest) | data.also_taught(run, manifest)
            rows += [{**words, **place, **row} for row in _rows(manifest, counts)]
        if len(manifests) and manifests[0] is not None:
            place = {"stage_index": 1, "stage_task": run.stages[1]}
            of_chain = _equal_learning(record, run) | data.asked_left_out(run)
            of_chain |= _another_base(results, manifests[0])
            rows += [{**words, **place, **row} for row in _rows(manifests[0], of_chain)]
    return rows


def _read(results: Path, node: str) -> dict[str, Any] | None:
    """The manifest of a stage; None for a checkpoint that was not trained here."""
    path = node_manifest(results, "stage", node)
    if not path.exists():
        return None
    return read_manifest(path)


def _numbers(manifest: dict[str, Any]) -> Iterator[dict]:
    """The numbers of one stage: costs, what became of texts, what the method recorded.

    Layers and units count from 0.
    """
    costs = {
        "cost.steps": manifest["steps"],
        "cost.tokens": manifest["tokens"] + manifest.get("replayed", 0),
        "cost.flops": manifest["flops"],
        "cost.seconds": manifest["seconds"],
        "cost.cpu_seconds": manifest["cpu_seconds"]["training"],
    }
    if manifest.get("replayed"):
        costs["cost.replayed"] = manifest["replayed"]
    if "peak_memory" in manifest:
        costs["cost.peak_memory"] = manifest["peak_memory"]
    # Older manifests, from before methods could record anything, have no record.
    texts = _cuts(manifest) | _rewritten(manifest)
    yield from _rows(manifest, costs | texts | manifest.get("record", {}))


def _equal_learning(record: dict[str, Any], run: Run) -> dict[str, float]:
    """What comparisons at equal learning need to know of a chain; nothing without references."""
    planned = record.get("equal_learning")
    if planned is None:
        return {}
    of_stage = planned["rates"][run.checkpoints[1]]
    found = {RATE: of_stage["rate"], CURVE: of_stage["curve"]}
    return found | ({LEVEL: planned["level"]} if run.order.startswith(ALONE) else {})


def _another_base(results: Path, first: dict[str, Any]) -> dict[str, float]:
    """What the base's first seed missed, and the seed that was taken; nothing if it is the first.

    first: of the first stage. A tuned model's base is a stage on another base.
    """
    spec = first.get("spec", {})
    while spec.get("parent_kind") == "stage":
        parent = _read(results, spec["parent"])
        spec = parent["spec"] if parent else {}
    path = node_manifest(results, "base", spec.get("parent", ""))
    if spec.get("parent_kind") != "base" or not path.exists():
        return {}
    base = read_manifest(path)
    tried = base.get("attempts", [])
    if len(tried) < 2:
        return {}
    found: dict[str, float] = {BASE_SEED: base["seed"]}
    for task in tried[0]["below_floor"]:
        found[f"{MISSED}{task}"] = tried[0]["dev"][task]
        found[f"{EXPECTED}{task}"] = base["spec"]["floors"][task]
    return found


def _rows(manifest: dict[str, Any], measures: dict[str, Any]) -> Iterator[dict]:
    """A row for every number of a stage."""
    words = {
        "node": manifest["id"],
        "params": manifest["parameters"],
        "device": manifest["provenance"]["device"],
        "schema_version": SCHEMA_VERSION,
    }
    for measure, values in measures.items():
        for (layer, unit), value in _cells(values):
            yield {**words, "measure": measure, "layer": layer, "unit": unit, "value": value}


def _cuts(manifest: dict[str, Any]) -> dict[str, int]:
    """Texts that were longer than `max_length`, and their tokens that were left out; or nothing."""
    cuts = [cut for kinds in manifest.get("cut", {}).values() for cut in kinds.values()]
    sums = {name: sum(cut[name] for cut in cuts) for name in ("examples", "tokens")}
    return {"cut.texts": sums["examples"], "cut.tokens": sums["tokens"]} if cuts else {}


def _rewritten(manifest: dict[str, Any]) -> dict[str, int]:
    """How many texts the tokenizer could not write, or wrote otherwise; what is 0 is left out."""
    names = ("with_unknown_tokens", "rewritten_by_tokenizer")
    found = {f"texts.{name}": manifest.get("texts", {}).get(name, 0) for name in names}
    return {name: count for name, count in found.items() if count}


def _cells(values: Any) -> Iterator[tuple[tuple[int | None, int | None], float]]:
    """((layer, unit), number) of a number, of [layers] or of [layers, units]."""
    if not isinstance(values, list):
        yield (None, None), values
        return
    for layer, inner in enumerate(values):
        if not isinstance(inner, list):
            yield (layer, None), inner
            continue
        yield from (((layer, unit), value) for unit, value in enumerate(inner))
