"""Several recipes on one order: what tells chains apart by more than their recipe's values."""

from itertools import groupby

from lethe.config.catalogue import Catalogue, Study
from lethe.errors import UserError
from lethe.longtables.run import Run, method_words
from lethe.planning.nodes import Plan

# They set one chain of a model beside another, so a second recipe would be left out unsaid.
OF_ONE_RECIPE = {
    "tables": ("instruction_tuning", "mixing", "published"),
    "figures": ("scale", "architecture", "instruction_tuning", "mixing", "bias"),
}


def with_several_recipes(runs: list[Run]) -> list[list[Run]]:
    """Runs that differ in their recipe alone, together; without those that have one recipe."""
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        seeds = (run.world_seed, run.base_seed, run.train_seed)
        groups.setdefault(
            (run.model, run.method, run.parametrisation, run.order, *seeds), []
        ).append(run)
    return [group for group in groups.values() if len({run.recipe for run in group}) > 1]


def require_recipes_fit(study: Study, catalogue: Catalogue, plan: Plan) -> None:
    """Refuse recipes that train the same chain, and what compares chains of one recipe only.

    Raises:
        UserError: two recipes have equal values for a chain; or the study names a claim, a table
            or a figure in which a model has one chain of a method and order; or a claim names a
            recipe that no chain has.
    """
    groups = with_several_recipes(plan.runs)
    for group in groups:
        group.sort(key=lambda run: run.checkpoints)
        for _, same in groupby(group, key=lambda run: run.checkpoints):
            names = [run.recipe for run in same]
            if len(names) > 1:
                is_full = group[0].parametrisation == "full"
                rates = "" if is_full else ", or give them other rates for it (`parametrised`)"
                raise UserError(
                    f"recipe: {names[0]!r} and {names[1]!r} have equal values for "
                    f"{_words(group[0])}, so they would train one chain; list one of them{rates}."
                )
    recipes = {run.recipe for run in plan.runs}
    of_any = [name for name in study.claims or () if not _of_one(name, catalogue, recipes)]
    if not groups:
        return
    named = {"claims": of_any}
    for kind, pages in OF_ONE_RECIPE.items():
        named[kind] = [name for name in getattr(study, kind) or () if name in pages]
    for kind, names in named.items():
        if names:
            several = ", ".join(dict.fromkeys(run.recipe for run in groups[0]))
            way_out = "name the `recipe` in its parts, " if kind == "claims" else ""
            raise UserError(
                f"{kind}: {next(iter(names))!r} compares chains of one recipe, and "
                f"{_words(groups[0][0])} has several ({several}); {way_out}leave it out, or select "
                "one recipe."
            )


def _of_one(name: str, catalogue: Catalogue, recipes: set[str]) -> bool:
    """Whether every part of a claim names its recipe; UserError if no chain has it."""
    for part, test in catalogue.claims[name].parts.items():
        if test.recipe is not None and test.recipe not in recipes:
            raise UserError(
                f"claims.{name}.parts.{part}.recipe: expected a recipe of the study's chains "
                f"({', '.join(sorted(recipes))}), found {test.recipe!r}."
            )
    return all(test.recipe is not None for test in catalogue.claims[name].parts.values())


def _words(run: Run) -> str:
    how = method_words(run.method, run.parametrisation)
    return f"{run.model} on the order {run.order!r} by {how!r}"
