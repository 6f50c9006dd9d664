"""What a stage is trained with: the values of its recipe, and what overrides them."""

from typing import Any

from lethe.config.catalogue import MethodEntry
from lethe.config.inherited import FROM, LENGTHS
from lethe.config.recipes import Recipe
from lethe.errors import UserError
from lethe.methods.parameters.base import MethodParameters, parameters_of
from lethe.parameters.sentences import validated

CHOICES = {FROM, "overrides", "parametrised", "tuned"}
SHORTEST = {"causal": 2}
"""Tokens that an example needs so that one is learned. One is enough for the other families, but
for those that a tokenizer puts around texts, which only the job knows."""


def recipe_for(
    name: str,
    recipe: Recipe,
    model: str,
    method: str = "",
    family: str = "masked",
    parametrisation: str = "",
) -> dict[str, Any]:
    """The recipe's values for a model and, in a stage, a parametrisation and a method.

    Each overrides those before it; values tuned for the method come last.

    Keys that the family does not use are left out, so that they are part of no id.

    Raises:
        UserError: an override is not a key of a recipe, its value is of the wrong kind, or the
            recipe is not complete with it.
    """
    values = recipe.model_dump(exclude=CHOICES)
    tuned = recipe.tuned.get(method)
    for where, other in (
        (f"overrides.{model}", recipe.overrides.get(model)),
        (f"parametrised.{parametrisation}", recipe.parametrised.get(parametrisation)),
        (f"tuned.{method}.recipe", tuned and tuned.recipe),
    ):
        if other:
            for key in sorted(CHOICES & other.keys()):
                raise UserError(
                    f"recipes.{name}.{where}: expected values of the recipe, found {key!r}."
                )
            values |= other
            # Epochs and steps exclude each other.
            if set(LENGTHS) & other.keys():
                values |= {key: None for key in set(LENGTHS) - other.keys()}
            overridden = validated(Recipe, values, f"recipes.{name}.{where}")
            require_complete(f"recipes.{name}.{where}", overridden)
            values = overridden.model_dump(exclude=CHOICES)
    if values["max_length"] < (shortest := SHORTEST.get(family, 1)):
        raise UserError(
            f"recipes.{name}.max_length: expected at least {shortest} tokens, as a {family} model "
            f"learns none of an example's first, found {values['max_length']}; raise it."
        )
    values["betas"] = list(values["betas"])
    if family != "masked":
        del values["mask_share"]
    # Without effect they are left out too, so that stages older than these keys keep their ids.
    if values["kept_dtype"] == "float32":
        del values["kept_dtype"]
    if values["embedding_epsilon"] is None:
        del values["embedding_epsilon"]
    if values["unused_rows"] == "trained":
        del values["unused_rows"]
    if family != "masked" or not values["unpadded"]:
        del values["unpadded"]
    return values


def longer(values: dict[str, Any], times: int) -> dict[str, Any]:
    """A recipe's values with its steps, or its epochs, so many times; the rest is as it was."""
    length = "epochs" if values["steps"] is None else "steps"
    return values | {length: values[length] * times}


def require_complete(where: str, recipe: Recipe) -> None:
    """Refuse a recipe whose keys contradict each other, or that lacks one that another needs."""
    if (recipe.epochs is None) == (recipe.steps is None):
        found = "neither" if recipe.steps is None else "both"
        raise UserError(f"{where}: expected either `epochs` or `steps`, found {found}.")
    if recipe.checkpoint == "newest-periodic" and recipe.save_steps is None:
        raise UserError(f"{where}: `checkpoint: newest-periodic` needs `save_steps`.")


def hyper_for(
    method: str, entry: MethodEntry, recipe_name: str = "", recipe: Recipe | None = None
) -> MethodParameters:
    """The hyper-parameters of a method: its own, and those tuned for a recipe if one is given.

    Args:
        method: name of the catalogue's entry.

    Raises:
        UserError: an unknown name, a wrong type, or a value out of bounds.
    """
    tuned = recipe.tuned.get(method) if recipe else None
    where = f"recipes.{recipe_name}.tuned.{method}.hyper" if tuned else f"methods.{method}.hyper"
    hyper = entry.hyper | (tuned.hyper if tuned else {})
    return validated(parameters_of(entry.method), hyper, where)
