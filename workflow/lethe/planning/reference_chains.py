"""Reference chains: each task alone from the base, by plain training at four times the steps.

They say how much of a task could be learned, so that what chains learned is measured on one scale
(`metrics/equal_learning.py`). All methods, rates and parametrisations of a model share them.
"""

from collections.abc import Iterable
from typing import Any

from lethe.artefacts.strict_json import digest
from lethe.config.catalogue import Catalogue, Evaluation, Study
from lethe.config.reading import selected
from lethe.config.recipe_values import hyper_for
from lethe.config.recipes import listed
from lethe.config.reference_chains import References
from lethe.errors import UserError
from lethe.longtables.axes import CLOZE, CLOZE_SET, DOMAIN, OWN
from lethe.longtables.run import ALONE, Run, method_words
from lethe.parameters.entries import parse_mixture, resolved
from lethe.planning.nodes import Base, Plan, slug_word
from lethe.planning.probes import add_probes, scores
from lethe.planning.stages import How, add_stage

TIMES = 4
"""How many times the steps of the recipe a task is trained for when it is alone."""
METHOD = "sequential"
CURVE_DIGITS = 6


def require_references(study: Study, catalogue: Catalogue) -> None:
    """Refuse references to orders that are not taught, without a recipe, or without own sets."""
    if (references := study.references) is None:
        return
    taught = {*study.orders, *(name for also in study.also for name in also.orders)}
    for order in references.orders:
        if order not in taught:
            raise UserError(
                f"references.orders: expected orders that the study teaches "
                f"({', '.join(sorted(taught)) or 'it has none'}), found {order!r}."
            )
    recipe = recipe_of(study, references)
    if recipe not in catalogue.recipes:
        raise UserError(
            f"references.recipe: expected a recipe of the catalogue, found {recipe!r}; known are "
            f"{', '.join(sorted(catalogue.recipes))}."
        )


def recipe_of(study: Study, references: References) -> str:
    """The recipe of which reference chains take four times the steps.

    Raises:
        UserError: the study has several, and names none for them.
    """
    names = [references.recipe] if references.recipe else listed(study.recipe)
    if len(names) != 1:
        raise UserError(
            f"references.recipe: the study has several recipes ({', '.join(names)}); name the one "
            "that each task is trained with alone, at four times the steps."
        )
    return names[0]


def add_references(
    plan: Plan, study: Study, catalogue: Catalogue, base: Base, orders: Iterable[str]
) -> None:
    """Add the reference chains of one base, with the first train seed; after its other chains.

    Args:
        orders: those that this model is taught.
    """
    if (references := study.references) is None:
        return
    taught = set(orders)
    mixtures = [catalogue.orders[name] for name in references.orders if name in taught]
    parts = dict.fromkeys(
        part for order in mixtures for mixture in order for part in mixture.split("&")
    )
    own = _own_sets(study, catalogue, base)
    for part in parts:
        task = parse_mixture(part)[0][0]
        for test in (catalogue.tasks[task].own, f"{CLOZE_SET}{task}"):
            if test in own:
                _add_reference(plan, study, catalogue, base, part, test)
                break


def _own_sets(study: Study, catalogue: Catalogue, base: Base) -> set[str]:
    """The own sets by which models like this one are scored, and the cloze sets of domains."""
    probes = [catalogue.probes[name] for name in selected(study, "probes", base.model)]
    return {
        name
        for probe in probes
        if scores(probe, base.family) and probe.stages == "all"
        for name, entry in probe.tasks.items()
        if entry.axis == OWN or _is_cloze(name, entry)
    }


def _is_cloze(name: str, entry: Evaluation) -> bool:
    return entry.axis == DOMAIN and entry.metric == CLOZE and name.startswith(CLOZE_SET)


