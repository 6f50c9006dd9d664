"""Nodes of stages."""

from typing import Any, NamedTuple

from lethe.config.catalogue import Catalogue, MethodEntry
from lethe.config.recipe_values import hyper_for, longer, recipe_for
from lethe.errors import UserError, shown
from lethe.methods.parameters.base import MethodParameters, parameters_of
from lethe.parameters.entries import resolved
from lethe.planning.data import mixture_spec
from lethe.planning.model_types import require_type
from lethe.planning.nodes import Base, Node, Plan, chat_of
from lethe.planning.parametrisations import root_of, spec_of


class How(NamedTuple):
    """How a stage is trained: names of the catalogue, and the train seed."""

    method: str
    recipe: str
    train_seed: int
    parametrisation: str = "full"


def add_stage(
    plan: Plan,
    catalogue: Catalogue,
    lived: Base,
    parent: Node,
    mixture: str,
    how: How,
    slug: str,
    model: str,
    times: int = 1,
) -> tuple[Node, list[dict[str, Any]]]:
    """The node of one stage, and the components of its mixture.

    Args:
        lived: the base, with the mixtures before this one.
        model: the name by which the recipe's overrides are looked up.
        times: how often the recipe's steps, or its epochs, are trained.

    Raises:
        UserError: the method cannot train such a model, or cannot use this recipe.
    """
    method, recipe, train_seed, parametrisation = how
    entry, settings = catalogue.methods[method], catalogue.recipes[recipe]
    family = parent.spec["family"]
    values = recipe_for(recipe, settings, model, method, family, parametrisation)
    hyper = hyper_for(method, entry, recipe, settings)
    _require_family(method, entry, hyper, family)
    root = root_of(plan, lived.node)
    require_type(method, hyper.of_type, root, plan.results)
    trained_by = {f"methods.{method}": hyper} | _held_rows(recipe, values, method, hyper)
    trained = spec_of(catalogue, parametrisation, trained_by, root, plan.results)
    _require_general_texts(method, entry, hyper)
    _require_rows(recipe, values, entry, hyper)
    hyper.require_fit(f"methods.{method}.hyper", values)
    # What a derived base was trained on is known to its node.
    of_base = len(lived.node.spec.get("history", ())) if hyper.since_its_base else 0
    earlier = [list(components) for components in lived.mixtures[of_base:]]
    components = mixture_spec(plan, catalogue, mixture, lived, lived.history)
    spec = {
        "family": family,
        "parent": parent.id,
        "parent_kind": parent.kind,
        "mixture": components,
        "earlier": earlier,
        "history": [*lived.history, mixture],
        "method": entry.method,
        "hyper": resolved(hyper),
        "recipe": longer(values, times),
        "train_seed": train_seed,
        **trained,
        **chat_of(parent),
    }
    if hyper.reads_base():
        spec |= {"base": lived.node.id, "base_kind": lived.node.kind}
    if of_base:
        spec["before"] = of_base
    if entry.general is not None and len(lived.history) == of_base:
        # If the stage trains on the same task too, the general texts are another draw.
        before = (*lived.history, mixture)
        spec["general"] = mixture_spec(plan, catalogue, entry.general, lived, before)
    node = plan.add("stage", slug, spec, plan.sizes.get(parent.id, 0.0))
    return node, components


def _held_rows(
    name: str, recipe: dict[str, Any], method: str, hyper: MethodParameters
) -> dict[str, MethodParameters]:
    """The row rule, if a recipe asks for it: it too has to go with what is trained.

    Raises:
        UserError: it does not go with the method.
    """
    if "unused_rows" not in recipe:
        return {}
    if hyper.not_with_held_rows:
        raise UserError(
            f"recipes.{name}.unused_rows: `held` does not go with the method {method!r}, as "
            f"{hyper.not_with_held_rows}; give it another recipe in an entry of `also`."
        )
    return {f"recipes.{name}.unused_rows": parameters_of("row_rule")()}


def _require_family(name: str, entry: MethodEntry, hyper: MethodParameters, family: str) -> None:
    """Refuse a model of a family that the method, with these hyper-parameters, does not train."""
    demands = [("", hyper.families)]
    demands += [
        (f" with `{key}: {value}`", families)
        for (key, value), families in hyper.families_with.items()
        if getattr(hyper, key) == value
    ]
    why = f" ({hyper.families_why})" if hyper.families_why else ""
    for condition, families in demands:
        if family not in families:
            raise UserError(
                f"methods.{name}: method {entry.method!r}{condition} trains "
                f"{' and '.join(sorted(families))} models only{why}, and the study has a {family} "
                "one for it; move the method to an entry of `also` with suitable models."
            )


def _require_general_texts(name: str, entry: MethodEntry, hyper: MethodParameters) -> None:
    """Refuse a method that reads general texts with these hyper-parameters, but has none.

    And one that has some, but does not read them.
    """
    where = f"methods.{name}.general: method {entry.method!r}"
    reading = [f"`{key}: {value}`" for key, value in hyper.general_with]
    for (key, value), words in zip(hyper.general_with, reading, strict=True):
        if getattr(hyper, key) == value:
            if entry.general is None:
                raise UserError(
                    f"{where} with {words} reads general texts, expected a mixture of them, found "
                    "none."
                )
            return
    if entry.general is not None:
        only = f" but with {' or '.join(reading)}" if reading else ""
        raise UserError(
            f"{where} reads no general texts{only}, found {shown(entry.general)}; remove the key."
        )


def _require_rows(
    name: str, recipe: dict[str, Any], entry: MethodEntry, hyper: MethodParameters
) -> None:
    """Refuse a recipe whose rows hold several texts if the method needs one text per row."""
    if hyper.one_text_a_row and recipe.get("unpadded"):
        raise UserError(
            f"recipes.{name}.unpadded: method {entry.method!r} needs every text in a row of its "
            "own; set it to false, or give the method another recipe in an entry of `also`."
        )
