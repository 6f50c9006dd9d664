"""What one checkpoint of a study costs to score: `python benchmarks/checkpoint_scores.py`.

The base models of a study that has run (`--output`), each on the tasks of its probe, from loading
the checkpoint to the results: `lm_eval.simple_evaluate` with an HFLM, and Lethe's probe with either
engine, in turn, in processor seconds; imports are done before. Scores that both have must agree:
accuracies exactly, others to 1e-4. Prints a Markdown table.
"""

import argparse
import contextlib
import gc
import logging
import statistics
import tempfile
import time
from pathlib import Path

import lm_eval
import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import node_directory
from lethe.commands.probe import eval_task
from lethe.evaluation.checkpoint import open_checkpoint
from lethe.evaluation.harness import score_checkpoint

EXACT = ("acc", "acc_norm", "pct_stereotype")
BATCH = 64
TOLERANCE = 1e-4


def probes(results: Path) -> dict[str, dict]:
    """Specs of the probes that score a base on lm-eval's tasks, by the base's name."""
    found = {}
    for path in sorted((results / "specs").glob("*.json")):
        spec = read_json(path)
        scored = spec.get("kind") == "probe" and spec.get("checkpoint_kind") == "base"
        # What lm-eval is asked here has no limit and no shots, and reads a world's own YAML.
        if scored and spec["limit"] is None and all(map(asked_plainly, spec["tasks"])):
            found[spec["checkpoint"]] = spec
    if not found:
        raise SystemExit(
            f"{results}: no base was scored on a generated world there; expected the results of "
            "the default study, or of one like it."
        )
    return found


def asked_plainly(task: dict) -> bool:
    """Whether a task is lm-eval's on generated data, without examples in the prompt."""
    return not task.get("texts") and task["data_kind"] == "data" and not task["shots"]


def by_lm_eval(checkpoint: Path, tasks: list) -> dict[str, dict]:
    """Metrics of every task, as lm-eval computes them by itself."""
    model, tokenizer = open_checkpoint(checkpoint, "float32")
    folder = tasks[0].include_path
    with contextlib.chdir(folder):  # the tasks name their data from there
        found = lm_eval.simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=BATCH),
            tasks=[task.name for task in tasks],
            task_manager=TaskManager(include_path=folder, include_defaults=False),
            bootstrap_iters=0,
        )
    return {
        name: {metric.partition(",")[0]: value for metric, value in metrics.items()}
        for name, metrics in found["results"].items()
    }


def by_lethe(checkpoint: Path, tasks: list, engine: str) -> dict[str, dict]:
    """The same by a probe."""
    with tempfile.TemporaryDirectory() as store:
        found = score_checkpoint(checkpoint, "", tasks, Path(store), engine=engine)
    return {
        result["task"]: {
            row["metric"]: row["value"] for row in result["scores"] if not row["subset"]
        }
        for result in found
    }


def check(name: str, ours: dict[str, dict], theirs: dict[str, dict]) -> None:
    """Raises SystemExit: a score is another one; no time of a wrong answer is told."""
    for task, metrics in ours.items():
        if not metrics.keys() & theirs[task].keys():
            raise SystemExit(f"{name}, {task}: no score to compare")
        for metric in metrics.keys() & theirs[task].keys():
            apart = abs(metrics[metric] - theirs[task][metric])
            if apart > (0 if metric in EXACT else TOLERANCE):
                raise SystemExit(f"{name}, {task}, {metric}: differs by {apart:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("results"), help="of a study")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    systems = {
        "lm-eval": by_lm_eval,
        "Lethe, stock": lambda *given: by_lethe(*given, "stock"),
        "Lethe, fast": lambda *given: by_lethe(*given, "fast"),
    }
    print("| model | system | processor seconds (range) | lm-eval's over it | n |")
    print("|---|---|---|---|---|")
    results = arguments.output.resolve()
    for name, spec in probes(results).items():
        checkpoint = node_directory(results, "base", name)
        tasks = [eval_task(task, results, spec) for task in spec["tasks"]]
        taken: dict[str, list[float]] = {system: [] for system in systems}
        gc.collect()
        gc.freeze()  # as in the jobs of the fork server
        for _ in range(arguments.repeats):
            found = {}
            for system, score in systems.items():
                begun = time.process_time()
                found[system] = score(checkpoint, tasks)
                taken[system].append(time.process_time() - begun)
            for system in list(systems)[1:]:
                check(f"{name}, {system}", found[system], found["lm-eval"])
        theirs = statistics.median(taken["lm-eval"])
        for system, seconds in taken.items():
            middle = statistics.median(seconds)
            print(
                f"| {name.partition('-')[0]} | {system} | {middle:.2f} ({min(seconds):.2f} to "
                f"{max(seconds):.2f}) | {theirs / middle:.2f} | {len(seconds)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
