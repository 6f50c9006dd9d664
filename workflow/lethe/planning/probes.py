"""Nodes of probe results."""

from typing import Literal

from lethe.artefacts.local_files import folder_digest
from lethe.config.catalogue import TEXT_METRICS, Catalogue, Probe, Study
from lethe.planning.data import add_data
from lethe.planning.nodes import Node, Plan, chat_of

Place = Literal["base", "between", "last"]
"""Where in a chain a checkpoint is."""
SCORED: dict[str, tuple[Place, ...]] = {
    "all": ("base", "between", "last"),
    "ends": ("base", "last"),
    "base": ("base",),
}
"""The places that a probe scores, by its `stages`."""


def place_of(index: int, last: int) -> Place:
    """The place of a chain's checkpoint `index`, where 0 is the base."""
    return "base" if index == 0 else "last" if index == last else "between"


def add_probes(
    plan: Plan,
    study: Study,
    catalogue: Catalogue,
    names: list[str],
    checkpoint: Node,
    world_seed: int | None,
    slug: str,
    place: Place,
    only: frozenset[str] = frozenset(),
) -> None:
    """Add the probe nodes of a checkpoint: those that score its place and models of its family.

    place: of the checkpoint in a chain. Another chain may add to it what its own place asks for.
    only: evaluation tasks; empty: all of the probes.
    """
    added = plan.probes.setdefault(checkpoint.id, {})
    for name in names:
        probe = catalogue.probes[name]
        stages = probe.stages if probe.stages != "all" else study.probe_stages
        if name in added or place not in SCORED[stages]:
            continue
        if not scores(probe, checkpoint.spec["family"]):
            continue
        wanted = {task: entry for task, entry in probe.tasks.items() if not only or task in only}
        if not wanted:
            continue
        tasks = []
        for task, entry in wanted.items():
            source = entry.source or probe.source
            data = add_data(plan, catalogue, source, world_seed) if source else None
            tasks.append(
                {
                    "name": task,
                    **entry.model_dump(exclude={"source"} if entry.texts else {"source", "texts"}),
                    "data": data.id if data else None,
                    "data_kind": data.kind if data else None,
                }
            )
        spec = {
            "checkpoint": checkpoint.id,
            "checkpoint_kind": checkpoint.kind,
            "probe": name,
            "include": probe.include,
            "include_sha256": folder_digest(probe.include, f"probes.{name}.include"),
            "split": probe.split,
            "limit": study.limit,
            "engine": probe.engine,
            "dtype": probe.dtype,
            "tasks": tasks,
            **chat_of(checkpoint),
        }
        size = plan.sizes.get(checkpoint.id, 0.0)
        node = plan.add("probe", f"{slug}-{name}", spec, size)
        added[name] = node.id


def scores(probe: Probe, family: str) -> bool:
    """Whether a probe is for models of a family: lm-eval's tasks are for all but masked ones, and
    the metric of texts names theirs."""
    metrics = TEXT_METRICS.get(family, ())
    return all(
        task.metric in metrics if task.texts else family != "masked"
        for task in probe.tasks.values()
    )
