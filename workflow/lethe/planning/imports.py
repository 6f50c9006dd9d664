"""Chains that were trained elsewhere, and scored here or there."""

from typing import Any

from lethe.config.catalogue import Catalogue, Study
from lethe.errors import UserError
from lethe.imported.chain import stage_specs
from lethe.longtables.run import Run
from lethe.planning.bases import imported_node
from lethe.planning.nodes import Plan, slug_word
from lethe.planning.probes import add_probes


def add_import(plan: Plan, study: Study, catalogue: Catalogue, name: str) -> None:
    """Add a chain that was trained elsewhere: none of its stages is trained here.

    Its checkpoints are scored here, or its scores were made elsewhere too.
    """
    entry = catalogue.imports[name]
    scored = [bool(stage.results) for stage in entry.stages]
    if any(scored) and not all(scored):
        raise UserError(
            f"imports.{name}: stage {scored.index(True)} has `results`, stage "
            f"{scored.index(False)} has `import`; scores made elsewhere and here cannot be "
            "compared, so give all stages one of the two."
        )
    slugs = [
        f"{name}-s{i}-{slug_word(stage.task or 'base')}" for i, stage in enumerate(entry.stages)
    ]
    if all(scored):
        checkpoints = _add_scored(plan, stage_specs(study, catalogue, name, entry), slugs)
    else:
        checkpoints = _add_checkpoints(plan, study, catalogue, name, slugs)
    plan.runs.append(
        Run(
            model=entry.model,
            family=entry.family,
            series=entry.series or entry.model,
            untuned=entry.untuned or "",
            world_seed=None,
            base_seed=entry.base_seed,
            method=entry.method,
            method_params={},
            recipe="elsewhere",
            order=entry.order,
            train_seed=entry.train_seed,
            checkpoints=tuple(checkpoints),
            stages=tuple(stage.task or "" for stage in entry.stages),
        )
    )


def refuse_equal_words(study: Study, catalogue: Catalogue) -> None:
    """Refuse two imported chains that no table could distinguish."""
    names: dict[tuple, str] = {}
    for name in study.imports:
        entry = catalogue.imports[name]
        words = (entry.model, entry.method, entry.order, entry.base_seed, entry.train_seed)
        if words in names:
            raise UserError(
                f"imports: {names[words]!r} and {name!r} have the same model, method, order, "
                "base_seed and train_seed; change one of these in one of them (the train_seed, if "
                "they are repetitions)."
            )
        names[words] = name


def _add_scored(plan: Plan, specs: list[dict[str, Any]], slugs: list[str]) -> list[str]:
    """Probe nodes over result files. There is no checkpoint, so each node takes its place.

    Their jobs only read a file, so the size of the model does not matter.
    """
    checkpoints = []
    for slug, spec in zip(slugs, specs, strict=True):
        node = plan.add("probe", slug, spec)
        plan.probes[node.id] = [node.id]
        checkpoints.append(node.id)
    return checkpoints


def _add_checkpoints(
    plan: Plan, study: Study, catalogue: Catalogue, name: str, slugs: list[str]
) -> list[str]:
    entry = catalogue.imports[name]
    seeds = study.seeds.world
    if len(seeds) > 1 and any(_probe_uses_world(catalogue, probe) for probe in study.probes):
        raise UserError(
            f"imports.{name}: its checkpoints are scored on one generated world, expected one seed "
            f"in seeds.world, found {len(seeds)}."
        )
    checkpoints = []
    for index, (stage, slug) in enumerate(zip(entry.stages, slugs, strict=True)):
        where = f"imports.{name}.stages[{index}].import"
        node = imported_node(plan, slug, entry.family, stage.path, where)
        checkpoints.append(node.id)
        add_probes(plan, study, catalogue, study.probes, node, seeds[0], slug, index == 0)
    return checkpoints


def _probe_uses_world(catalogue: Catalogue, name: str) -> bool:
    probe = catalogue.probes[name]
    sources = {probe.source, *(task.source for task in probe.tasks.values())} - {None}
    return any(catalogue.sources[source].kind == "world" for source in sources)
