"""Nodes by words: `xs/ewc/forward/2@0` is easier to read than an id, and says as much."""

import re

from lethe.longtables.run import Run
from lethe.planning.nodes import Plan
from lethe.planning.several_recipes import with_several_recipes

DIGEST = re.compile(r"-[0-9a-f]{12}$")


def node_words(plan: Plan) -> dict[str, str]:
    """By id, every node of a plan in words.

    A checkpoint is MODEL/METHOD/ORDER/STAGE@SEED, a base MODEL/base@SEED; what is made of a
    checkpoint is that and its own name, and all else its id without the digest. Of runs that share
    a checkpoint the first gives it its words.
    """
    words: dict[str, str] = {}
    several = [run for group in with_several_recipes(plan.runs) for run in group]
    for run in plan.runs:
        for stage, checkpoint in enumerate(run.checkpoints):
            words.setdefault(checkpoint, checkpoint_words(run, stage, run in several))
    for node in plan.nodes.values():
        if "checkpoint" in node.spec:
            made = node.spec.get("probe") or node.spec.get("end_task")
            of = words.get(node.spec["checkpoint"], node.spec["checkpoint"])
            words[node.id] = f"{of} {made}"
        else:
            words.setdefault(node.id, DIGEST.sub("", node.id))
    return words


def checkpoint_words(run: Run, stage: int, with_recipe: bool = False) -> str:
    """The words of a run's checkpoint after a stage (0: the base)."""
    if stage == 0:
        return f"{run.model}/base@{run.base_seed or 0}"
    method = run.method if run.parametrisation == "full" else f"{run.method}+{run.parametrisation}"
    method += f"+{run.recipe}" if with_recipe else ""
    name = f"{run.model}/{method}/{run.order}/{stage}@{run.train_seed or 0}"
    return f"{name} ({run.stages[stage]})"
