"""Read a study and the catalogues; every mistake is one sentence that says where to fix it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lethe.artefacts.paths import PROJECT
from lethe.artefacts.strict_yaml import read_yaml, require_plain, require_yaml
from lethe.config.axes import check_axes
from lethe.config.by_file import require_file
from lethe.config.catalogue import Catalogue, Study
from lethe.config.origins import Model
from lethe.config.recipe_values import hyper_for, recipe_for
from lethe.errors import UserError
from lethe.models.built_config import check_room, full_config
from lethe.models.kinds import kind_of
from lethe.parameters.sentences import require, validated
from lethe.sources.parameters import source_parameters

CATALOGUE = PROJECT / "config" / "catalogue"
DEFAULT = PROJECT / "config" / "config.yaml"


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Merge mappings key by key, as Snakemake merges config files; replace all else."""
    merged = dict(base)
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def read_study(overlays: Iterable[Path | str] = (), default: Path | str = DEFAULT) -> Study:
    """The default configuration with overlays laid over it, validated."""
    raw = read_yaml(default)
    for overlay in overlays:
        raw = merge(raw, read_yaml(overlay))
    return parse_study(raw)


def parse_study(raw: dict[str, Any]) -> Study:
    """A validated study; the names it selects are checked by `resolve`."""
    require_plain(raw, "the configuration")
    study = validated(Study, raw, "the configuration")
    for kind in (
        "models", "orders", "methods", "controls", "imports", "probes", "end_tasks", "tables",
        "figures", "claims",
    ):  # fmt: skip
        _refuse_repeats(kind, getattr(study, kind))
    for kind in ("world", "base", "train", "end_task"):
        _refuse_repeats(f"seeds.{kind}", getattr(study.seeds, kind))
    return study


def read_catalogue(study: Study, directory: Path = CATALOGUE) -> Catalogue:
    """All catalogue files and the study's own `define:`; every name that they use is checked.

    Raises:
        UserError: a name is defined twice with other values, or an entry names something unknown.
    """
    entries: dict[str, dict[str, Any]] = {}
    for kind in Catalogue.model_fields:
        path = directory / f"{kind}.yaml"
        entries[kind] = read_yaml(path) if path.exists() else {}
    catalogue = validated(
        Catalogue, entries, f"the files of {directory.parent.name}/{directory.name}"
    )
    merged: dict[str, Any] = {}
    for kind in Catalogue.model_fields:
        shipped, own = getattr(catalogue, kind), getattr(study.define, kind)
        for name in shipped.keys() & own.keys():
            if shipped[name] != own[name]:
                raise UserError(
                    f"define.{kind}.{name}: the catalogue already has this name with other values; "
                    "choose another name for your own entry."
                )
        merged[kind] = {**shipped, **own}
    catalogue = Catalogue.model_construct(**merged)
    check_references(catalogue)
    check_selection(study, catalogue)
    return catalogue


def check_references(catalogue: Catalogue) -> None:
    """Every name that an entry uses exists, hyper-parameters fit, and every recipe is complete."""
    for name, model in catalogue.models.items():
        _check_model(name, model, catalogue)
    for name, source in catalogue.sources.items():
        source_parameters(f"sources.{name}", source.kind, source.loader, source.parameters)
    for name, task in catalogue.tasks.items():
        require(f"tasks.{name}.source", task.source, catalogue.sources)
        if "{prompt}" not in task.template:
            raise UserError(
                f"tasks.{name}.template: expected a text that holds {{prompt}}, "
                f"found {task.template!r}."
            )
    for name, probe in catalogue.probes.items():
        if probe.source is not None:
            require(f"probes.{name}.source", probe.source, catalogue.sources)
        if len({bool(entry.texts) for entry in probe.tasks.values()}) > 1:
            raise UserError(
                f"probes.{name}: expected sets with `texts`, for masked language models, or "
                "lm-eval's tasks, found both; make two probes of it."
            )
        for evaluated, entry in probe.tasks.items():
            if entry.source is not None:
                require(f"probes.{name}.tasks.{evaluated}.source", entry.source, catalogue.sources)
    axes = check_axes(catalogue)
    for name, end_task in catalogue.end_tasks.items():
        require(f"end_tasks.{name}.source", end_task.source, catalogue.sources)
        require(f"end_tasks.{name}.task", end_task.task, catalogue.tasks)
    for name, method in catalogue.methods.items():
        require_file(f"methods.{name}.method", "methods", method.method)
        hyper_for(name, method)
        if method.general is not None:
            _check_mixture(f"methods.{name}.general", method.general, catalogue)
    for name, claim in catalogue.claims.items():
        for part, test in claim.parts.items():
            for axis in test.axes:
                require(f"claims.{name}.parts.{part}.axes", axis, axes)
            for compared in test.methods:
                require(f"claims.{name}.parts.{part}.methods", compared, catalogue.methods)
    for name, order in catalogue.orders.items():
        for place, mixture in enumerate(order, start=1):
            _check_mixture(f"orders.{name}, stage {place}", mixture, catalogue)
        _refuse_repeats_of_stages(name, order)
    _check_recipes(catalogue)


def _check_recipes(catalogue: Catalogue) -> None:
    for name, recipe in catalogue.recipes.items():
        if (recipe.epochs is None) == (recipe.steps is None):
            raise UserError(f"recipes.{name}: expected either `epochs` or `steps`, not both.")
        if recipe.checkpoint == "newest-periodic" and recipe.save_steps is None:
            raise UserError(f"recipes.{name}: `checkpoint: newest-periodic` needs `save_steps`.")
        for model in recipe.overrides:
            require(f"recipes.{name}.overrides", model, catalogue.models)
            recipe_for(name, recipe, model)
        for method in recipe.tuned:
            require(f"recipes.{name}.tuned", method, catalogue.methods)
            recipe_for(name, recipe, "", method)
            hyper_for(method, catalogue.methods[method], name, recipe)


