"""Whether the entries of a catalogue fit together: the names that they use, and parameters."""

from lethe.config.axes import check_axes
from lethe.config.by_file import require_file
from lethe.config.catalogue import MASKED_METRICS, Catalogue, Evaluation
from lethe.config.claims import WITH
from lethe.config.contents import check_file, check_splits
from lethe.config.end_tasks import SPLITS
from lethe.config.origins import Model
from lethe.config.recipe_values import hyper_for, recipe_for, require_complete
from lethe.errors import UserError, shown
from lethe.longtables.axes import DOMAIN, END_TASK, is_named_for
from lethe.longtables.metric_ids import DOMAIN_SUMMARIES, END_TASK_SUMMARIES, OF_CLAIMS
from lethe.models.built_config import check_room, full_config
from lethe.models.kinds import kind_of
from lethe.parameters.entries import parse_mixture
from lethe.parameters.prompt_templates import holds_prompt
from lethe.parameters.sentences import require
from lethe.parametrisations.parameters import settings_of
from lethe.sources.loaders.parameters import LOADERS
from lethe.sources.parameters import source_parameters

LONGEST_DERIVATION = 50
"""Models, the first one included; a long sequence of stages is an order."""


def check_references(catalogue: Catalogue) -> None:
    """Every name that an entry uses exists, parameters fit, and every recipe is complete.

    Raises:
        UserError: the first entry that does not fit, by its key.
    """
    for name, model in catalogue.models.items():
        _check_model(name, model, catalogue)
    for name, source in catalogue.sources.items():
        source_parameters(f"sources.{name}", source.kind, source.loader, source.parameters)
        check_splits(name, catalogue)
        packages = [key for key, other in catalogue.sources.items() if other.kind == "package"]
        for part, package in source.made_from.items():
            where = f"sources.{name}.made_from.{part}, among the sources of `kind: package`"
            require(where, package, packages)
    _check_tasks(catalogue)
    _check_probes(catalogue)
    axes = check_axes(catalogue)
    for name, end_task in catalogue.end_tasks.items():
        require(f"end_tasks.{name}.source", end_task.source, catalogue.sources)
        require(f"end_tasks.{name}.task", end_task.task, catalogue.tasks)
        for key in SPLITS:
            for file in end_task.files(key):
                check_file(f"end_tasks.{name}.{key}", file, end_task.source, catalogue)
    for name, method in catalogue.methods.items():
        require_file(f"methods.{name}.method", "methods", method.method)
        hyper_for(name, method)
        if method.general is not None:
            _check_mixture(f"methods.{name}.general", method.general, catalogue)
    for name, how in catalogue.parametrisations.items():
        settings_of(f"parametrisations.{name}", how)
    _check_claims(catalogue, axes)
    for name, order in catalogue.orders.items():
        for place, mixture in enumerate(order, start=1):
            _check_mixture(f"orders.{name}, stage {place}", mixture, catalogue)
        _refuse_repeats_of_stages(name, order)
    _check_recipes(catalogue)


def _check_tasks(catalogue: Catalogue) -> None:
    sets = {task for probe in catalogue.probes.values() for task in probe.tasks}
    for name, task in catalogue.tasks.items():
        require(f"tasks.{name}.source", task.source, catalogue.sources)
        loader = catalogue.sources[task.source].loader
        if task.joined and loader is not None and not LOADERS[loader].makes_documents():
            raise UserError(
                f"tasks.{name}.joined: expected a source of documents, found {task.source!r}, "
                f"whose loader {loader!r} makes prompts and responses; set `joined` to false."
            )
        if task.own is not None:
            require(f"tasks.{name}.own, among the tasks of all probes", task.own, sets)
            if not is_named_for(task.own, name):
                raise UserError(
                    f"tasks.{name}.own: expected `own_{name}` or `{name}`, by which tables find "
                    f"what a stage taught, found {shown(task.own)}; rename the task or the "
                    "evaluation task."
                )
        check_file(f"tasks.{name}.file", task.file, task.source, catalogue)
        if not holds_prompt(task.template):
            raise UserError(
                f"tasks.{name}.template: expected a text that holds {{prompt}} once, found "
                f"{shown(task.template)}."
            )


