"""Grid of a study's chains by stages: what is done, scored, running or failed, and why."""

import argparse
from pathlib import Path

from lethe.artefacts.locks import is_held
from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.paths import node_manifest, study_directory, work_directory
from lethe.commands.arguments import add_study_arguments, read
from lethe.display.failures import error_line
from lethe.errors import UserError, one_line
from lethe.jobs.live import read_live
from lethe.planning.nodes import Plan
from lethe.planning.plan import make_plan
from lethe.planning.several_recipes import with_several_recipes
from lethe.planning.workflow import node_standing

LEGEND = "# scored   o trained   > running   ! failed   . to do"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    study, catalogue = read(arguments)
    plan = make_plan(study, catalogue)
    results = Path(study.output)
    several = [run for group in with_several_recipes(plan.runs) for run in group]
    named = [run_words(run, run in several) for run in plan.runs]
    width = max(map(len, named))
    print(f"study {study.study}: one column per stage, the first is the base\n")
    failures, running = {}, {}
    found = node_standing(study, catalogue, plan)
    counted = {job.name for job in found.done}
    for chain, words_of_chain in zip(plan.runs, named, strict=True):
        marks = []
        for node in chain.checkpoints:
            mark, why = state(plan, results, node, counted)
            marks.append(mark)
            if why:
                failures[node] = why
            running |= live(plan, results, node)
        print(f"{words_of_chain:<{width}}  {' '.join(marks)}")
    print(f"\n{LEGEND}")
    for line in found.lines():
        print(line)
    for node in plan.of_kind("base"):
        for warning in of_base(node_manifest(results, "base", node.id)):
            print(f"warning: {node.id}: {warning}")
    for warning in warnings(study_directory(results, study.study)):
        print(f"warning: {warning}")
    for node, words in running.items():
        print(f"running: {node}: {words or 'has begun'}")
    for node, why in failures.items():
        print(f"failed: {node}: {one_line(why)}")


def run_words(run, with_recipe: bool = False) -> str:
    """The words that distinguish a run from the others."""
    named = {"w": run.world_seed, "b": run.base_seed, "t": run.train_seed}
    seeds = [f"{letter}{seed}" for letter, seed in named.items() if seed is not None]
    recipe = [] if run.parametrisation == "full" else [run.parametrisation]
    recipe += [run.recipe] if with_recipe else []
    return " ".join([run.model, run.method, *recipe, run.order, *seeds])


def state(plan: Plan, results: Path, node: str, counted: set[str]) -> tuple[str, str]:
    """The mark of a checkpoint, and why it failed if it did.

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
            return "!", why
    return ("o" if done[0] else "."), ""


def jobs_of(plan: Plan, node: str) -> list[tuple[str, str]]:
    """(kind, id) of what a checkpoint's column stands for.

    These are its own job, then the data that it needs, and then its probes and end tasks.
    """
    chains = ("base", "stage")  # these have columns of their own
    data = [(kind, name) for kind, name in plan.nodes[node].inputs if kind not in chains]
    jobs = [(plan.nodes[node].kind, node), *data]
    jobs += [("probe", probe) for probe in plan.probes[node]]
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


def warnings(folder: Path) -> list[str]:
    """What would mislead a reader of a study's scores; empty if there are none yet."""
    scores, stages = folder / "scores.csv", folder / "stages.csv"
    if not scores.is_file():
        return []
    from lethe.longtables.tables import read_scores, read_stages
    from lethe.metrics.warnings import sentence, study_warnings

    of_stages = read_stages(stages) if stages.is_file() else None
    found = study_warnings(read_scores(scores), of_stages)
    return [sentence(row) for row in found.to_dict("records")]
