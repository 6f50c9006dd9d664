"""Read a study and the catalogues; every mistake is one sentence that says where to fix it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lethe.artefacts.paths import PROJECT
from lethe.artefacts.strict_yaml import read_yaml, require_plain, require_yaml
from lethe.config.by_file import require_file
from lethe.config.catalogue import Catalogue, Probe, Study
from lethe.config.inherited import with_parents
from lethe.config.pages import FigureSettings, FigureWidth
from lethe.config.recipes import listed
from lethe.config.references import check_references
from lethe.errors import UserError, shown
from lethe.evaluation.specification import EvalTask
from lethe.parameters.sentences import require, validated

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
    raw = _with_whole_recipes(raw)
    also = raw.get("also")
    for entry in [raw, *(also if isinstance(also, list) else [])]:
        _refuse_undefined_models(entry.get("models") if isinstance(entry, dict) else None)
    study = validated(Study, raw, "the configuration")
    by_study = {kind: getattr(study, kind) for kind in ("tables", "figures", "claims")}
    chosen = {
        kind: lists.get(study.study) for kind, lists in by_study.items() if isinstance(lists, dict)
    }
    widths = _figure_widths(study)
    if "figures" in chosen:
        # A study may bear the name of a figure that has settings.
        listed = chosen["figures"] if isinstance(chosen["figures"], list) else None
        chosen["figures"] = listed and list(dict.fromkeys([*listed, *widths]))
    return study.model_copy(update=chosen).with_figure_widths(widths)


def _with_whole_recipes(raw: dict[str, Any]) -> dict[str, Any]:
    """The study with its own recipes written in full."""
    define = raw.get("define")
    if not isinstance(define, dict) or "recipes" not in define:
        return raw
    own = with_parents(define["recipes"], CATALOGUE / "recipes.yaml", "define.recipes")
    return raw | {"define": define | {"recipes": own}}


def _refuse_undefined_models(models: Any) -> None:
    """Refuse a folder or a name of the hub where a name of the catalogue is expected."""
    for text in models if isinstance(models, list) else []:
        if not isinstance(text, str) or "/" not in text:
            continue
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.strip("/").rpartition("/")[2]).lstrip("_.-")
        is_folder = text[0] in "./~" or os.path.isdir(text)
        place = f"import: {text}" if is_folder else f"hub: {text}, revision: null"
        what = "a folder" if is_folder else "a name of the hub"
        block = f"{{models: {{{name}: {{family: causal, {place}}}}}}}"
        raise UserError(
            f"models: {shown(text)} is {what}; describe it and name that: "
            f"`models: [{name}]` and `define: {block}` (or seq2seq), as `lethe init --model "
            f"{text}` writes it."
        )


def _figure_widths(study: Study) -> dict[str, FigureWidth | None]:
    """The widths of the figures for which a study has settings."""
    named = study.figures if isinstance(study.figures, dict) else {}
    return {
        name: settings.width
        for name, settings in named.items()
        if isinstance(settings, FigureSettings)
    }


def read_catalogue(study: Study, directory: Path = CATALOGUE) -> Catalogue:
    """All catalogue files and the study's own `define:`; every name that they use is checked.

    Raises:
        UserError: a name is defined twice with other values, or an entry names something unknown.
    """
    entries: dict[str, dict[str, Any]] = {}
    for kind in Catalogue.model_fields:
        path = directory / f"{kind}.yaml"
        entries[kind] = read_yaml(path) if path.exists() else {}
    shipped = directory / "recipes.yaml"
    entries["recipes"] = with_parents(entries["recipes"], shipped, "recipes")
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


def check_selection(study: Study, catalogue: Catalogue) -> None:
    """Every name that the study selects exists; tables and figures have a file."""
    kinds = ("models", "orders", "methods", "parametrisations", "probes", "end_tasks", "imports")
    for kind in (*kinds, "claims"):
        for name in getattr(study, kind) or ():
            _require_selected(kind, name, catalogue)
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
        for name in also.parametrisations:
            require(f"also, entry {place}", name, catalogue.parametrisations)
        for name in listed(also.recipe):
            require(f"also, entry {place}", name, catalogue.recipes)
        for name in also.probes:
            require(f"also, entry {place}", name, catalogue.probes)
        for name in also.end_tasks:
            require(f"also, entry {place}", name, catalogue.end_tasks)
    for name in listed(study.recipe):
        require("recipe", name, catalogue.recipes)
    for kind in ("tables", "figures"):
        for name in getattr(study, kind) or ():
            require_file(kind, kind, name)
    for name in study.figure_widths:
        require_file("figures", "figures", name)
    _require_something(study)
    owners: dict[str, str] = {}
    for probe in selected(study, "probes"):
        _check_task_files(catalogue.probes[probe])
        for task in catalogue.probes[probe].tasks:
            if task in owners:
                raise UserError(
                    f"probes: the evaluation task {task!r} is in both {owners[task]!r} and "
                    f"{probe!r}; select one of the two."
                )
            owners[task] = probe


def _require_selected(kind: str, name: str, catalogue: Catalogue) -> None:
    try:
        require(kind, name, getattr(catalogue, kind))
    except UserError as error:
        if kind != "models":
            raise
        raise UserError(
            f"{str(error).removesuffix('.')}; a model of the hub or in a folder is described under "
            "define.models, as `lethe init --model` writes it."
        ) from None


def _check_task_files(probe: Probe) -> None:
    """Refuse a user's own task files that are not YAML, and first documents that are not right."""
    if not probe.include or not os.path.isdir(probe.include):  # planning refuses others
        return
    for file in sorted(Path(probe.include).glob("**/*.yaml")):
        require_yaml(file)
    from lethe.evaluation.first_documents import check_first_documents  # only they need templates

    check_first_documents(
        [
            EvalTask(name, probe.include, cluster=entry.cluster, subset=entry.subset)
            for name, entry in probe.tasks.items()
        ]
    )


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