def _check_probes(catalogue: Catalogue) -> None:
    for name, probe in catalogue.probes.items():
        if probe.source is not None:
            require(f"probes.{name}.source", probe.source, catalogue.sources)
        kinds = {_scored_as(entry) for entry in probe.tasks.values()}
        if len(kinds) > 1:
            raise UserError(
                f"probes.{name}: expected sets with `texts` for masked language models, sets with "
                f"`texts` for decoders, or lm-eval's tasks, found {len(kinds)} of these; make a "
                "probe of each."
            )
        for evaluated, entry in probe.tasks.items():
            where = f"probes.{name}.tasks.{evaluated}.source"
            if entry.source is not None:
                require(where, entry.source, catalogue.sources)
            elif entry.texts and probe.source is None:
                raise UserError(f"{where}: expected the source that holds its `texts`, found none.")


def _scored_as(entry: Evaluation) -> str:
    """What a set is scored as: texts of one family of models, or a task of lm-eval."""
    if not entry.texts:
        return "task"
    return "masked" if entry.metric in MASKED_METRICS else "causal"


def _check_claims(catalogue: Catalogue, axes: set[str]) -> None:
    for name, claim in catalogue.claims.items():
        for part, test in claim.parts.items():
            require(f"claims.{name}.parts.{part}.metric", test.metric, OF_CLAIMS)
            for axis in test.axes:
                require(f"claims.{name}.parts.{part}.axes", axis, axes)
            only = dict.fromkeys(END_TASK_SUMMARIES, END_TASK) | dict.fromkeys(
                DOMAIN_SUMMARIES, DOMAIN
            )
            if test.metric in only and set(test.axes) != {only[test.metric]}:
                raise UserError(
                    f"claims.{name}.parts.{part}.axes: expected `[{only[test.metric]}]` beside the "
                    f"metric {test.metric!r}, found [{', '.join(test.axes)}]."
                )
            for compared in test.methods:
                method, _, how = compared.partition(WITH)
                require(f"claims.{name}.parts.{part}.methods", method, catalogue.methods)
                if how:
                    known = catalogue.parametrisations
                    require(f"claims.{name}.parts.{part}.methods", how, known)


def _check_recipes(catalogue: Catalogue) -> None:
    for name, recipe in catalogue.recipes.items():
        require_complete(f"recipes.{name}", recipe)
        for model in recipe.overrides:
            require(f"recipes.{name}.overrides", model, catalogue.models)
            recipe_for(name, recipe, model)
        for how in recipe.parametrised:
            require(f"recipes.{name}.parametrised", how, catalogue.parametrisations)
            recipe_for(name, recipe, "", parametrisation=how)
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
        for file in model.corpus:
            check_file(f"models.{name}.corpus", file, model.source, catalogue)
    if model.untuned is not None:
        require(f"models.{name}.untuned", model.untuned, catalogue.models)
    if model.parent is not None:
        _check_mixture(f"models.{name}.train_on", model.train_on, catalogue)
        _check_parents(name, model, catalogue)


def _check_parents(name: str, model: Model, catalogue: Catalogue) -> None:
    """Refuse a derived model without a first model, or of another family than that model."""
    seen = [name]
    while (parent := catalogue.models[seen[-1]].parent) is not None:
        if parent in seen:
            raise UserError(f"models.{name}.from: {' from '.join([*seen, parent])} is circular.")
        require(f"models.{seen[-1]}.from", parent, catalogue.models)
        seen.append(parent)
        if len(seen) > LONGEST_DERIVATION:
            raise UserError(
                f"models.{name}.from: expected at most {LONGEST_DERIVATION} models derived one "
                "from another, found more."
            )
    root = catalogue.models[seen[-1]].family
    if model.family not in (None, root):
        raise UserError(
            f"models.{name}.family: a derived model has the family of {seen[-1]!r}, {root!r}, "
            f"found {model.family!r}; remove the key."
        )


def _check_mixture(where: str, mixture: str, catalogue: Catalogue) -> None:
    tasks = [task for task, _ in parse_mixture(mixture)]
    for task in tasks:
        require(where, task, catalogue.tasks)
        if tasks.count(task) > 1:
            # Both parts would draw the same examples.
            raise UserError(
                f"{where}: the task {task!r} is {tasks.count(task)} times in {mixture!r}, and "
                "would give the same examples each time; list it once, with the counts added."
            )


def _refuse_repeats_of_stages(name: str, order: list[str]) -> None:
    """Refuse a repeated task, unless the whole order is one task (a control)."""
    repeated = [mixture for mixture in order if order.count(mixture) > 1]
    if repeated and len(set(order)) > 1:
        raise UserError(
            f"orders.{name}: the stage {repeated[0]!r} is listed {order.count(repeated[0])} times, "
            "and tables and figures tell stages apart by these words; give each of them a count of "
            f"its own, as in '{parse_mixture(repeated[0])[0][0]}:100'."
        )
