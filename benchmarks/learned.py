"""Are the new tasks really learned? `python benchmarks/learned.py --worlds 204`.

Each stage of the forward order of a finished study is trained again from the same parent for four
times the steps; the gain on the dev split of its own task is compared. Prints a Markdown table.
"""

import argparse
import tempfile
from pathlib import Path

from lethe.artefacts.files import sha256_file
from lethe.artefacts.paths import node_directory
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.evaluation.harness import EvalTask, score_checkpoint
from lethe.jobs.environment import one_thread
from lethe.planning.plan import make_plan
from lethe.training.stage import train_stage

TIMES = 4


def dev_score(directory: Path, task: EvalTask, metric: str, store: Path) -> float:
    """The headline metric on the dev split."""
    weights = sha256_file(directory / "model.safetensors")
    (result,) = score_checkpoint(directory, weights, [task], store)
    return next(r["value"] for r in result["scores"] if (r["metric"], r["subset"]) == (metric, ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", type=int, default=[204], help="world seeds")
    parser.add_argument("--models", nargs="+", help="models, all of the default study if not given")
    parser.add_argument("--results", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    one_thread()
    chosen = {"seeds": {"world": arguments.worlds}}
    if arguments.models:
        chosen["models"] = arguments.models
    study = parse_study(merge(read_yaml(DEFAULT), chosen))
    catalogue = read_catalogue(study)
    plan = make_plan(study, catalogue)
    evaluations = {
        name: entry for probe in catalogue.probes.values() for name, entry in probe.tasks.items()
    }
    print(f"| model | world | task | metric | before | after | {TIMES} x steps | share of gain |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for run in plan.runs:
            if run.order == "forward":
                for node, task in zip(run.checkpoints[1:], run.stages[1:], strict=True):
                    own = catalogue.tasks[task].own
                    metric = evaluations[own].metric
                    row = compare(plan.nodes[node], own, metric, arguments.results, Path(scratch))
                    words = f"| {run.model} | {run.world_seed} | {task} | {metric} |"
                    print(words, " | ".join(f"{value:.3f}" for value in row), "|", flush=True)


def compare(node, own: str, metric: str, results: Path, scratch: Path) -> list[float]:
    """Dev score before the stage, after it, and after TIMES the steps; the share of that gain."""
    spec = node.spec
    data = node_directory(results, "data", spec["mixture"][0]["data"])
    task = EvalTask(own, str(data / "eval"), split="dev", axis="own")
    longer = {**spec, "recipe": {**spec["recipe"], "steps": TIMES * spec["recipe"]["steps"]}}
    for kind in ("data", "bases", "stages"):
        link = scratch / kind
        if kind != "stages" and not link.exists():
            link.symlink_to((results / kind).resolve())
    if spec["parent_kind"] == "stage":
        parent = scratch / "stages" / spec["parent"]
        if not parent.exists():
            parent.parent.mkdir(exist_ok=True)
            parent.symlink_to(node_directory(results, "stage", spec["parent"]).resolve())
    train_stage("longer", longer, scratch, "by-hand", 1e9)
    folders = [
        node_directory(results, spec["parent_kind"], spec["parent"]),
        node_directory(results, "stage", node.id),
        scratch / "stages" / "longer",
    ]
    before, after, most = (dev_score(f, task, metric, scratch / "kept") for f in folders)
    return [before, after, most, (after - before) / (most - before)]


if __name__ == "__main__":
    main()
