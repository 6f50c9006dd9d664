"""Nodes of end tasks: copies of checkpoints that are fine-tuned and scored."""

from lethe.config.catalogue import Catalogue, Study
from lethe.config.end_tasks import EndTask
from lethe.config.reading import selected
from lethe.longtables.run import Run
from lethe.parameters.entries import parse_mixture
from lethe.parameters.families import END_TASK_FAMILIES
from lethe.planning.data import add_data
from lethe.planning.nodes import Plan


def add_end_tasks(
    plan: Plan, study: Study, catalogue: Catalogue, run: Run, slugs: list[str]
) -> None:
    """The end-task nodes of a run's checkpoints; nodes that several runs share are added once.

    Encoder-decoders have no end tasks.

    Args:
        slugs: of the run's checkpoints, in order.
    """
    if run.family not in END_TASK_FAMILIES:
        return
    for stage, (checkpoint, slug) in enumerate(zip(run.checkpoints, slugs, strict=True)):
        for name in selected(study, "end_tasks", run.model):
            if is_wanted(study.end_task_cells, catalogue.end_tasks[name].task, run.stages, stage):
                add_end_task(plan, study, catalogue, checkpoint, name, run.world_seed, slug)


def is_wanted(cells: str, task: str, stages: tuple[str, ...], stage: int) -> bool:
    """Whether an end task is scored after a stage (0: the base, whose mixture is empty).

    `published`: at stage 0, after the stage that trains on its domain, and after the last of
    several stages; a model of a single domain has that domain's end task.
    """
    if cells == "all" or stage == 0 or (stage > 1 and stage == len(stages) - 1):
        return True
    return task in [name for name, _ in parse_mixture(stages[stage])]


def add_end_task(
    plan: Plan,
    study: Study,
    catalogue: Catalogue,
    checkpoint: str,
    name: str,
    world_seed: int | None,
    slug: str,
) -> None:
    """The node of one checkpoint and end task; every seed is in its spec."""
    entry = catalogue.end_tasks[name]
    kind = plan.nodes[checkpoint].kind
    data = add_data(plan, catalogue, entry.source, world_seed)
    spec = {
        "checkpoint": checkpoint,
        "checkpoint_kind": kind,
        "end_task": name,
        "data": data.id,
        "data_kind": data.kind,
        **entry.model_dump(exclude=_not_in_spec(entry)),
        "seeds": list(study.seeds.end_task),
    }
    size = plan.sizes.get(checkpoint, 0.0)
    node = plan.add("end_task", f"{slug}-{name}", spec, size)
    node_ids = plan.end_tasks.setdefault(checkpoint, [])
    if node.id not in node_ids:
        node_ids.append(node.id)


def _not_in_spec(entry: EndTask) -> set[str]:
    """Keys that change no result, and later ones where they have their default."""
    later = ("dtype", "reads", "folds")
    defaults = {key: EndTask.model_fields[key].default for key in later}
    return {"source", "task", *(key for key in later if getattr(entry, key) == defaults[key])}