def _check_model(name: str, model: Model, catalogue: Catalogue) -> None:
    if model.source is not None:
        require(f"models.{name}.source", model.source, catalogue.sources)
    if model.architecture is not None and model.family != kind_of(model.architecture).family:
        raise UserError(
            f"models.{name}.family: the architecture {model.architecture!r} is of the family "
            f"{kind_of(model.architecture).family!r}, found {model.family!r}."
        )
    if model.recipe is not None:
        require(f"models.{name}.recipe", model.recipe, catalogue.recipes)
    if model.architecture is not None:
        where, recipe = f"models.{name}.config", catalogue.recipes[model.recipe]
        config = full_config(where, model.architecture, model.config)
        values = recipe_for(model.recipe, recipe, name, family=model.family)
        check_room(where, model.architecture, config, values["max_length"])
    if model.untuned is not None:
        require(f"models.{name}.untuned", model.untuned, catalogue.models)
    if model.parent is None:
        return
    require(f"models.{name}.from", model.parent, catalogue.models)
    _check_mixture(f"models.{name}.train_on", model.train_on, catalogue)
    seen = [name]
    while (parent := catalogue.models[seen[-1]].parent) is not None:
        if parent in seen:
            raise UserError(f"models.{name}.from: {' from '.join([*seen, parent])} is circular.")
        seen.append(parent)


def _check_mixture(where: str, mixture: str, catalogue: Catalogue) -> None:
    for task, _ in parse_mixture(mixture):
        require(where, task, catalogue.tasks)


def check_selection(study: Study, catalogue: Catalogue) -> None:
    """Every name that the study selects exists; tables and figures have a file."""
    for kind in ("models", "orders", "methods", "probes", "end_tasks", "imports", "claims"):
        for name in getattr(study, kind):
            require(kind, name, getattr(catalogue, kind))
    for name in study.controls:
        require("controls", name, catalogue.orders)
        if name in study.orders:
            raise UserError(f"controls: {name!r} is also in orders; list it in one of them.")
    for place, also in enumerate(study.also, start=1):
        for name in also.models:
            require(f"also, entry {place}", name, catalogue.models)
        for name in [*also.orders, *also.controls]:
            require(f"also, entry {place}", name, catalogue.orders)
        for name in also.methods:
            require(f"also, entry {place}", name, catalogue.methods)
        for name in [also.recipe] if also.recipe else []:
            require(f"also, entry {place}", name, catalogue.recipes)
        for name in also.probes:
            require(f"also, entry {place}", name, catalogue.probes)
        for name in also.end_tasks:
            require(f"also, entry {place}", name, catalogue.end_tasks)
    require("recipe", study.recipe, catalogue.recipes)
    for kind in ("tables", "figures"):
        for name in getattr(study, kind):
            require_file(kind, kind, name)
    _require_something(study)
    owners: dict[str, str] = {}
    for probe in selected(study, "probes"):
        _check_task_files(catalogue.probes[probe].include)
        for task in catalogue.probes[probe].tasks:
            if task in owners:
                raise UserError(
                    f"probes: the evaluation task {task!r} is in both {owners[task]!r} and "
                    f"{probe!r}; select one of the two."
                )
            owners[task] = probe


def _check_task_files(folder: str | None) -> None:
    """Refuse a user's own task files that are not YAML; lm-eval checks the rest when scoring."""
    for file in sorted(Path(folder).glob("**/*.yaml")) if folder else ():
        require_yaml(file)


def selected(study: Study, key: str, model: str | None = None) -> list[str]:
    """`probes` or `end_tasks` of a model, or of all selected models, with those from `also`."""
    models = [model] if model else study.models
    further = [
        name for also in study.also if set(models) & set(also.models) for name in getattr(also, key)
    ]
    return list(dict.fromkeys([*getattr(study, key), *further]))


def _require_something(study: Study) -> None:
    """Refuse a study that trains nothing and has no chain that was trained elsewhere."""
    if not study.models and not study.imports:
        raise UserError("models: expected a model, or a chain in `imports`; found neither.")
    if study.models:
        for key in ("orders", "methods"):
            listed = [*getattr(study, key), *(x for also in study.also for x in getattr(also, key))]
            if not listed and not (key == "orders" and study.controls):
                raise UserError(f"{key}: expected at least one beside `models`, found none.")
    if not selected(study, "probes") and not selected(study, "end_tasks"):
        raise UserError("probes: expected at least one set of evaluation tasks, found none.")


def parse_mixture(mixture: str) -> list[tuple[str, int | None]]:
    """`simp&general:64` -> [("simp", None), ("general", 64)]."""
    parts = []
    for part in mixture.split("&"):
        task, _, count = part.partition(":")
        parts.append((task, int(count) if count else None))
    return parts


def _refuse_repeats(key: str, values: list) -> None:
    for value in values:
        if values.count(value) > 1:
            raise UserError(f"{key}: {value!r} is listed {values.count(value)} times.")


def _refuse_repeats_of_stages(name: str, order: list[str]) -> None:
    """Refuse a repeated task, unless the whole order is one task (a control)."""
    repeated = [mixture for mixture in order if order.count(mixture) > 1]
    if repeated and len(set(order)) > 1:
        raise UserError(
            f"orders.{name}: the stage {repeated[0]!r} is listed {order.count(repeated[0])} times."
        )