def _add_reference(
    plan: Plan, study: Study, catalogue: Catalogue, base: Base, part: str, test: str
) -> None:
    assert study.references is not None
    recipe, train_seed = recipe_of(study, study.references), study.seeds.train[0]
    slug = f"{base.slug}-alone-{slug_word(part)}-t{train_seed}"
    how = How(METHOD, recipe, train_seed)
    node, _ = add_stage(plan, catalogue, base, base.node, part, how, slug, base.model, times=TIMES)
    probes = selected(study, "probes", base.model)
    add_probes(
        plan, study, catalogue, probes, node, base.world_seed, slug, "last", only=frozenset({test})
    )
    hyper = hyper_for(METHOD, catalogue.methods[METHOD], recipe, catalogue.recipes[recipe])
    plan.runs.append(
        Run(
            **base.origin(),
            method=METHOD,
            method_params=resolved(hyper),
            recipe=f"{recipe}-x{TIMES}",
            order=f"{ALONE}{part}",
            train_seed=train_seed,
            checkpoints=(base.node.id, node.id),
            stages=("", part),
        )
    )


def require_reference_runs(study: Study, plan: Plan) -> None:
    """Refuse references of which no model has any: no task of theirs has an own set here."""
    if study.references and not any(run.order.startswith(ALONE) for run in plan.runs):
        raise UserError(
            "references: no task of these orders has a set of the axis `own`, or as a domain a set "
            f"`{CLOZE_SET}TASK` of the metric `{CLOZE}`, in the study's probes, so nothing tells "
            "how much of it is learned; select such a probe, or leave `references` out."
        )


def learning_record(study: Study, plan: Plan) -> dict[str, Any]:
    """For the study's record: the level, and by stage its peak rate and its curve; or nothing.

    Stages are on one curve if all that differs in their recipes is the learning rate. A curve is a
    number, made from the other values.
    """
    if study.references is None:
        return {}
    rates = {}
    for node in plan.of_kind("stage"):
        recipe = dict(node.spec["recipe"])
        rate = recipe.pop("learning_rate")
        rates[node.id] = {"rate": rate, "curve": int(digest(recipe)[:CURVE_DIGITS], 16)}
    return {"equal_learning": {"level": study.references.level, "rates": rates}}


def single_rates(study: Study, plan: Plan) -> Iterable[str]:
    """A note that names curves of one rate: no two of their rates can bracket the level."""
    if study.references is None:
        return
    curves: dict[tuple, set[float]] = {}
    recipes: dict[tuple, str] = {}
    rates = learning_record(study, plan)["equal_learning"]["rates"]
    for run in plan.runs:
        first = rates.get(run.checkpoints[1]) if len(run.checkpoints) > 1 else None
        if first and run.order in study.references.orders:
            method = method_words(run.method, run.parametrisation)
            key = (run.model, method, run.order, first["curve"])
            curves.setdefault(key, set()).add(first["rate"])
            recipes[key] = run.recipe
    single = [key for key, found in curves.items() if len(found) == 1]
    if single:
        names = dict.fromkeys(f"{key[0]} by {key[1]} at {recipes[key]!r}" for key in single)
        more = ", ..." * (len(names) > 3)
        yield (
            f"references: {', '.join([*names][:3])}{more} has one learning rate, so nothing "
            "brackets the level; list recipes that differ in `learning_rate` alone."
        )


def cost_words(plan: Plan) -> str:
    """What the reference chains cost beside the study's other stages, for `lethe plan`; or nothing.

    Counted in optimizer steps where every recipe gives them, else in stages.
    """
    every = {name for run in plan.runs for name in run.checkpoints[1:]}
    others = {name for run in plan.runs if not run.order.startswith(ALONE)
              for name in run.checkpoints[1:]}  # fmt: skip
    alone = every - others
    if not alone:
        return ""
    steps = {
        name: plan.nodes[name].spec["recipe"]["steps"]
        for name in every
        if plan.nodes[name].kind == "stage"
    }
    words = f"Of these, {len(alone)} stages are reference chains (each task alone)"
    if None in steps.values():
        return f"{words}, at {TIMES} times the epochs of their recipe."
    own, whole = sum(steps[name] for name in alone), sum(steps.values())
    return f"{words}: {own:,} of {whole:,} steps of training, {100 * own / whole:.0f} %."
