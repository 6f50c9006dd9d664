"""From a study to its nodes: the one place that builds specs and ids. Imports nothing heavy."""

from collections.abc import Iterator
from typing import NamedTuple

from lethe.config.catalogue import Also, Catalogue, Study
from lethe.config.origins import Model
from lethe.config.reading import selected
from lethe.config.recipe_values import hyper_for
from lethe.config.recipes import listed
from lethe.errors import UserError
from lethe.longtables.run import Run
from lethe.parameters.entries import parse_mixture, resolved
from lethe.parameters.families import END_TASK_FAMILIES
from lethe.planning.bases import add_base
from lethe.planning.buffers import require_buffer_fits
from lethe.planning.end_tasks import add_end_tasks
from lethe.planning.evaluation_sets import check_evaluation_sets
from lethe.planning.imports import add_import, refuse_equal_words
from lethe.planning.nodes import Base, Plan, slug_word
from lethe.planning.parametrisations import refuse_equal
from lethe.planning.probes import add_probes, place_of, scores
from lethe.planning.reference_chains import (
    add_references,
    require_reference_runs,
    require_references,
)
from lethe.planning.same_training import refuse_equal_orders, refuse_self_comparisons
from lethe.planning.several_recipes import require_recipes_fit
from lethe.planning.stages import How, add_stage

CONTROL = "control:"


def make_plan(study: Study, catalogue: Catalogue) -> Plan:
    """Every node that a study needs.

    A node's spec holds exactly the values that change its result. So a changed value gives new ids
    to exactly the nodes that it changes, and runs and studies share nodes with equal specs.
    """
    _require_base_seeds_used(study, catalogue)
    require_references(study, catalogue)
    refuse_equal(study, catalogue)
    plan = Plan(results=study.output)
    for model in study.models:
        for world_seed, base_seed in origins(study, catalogue, model):
            base = add_base(plan, catalogue, model, world_seed, base_seed)
            for chain in chains(study, model):
                add_run(plan, study, catalogue, base, chain)
            taught = (chain.order for chain in chains(study, model))
            add_references(plan, study, catalogue, base, taught)
    for name in study.imports:
        add_import(plan, study, catalogue, name)
    refuse_equal_words(study, catalogue)
    refuse_equal_orders(plan)
    require_recipes_fit(study, catalogue, plan)
    require_reference_runs(study, plan)
    refuse_self_comparisons(study, catalogue, plan)
    _require_someone_to_score(plan, study, catalogue)
    _require_use_of_seeds(plan, study)
    # Scores that were made elsewhere need no such task here.
    scored = {node.spec["probe"] for node in plan.of_kind("probe") if "checkpoint" in node.spec}
    for name in sorted(scored):
        check_evaluation_sets(catalogue, name)
    return plan


def without_base_seed(study: Study, catalogue: Catalogue) -> list[str]:
    """The selected models that were trained elsewhere, so that seeds.base changes nothing."""
    roots = {name: root_of(catalogue, name) for name in study.models}
    elsewhere = [name for name, root in roots.items() if root.architecture is None]
    return [*elsewhere, *study.imports]


def _require_base_seeds_used(study: Study, catalogue: Catalogue) -> None:
    """Refuse several base seeds if no base is trained here: they would look like repetitions."""
    elsewhere = without_base_seed(study, catalogue)
    if len(study.seeds.base) > 1 and len(elsewhere) == len(study.models) + len(study.imports):
        raise UserError(
            f"seeds.base: expected one seed, found {len(study.seeds.base)}; they have no effect, "
            f"as no selected model is trained here ({', '.join(elsewhere[:3])}). Repetitions of "
            "the stages differ in seeds.train."
        )


def _require_someone_to_score(plan: Plan, study: Study, catalogue: Catalogue) -> None:
    """Refuse end tasks or probes that no selected model can use, of the study or of an entry."""
    _require_scored("", study, plan.runs, catalogue)
    for number, entry in enumerate(study.also, start=1):
        runs = [run for run in plan.runs if run.model in entry.models]
        if runs:
            _require_scored(f"also, entry {number}, ", entry, runs, catalogue)


def _require_scored(where: str, entry: Study | Also, runs: list[Run], catalogue: Catalogue) -> None:
    families = {run.family for run in runs}
    if entry.end_tasks and not families.intersection(END_TASK_FAMILIES):
        found = ", ".join(f"{run.model} ({run.family})" for run in runs[:3])
        raise UserError(
            f"{where}end_tasks: they are for encoders and decoders, expected a model of `family: "
            f"masked` or `family: causal`, found {found}."
        )
    for name in entry.probes:
        if not any(scores(catalogue.probes[name], family) for family in families):
            raise UserError(
                f"{where}probes: {name!r} scores none of the selected models; sets with `texts` "
                "are for models of `family: masked`, or `causal` if their metric is `lm_loss` or "
                "its kin; others for all but masked ones."
            )


def _require_use_of_seeds(plan: Plan, study: Study) -> None:
    """Refuse several seeds of a kind that changes nothing in the study: they replicate nothing."""
    unused = {
        "train": "" if study.models else "no chain is trained here",
        "end_task": "" if plan.end_tasks else "no end task is selected",
    }
    for kind, why in unused.items():
        count = len(getattr(study.seeds, kind))
        if why and count > 1:
            raise UserError(
                f"seeds.{kind}: {why}, so these seeds would have no effect; expected one, "
                f"found {count}."
            )


