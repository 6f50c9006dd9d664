"""Chains that were trained elsewhere, and scored here or there."""

from pathlib import Path
from typing import Any

from lethe.artefacts.local_files import checkpoint_digest
from lethe.artefacts.paths import MANIFEST
from lethe.config.catalogue import Catalogue, Study
from lethe.config.origins import Import, ImportedStage
from lethe.errors import UserError
from lethe.imported.chain import stage_specs
from lethe.longtables.run import Run
from lethe.models.adapter_folder import is_adapter, local_base, read_adapter, require_base
from lethe.planning.bases import imported_node
from lethe.planning.nodes import Node, Plan, slug_word
from lethe.planning.probes import add_probes, place_of

ELSEWHERE = "elsewhere"
"""The recipe of chains that were trained elsewhere."""


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
            parametrisation=_parametrisation(entry),
            recipe=ELSEWHERE,
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
        trained = (entry.method, entry.order, _parametrisation(entry))
        words = (entry.model, *trained, entry.base_seed, entry.train_seed)
        if words in names:
            raise UserError(
                f"imports: {names[words]!r} and {name!r} have the same model, method, order, "
                "parametrisation, base_seed and train_seed; change one of these in one of them "
                "(the train_seed, if they are repetitions)."
            )
        names[words] = name


def _add_scored(plan: Plan, specs: list[dict[str, Any]], slugs: list[str]) -> list[str]:
    """Probe nodes over result files. There is no checkpoint, so each node takes its place.

    Their jobs only read a file, so the size of the model does not matter.
    """
    checkpoints = []
    for slug, spec in zip(slugs, specs, strict=True):
        node = plan.add("probe", slug, spec)
        plan.probes[node.id] = {"": node.id}
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
    checkpoints: list[str] = []
    for index, (stage, slug) in enumerate(zip(entry.stages, slugs, strict=True)):
        where = f"imports.{name}.stages[{index}]"
        if index and is_adapter(Path(stage.path)):
            below = plan.nodes[checkpoints[-1 if stage.onto == "previous" else 0]]
            node = _merged_node(plan, slug, stage, where, below)
        elif stage.onto is not None:
            raise UserError(
                f"{where}.onto: expected a PEFT adapter to merge, found none in {stage.path}; "
                "remove `onto`, or give the adapter's folder."
            )
        else:
            node = imported_node(plan, slug, entry.family, stage.path, f"{where}.import")
        checkpoints.append(node.id)
        place = place_of(index, len(entry.stages) - 1)
        add_probes(plan, study, catalogue, study.probes, node, seeds[0], slug, place)
    return checkpoints


def _parametrisation(entry: Import) -> str:
    """The word for which parameters were trained: that of the entry, or the kind of its adapters.

    Raises:
        UserError: as `read_adapter`.
    """
    folders = [Path(stage.path) for stage in entry.stages if stage.path is not None]
    kinds = {read_adapter(f)["peft_type"].lower() for f in folders if is_adapter(f)}
    found = kinds.pop() if len(kinds) == 1 else "several" if kinds else "full"
    return entry.parametrisation or found


def _merged_node(plan: Plan, slug: str, stage: ImportedStage, where: str, below: Node) -> Node:
    """A node of an adapter on the checkpoint of another node, which is its parent.

    Raises:
        UserError: the adapter cannot be merged, or was trained on another base.
    """
    path, whole = stage.path, below
    while whole.spec["source"] == "adapter":
        whole = plan.nodes[whole.spec["parent"]]
    try:
        require_base(Path(path), Path(whole.spec["path"]), is_trained_on=below is whole)
    except UserError as error:
        hint = "" if stage.onto else "; if it was trained on the stage before, add `onto: previous`"
        raise UserError(f"{where}.import: {str(error).removesuffix('.')}{hint}.") from None
    if below is not whole:
        _require_trained_after(Path(path), where)
    spec = {
        "family": below.spec["family"],
        "source": "adapter",
        "path": path,
        "sha256": checkpoint_digest(path, f"{where}.import"),
        "parent": below.id,
        "parent_kind": below.kind,
    }
    return plan.add("base", slug, spec, plan.sizes.get(below.id, 0.0))


def _require_trained_after(folder: Path, where: str) -> None:
    """Refuse the same adapter, trained further, on the stage before it: it would count twice.

    What Lethe trained names what it is on. An adapter from elsewhere may name its chain's base
    although it was trained on the stage before.
    """
    name = read_adapter(folder).get("base_model_name_or_path")
    named = local_base(folder, name) if isinstance(name, str) and name else None
    if named is not None and (folder / MANIFEST["stage"]).is_file() and not is_adapter(named):
        raise UserError(
            f"{where}.onto: {folder} is the adapter of the stage before it, trained further, and "
            f"is on {named.resolve()}; remove `onto`."
        )


def _probe_uses_world(catalogue: Catalogue, name: str) -> bool:
    probe = catalogue.probes[name]
    sources = {probe.source, *(task.source for task in probe.tasks.values())} - {None}
    return any(catalogue.sources[source].kind == "world" for source in sources)
