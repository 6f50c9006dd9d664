"""Grid of a study's chains by stages: what is done, scored, running or failed, and why."""

import argparse
import json
from pathlib import Path
from typing import Any

from lethe.artefacts.locks import is_held
from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.paths import node_manifest, study_directory, work_directory
from lethe.artefacts.study_files import check_long_tables
from lethe.commands.arguments import add_study_arguments, read
from lethe.commands.missing_chains import missing_chains
from lethe.commands.watching import watch
from lethe.config.catalogue import Catalogue, Study
from lethe.display.failures import error_line, is_interruption
from lethe.errors import UserError, one_line
from lethe.jobs.live import read_live
from lethe.longtables.node_words import Words
from lethe.planning.nodes import Plan
from lethe.planning.plan import make_plan
from lethe.planning.workflow import node_standing
from lethe.terminal import paint

DESCRIBED = ("model", "method", "parametrisation", "recipe", "order")
DESCRIBED += ("world_seed", "base_seed", "train_seed")
STATES = {"#": "scored", "o": "trained", ">": "running", "~": "interrupted", "!": "failed"}
STATES |= {".": "to do"}
COLOURS = {"#": "green", "o": "cyan", ">": "yellow", "~": "yellow", "!": "red", ".": "grey"}
MARKS = {name: mark for mark, name in STATES.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print everything as JSON")
    form.add_argument("--watch", action="store_true", help="follow a run until it ends")


def run(arguments: argparse.Namespace) -> None:
    study, catalogue = read(arguments)
    if arguments.watch:
        watch(make_plan(study, catalogue), study.study, Path(study.output))
        return
    found = standing_of(study, catalogue)
    print(json.dumps(found, indent=2) if arguments.json else as_text(found))


def standing_of(study: Study, catalogue: Catalogue) -> dict[str, Any]:
    """Where every checkpoint of a study stands, as plain data.

    `chains` has a row a chain, with its `stages` from the base on; `again` says what is done again
    and why, `warnings` what would mislead a reader of the scores.
    """
    plan = make_plan(study, catalogue)
    results = Path(study.output)
    words = Words(plan.runs)
    standing = node_standing(study, catalogue, plan)
    counted = {job.name for job in standing.done}
    seen = {node: _checkpoint(plan, results, node, counted) for node in words.of_nodes()}
    chains = [
        {
            "chain": words.chain(run),
            **{name: getattr(run, name) for name in DESCRIBED},
            "stages": [
                {"words": words.checkpoint(run, index), "stage": run.stages[index], **seen[node]}
                for index, node in enumerate(run.checkpoints)
            ],
        }
        for run in plan.runs
    ]
    folder = study_directory(results, study.study)
    return {
        "study": study.study,
        "chains": chains,
        "again": list(standing.lines()),
        "warnings": [
            *(
                f"{node.id}: {warning}"
                for node in plan.of_kind("base")
                for warning in of_base(node_manifest(results, "base", node.id))
            ),
            *of_earlier(study, catalogue, folder),
            *warnings(folder),
        ],
    }


def _checkpoint(plan: Plan, results: Path, node: str, counted: set[str]) -> dict[str, Any]:
    """Id, state, why it failed or was interrupted if so, and by id how far its running jobs are."""
    mark, why = state(plan, results, node, counted)
    return {"node": node, "state": STATES[mark], "why": why, "jobs": live(plan, results, node)}


def as_text(found: dict[str, Any]) -> str:
    """The grid, a row a chain, and below it what is said in sentences."""
    marks = {name: paint(mark, COLOURS[mark]) for mark, name in STATES.items()}
    width = max(len(chain["chain"]) for chain in found["chains"])
    lines = [f"study {found['study']}: one column per stage, the first is the base", ""]
    for chain in found["chains"]:
        row = " ".join(marks[stage["state"]] for stage in chain["stages"])
        lines.append(f"{chain['chain']:<{width}}  {row}")
    lines += ["", "   ".join(f"{marks[name]} {name}" for name in STATES.values())]
    lines += found["again"]
    lines += [f"{paint('warning:', 'yellow')} {warning}" for warning in found["warnings"]]
    # Chains that begin alike share stages: each is told of once.
    stages = {stage["node"]: stage for chain in found["chains"] for stage in chain["stages"]}
    for stage in stages.values():
        for node, words in stage["jobs"].items():
            which = stage["words"] if node == stage["node"] else f"{stage['words']}, {node}"
            lines.append(f"{paint('running:', 'yellow')} {which}: {words or 'has begun'}")
    for stage in stages.values():
        if stage["why"]:
            which = f"{stage['words']} ({stage['node']})"
            name = stage["state"]
            said = paint(f"{name}:", COLOURS[MARKS[name]])
            lines.append(f"{said} {which}: {one_line(stage['why'])}")
    return "\n".join(lines)


def state(plan: Plan, results: Path, node: str, counted: set[str]) -> tuple[str, str]:
    """The mark of a checkpoint, and why it failed or was interrupted if so.

    counted: ids of the nodes that count as done.
    """
    jobs = jobs_of(plan, node)
    done = [name in counted for _, name in jobs]
    if all(done):
        return "#", ""
    if any(is_held(work_directory(results, name) / "lock") for _, name in jobs):
        return ">", ""
    for (job, name), finished in zip(jobs, done, strict=True):
        why = "" if finished else error_line(results / "logs" / job / f"{name}.log")
        if why:
            return ("~" if is_interruption(why) else "!"), why
    return ("o" if done[0] else "."), ""


def jobs_of(plan: Plan, node: str) -> list[tuple[str, str]]:
    """(kind, id) of what a checkpoint's column stands for.

    These are its own job, then the data that it needs, and then its probes and end tasks.
    """
    chains = ("base", "stage")  # these have columns of their own
    data = [(kind, name) for kind, name in plan.nodes[node].inputs if kind not in chains]
    jobs = [(plan.nodes[node].kind, node), *data]
    jobs += [("probe", probe) for probe in plan.probes[node].values()]
    return jobs + [("end_task", end_task) for end_task in plan.end_tasks.get(node, ())]


def live(plan: Plan, results: Path, node: str) -> dict[str, str]:
    """By id, how far each running job of a checkpoint is."""
    folders = {name: work_directory(results, name) for _, name in jobs_of(plan, node)}
    return {name: read_live(path) for name, path in folders.items() if is_held(path / "lock")}


def of_base(manifest: Path) -> list[str]:
    """Where the configuration of a base contradicts its weights; empty if it is not there."""
    try:
        return read_manifest(manifest).get("warnings", [])
    except (OSError, UserError):
        return []


def of_earlier(study: Study, catalogue: Catalogue, folder: Path) -> list[str]:
    """A sentence if a study's results lack chains of its file: whose warnings the others are."""
    try:
        missing = missing_chains(study, catalogue, folder)
    except UserError:  # `warnings` says it of the altered file
        return []
    told = "the warnings on scores and the headline are of the earlier results"
    return [f"{missing} Until then {told}."] if missing else []


def warnings(folder: Path) -> list[str]:
    """What would mislead a reader of a study's scores; empty if there are none yet.

    Of tables that were altered or cut since they were made, the sentence that says so alone.
    """
    scores, stages = folder / "scores.csv", folder / "stages.csv"
    if not scores.is_file():
        return []
    try:
        check_long_tables(folder, items=False)
    except UserError as error:
        return [str(error)]
    from lethe.longtables.tables import read_scores, read_stages
    from lethe.metrics.warnings import sentence, study_warnings

    of_stages = read_stages(stages) if stages.is_file() else None
    found = study_warnings(read_scores(scores), of_stages)
    return [sentence(row) for row in found.to_dict("records")]