def origins(
    study: Study, catalogue: Catalogue, name: str
) -> Iterator[tuple[int | None, int | None]]:
    """(world seed, base seed) of every base of a model; None if it has no such seed.

    A fetched or imported model has no base seed, and no world seed unless it is trained or
    evaluated on a world.
    """
    built = root_of(catalogue, name).architecture is not None
    worlds = study.seeds.world if uses_world(study, catalogue, name) else [None]
    for world_seed in worlds:
        for base_seed in study.seeds.base if built else [None]:
            yield world_seed, base_seed


def root_of(catalogue: Catalogue, name: str) -> Model:
    """The first model of a chain of derived models; the model itself if it is not derived."""
    model = catalogue.models[name]
    return root_of(catalogue, model.parent) if model.parent else model


def uses_world(study: Study, catalogue: Catalogue, name: str) -> bool:
    """Whether anything in a model's chains comes from a generated world."""
    probes = [catalogue.probes[probe] for probe in selected(study, "probes", name)]
    sources = {probe.source for probe in probes}
    sources |= {task.source for probe in probes for task in probe.tasks.values()}
    sources |= {catalogue.end_tasks[task].source for task in selected(study, "end_tasks", name)}
    mixtures = []
    for chain in chains(study, name):
        general = catalogue.methods[chain.method].general
        mixtures += [*catalogue.orders[chain.order], *([general] if general else [])]
    model: Model | None = catalogue.models[name]
    while model is not None:
        sources.add(model.source)
        mixtures += [model.train_on] if model.train_on else []
        model = catalogue.models[model.parent] if model.parent else None
    sources |= {catalogue.tasks[task].source for m in mixtures for task, _ in parse_mixture(m)}
    return any(catalogue.sources[source].kind == "world" for source in sources - {None})


class Chain(NamedTuple):
    """What one model is taught and how; `words` is the order's name, marked if it is a control."""

    method: str
    order: str
    words: str
    parametrisation: str
    recipe: str
    train_seed: int


def chains(study: Study, model: str) -> Iterator[Chain]:
    """A model's chains, each once; one with several recipes is a chain with each of them.

    Raises:
        UserError: one chain is selected twice, with different recipes.
    """
    recipes: dict[tuple[str, str, str, str], list[str]] = {}
    selections: list[Study | Also] = [study]
    selections += [also for also in study.also if model in also.models]
    for selection in selections:
        names = listed(selection.recipe or study.recipe)
        for key in _keys(study, selection):
            if set(found := recipes.setdefault(key, names)) != set(names):
                both = ", ".join(dict.fromkeys([*found, *names]))
                raise UserError(
                    f"also: {model} is taught the order {key[1]!r} by {key[0]!r} with `recipe: "
                    f"{', '.join(found)}` and again with `recipe: {', '.join(names)}`; select one "
                    f"of them, or list all where the order is selected: `recipe: [{both}]`."
                )
    for train_seed in study.seeds.train:
        for key, names in recipes.items():
            for recipe in names:
                yield Chain(*key, recipe, train_seed)


def _keys(study: Study, selection: Study | Also) -> list[tuple[str, str, str, str]]:
    """(Method, order, its words, parametrisation) of what the study or an entry selects."""
    methods = selection.methods or study.methods
    keys = [(method, order, order) for order in selection.orders for method in methods]
    keys += [("sequential", order, f"{CONTROL}{order}") for order in selection.controls]
    hows = selection.parametrisations or study.parametrisations
    return [(*key, how) for how in hows for key in keys]


def add_run(plan: Plan, study: Study, catalogue: Catalogue, base: Base, chain: Chain) -> None:
    """Add a chain of stages, and the probes and end tasks of its checkpoints."""
    method, order, words, parametrisation, recipe, train_seed = chain
    how = How(method, recipe, train_seed, parametrisation)
    trained = method if parametrisation == "full" else f"{method}-{parametrisation}"
    settings = catalogue.recipes[recipe]
    hyper = hyper_for(method, catalogue.methods[method], recipe, settings)
    require_buffer_fits(catalogue, method, hyper, catalogue.orders[order])
    probes = selected(study, "probes", base.model)
    add_probes(
        plan, study, catalogue, probes, base.node, base.world_seed, f"{base.slug}-base", "base"
    )
    parent, lived, checkpoints, slugs = base.node, base, [base.node.id], [f"{base.slug}-base"]
    mixtures = catalogue.orders[order]
    for stage, mixture in enumerate(mixtures, start=1):
        slug = f"{base.slug}-{trained}-s{stage}-{slug_word(mixture)}-t{train_seed}"
        parent, components = add_stage(
            plan, catalogue, lived, parent, mixture, how, slug, base.model
        )
        lived = lived.after(mixture, components)
        checkpoints.append(parent.id)
        slugs.append(slug)
        place = place_of(stage, len(mixtures))
        add_probes(plan, study, catalogue, probes, parent, base.world_seed, slug, place)
    plan.runs.append(
        Run(
            **base.origin(),
            method=method,
            method_params=resolved(hyper),
            parametrisation=parametrisation,
            recipe=recipe,
            order=words,
            train_seed=train_seed,
            checkpoints=tuple(checkpoints),
            stages=("", *mixtures),
        )
    )
    add_end_tasks(plan, study, catalogue, plan.runs[-1], slugs)
