"""Nodes of stages."""

from typing import Any

from lethe.config.catalogue import Catalogue
from lethe.config.recipe_values import hyper_for, recipe_for
from lethe.planning.data import mixture_spec
from lethe.planning.demands import require
from lethe.planning.nodes import Base, Node, Plan


def add_stage(
    plan: Plan,
    catalogue: Catalogue,
    lived: Base,
    parent: Node,
    mixture: str,
    how: tuple[str, str, int],
    slug: str,
    model: str,
) -> tuple[Node, list[dict[str, Any]]]:
    """The node of one stage, and the components of its mixture.

    Args:
        lived: the mixtures before this one.
        how: names of the method and the recipe, and the train seed.
        model: the name that the recipe's overrides go by.

    Raises:
        UserError: the method cannot train such a model, or not with this recipe.
    """
    method, recipe, train_seed = how
    entry, settings = catalogue.methods[method], catalogue.recipes[recipe]
    family = parent.spec["family"]
    values = recipe_for(recipe, settings, model, method, family)
    hyper = hyper_for(settings, method, entry)
    require(method, entry.method, hyper, family, recipe, values)
    earlier = [list(components) for components in lived.mixtures]
    components = mixture_spec(plan, catalogue, mixture, lived.world_seed, lived.history)
    spec = {
        "family": family,
        "parent": parent.id,
        "parent_kind": parent.kind,
        "mixture": components,
        "earlier": earlier,
        "history": [*lived.history, mixture],
        "method": entry.method,
        "hyper": hyper,
        "recipe": values,
        "train_seed": train_seed,
    }
    read = [*components, *sum(earlier, [])]
    if entry.general is not None and not lived.history:
        # A task that the stage trains on too is drawn anew.
        before = (mixture,)
        spec["general"] = mixture_spec(plan, catalogue, entry.general, lived.world_seed, before)
        read += spec["general"]
    inputs = [(parent.kind, parent.id), *sorted({("data", part["data"]) for part in read})]
    node = plan.add("stage", slug, spec, inputs, plan.sizes.get(parent.id, 0.0))
    return node, components
