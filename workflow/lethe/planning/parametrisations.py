"""What a stage's spec says of how parameters are trained, and what does not go together."""

from collections.abc import Iterable
from typing import Any

from lethe.config.catalogue import Catalogue, Study
from lethe.errors import UserError, some_of
from lethe.methods.parameters.base import MethodParameters
from lethe.models.kinds import kind_of
from lethe.models.known_shapes import Shapes, shapes_in, shapes_of_built
from lethe.parameters.entries import resolved
from lethe.parametrisations.constants import PARTS
from lethe.parametrisations.mistakes import (
    ALL,
    is_named,
    no_places,
    no_such_target,
    nothing_trained,
    rank_too_large,
    require_narrow,
    too_many_layers,
)
from lethe.parametrisations.parameters import FULL, settings_of
from lethe.planning.base_folders import base_folder
from lethe.planning.composition import reason_against
from lethe.planning.nodes import Node, Plan


def spec_of(
    catalogue: Catalogue,
    name: str,
    trained_by: dict[str, MethodParameters],
    base: Node | None = None,
    results: str = "",
) -> dict[str, Any]:
    """The key `parametrisation` of a stage's spec, which is left out where all is trained.

    Args:
        trained_by: what it has to go with: hyper-parameters by the key of the configuration that
            chose them.
        base: that with which the chain begins, as far as settings are held against it.

    Raises:
        UserError: the method does not go with it, or the settings do not fit the base.
    """
    entry = catalogue.parametrisations[name]
    settings = settings_of(f"parametrisations.{name}", entry)
    spec = {"kind": entry.kind, **resolved(settings)}
    shapes = _shapes(base.spec, results) if base else None
    sides = [min(shape) for shape in shapes.linear.values() if shape] if shapes else []
    for where, hyper in trained_by.items():
        if sides:
            hyper.require_sides(f"{where}.hyper", min(sides))
        _require_goes_with(catalogue, name, where, hyper, tied=bool(shapes and shapes.tied))
    if shapes and spec != FULL:
        try:
            _require_fits(spec, shapes)
        except UserError as error:
            # Jobs say the same sentence of a parametrisation whose name they do not know.
            said = str(error).removeprefix("parametrisations:")
            raise UserError(f"parametrisations.{name}:{said}") from None
    return {} if spec == FULL else {"parametrisation": spec}


def _require_goes_with(
    catalogue: Catalogue, name: str, where: str, hyper: MethodParameters, tied: bool
) -> None:
    """Refuse what the method says that it does not go with, with its reason and what goes."""
    reason = reason_against(hyper, _words(catalogue, name, tied))
    if not reason:
        return
    ways = catalogue.parametrisations
    goes = [way for way in ways if not reason_against(hyper, _words(catalogue, way, tied))]
    raise UserError(
        f"{where}: does not go with the parametrisation {name!r}, as {reason}; select it "
        f"with other `parametrisations` in an entry of `also`"
        + (f" (it goes with {some_of(goes)})." if goes else ".")
    )


def _words(catalogue: Catalogue, name: str, tied: bool) -> list[str]:
    """The words by which a method may refuse an entry of the catalogue, on a base tied or not."""
    return settings_of(f"parametrisations.{name}", catalogue.parametrisations[name]).words(tied)


def refuse_equal(study: Study, catalogue: Catalogue) -> None:
    """Refuse two names of one parametrisation: they would train each chain twice.

    Raises:
        UserError: two that the study selects have equal settings.
    """
    names = [*study.parametrisations, *(n for also in study.also for n in also.parametrisations)]
    seen: dict[str, str] = {}
    for name in dict.fromkeys(names):
        entry = catalogue.parametrisations[name]
        values = repr((entry.kind, resolved(settings_of(f"parametrisations.{name}", entry))))
        if seen.setdefault(values, name) != name:
            raise UserError(
                f"parametrisations: {seen[values]!r} and {name!r} have equal settings, so they "
                "would train each chain twice; list one of them."
            )


def without_rates(catalogue: Catalogue, plan: Plan) -> Iterable[str]:
    """A note for each recipe that trains a small part of a model with the values of the whole.

    A recipe says that they are right for a part too by naming it under `parametrised`, as with {}.
    """
    found: dict[str, dict[str, None]] = {}
    for run in plan.runs:
        recipe = catalogue.recipes.get(run.recipe)
        entry = catalogue.parametrisations.get(run.parametrisation)
        if recipe and entry and entry.kind in PARTS:
            own = recipe.tuned.get(run.method)
            if run.parametrisation not in recipe.parametrised and not (own and own.recipe):
                found.setdefault(run.recipe, {})[run.parametrisation] = None
    for name, parts in found.items():
        said = " and ".join(repr(part) for part in parts)
        yield (
            f"recipes.{name}: trains {said} at the rate of all weights, "
            f"{catalogue.recipes[name].learning_rate:g}, where a part usually needs a higher one; "
            "give other values under `parametrised`, or {} if these are meant."
        )


def root_of(plan: Plan, node: Node) -> Node:
    """The base that a derived model's stages begin with; a base itself."""
    while node.kind == "stage":
        node = plan.nodes[node.spec["parent"]]
    return node


def _require_fits(spec: dict[str, Any], shapes: Shapes) -> None:
    """Refuse settings that do not fit a base, as far as it is known before its job.

    Raises:
        UserError: a target of LoRA that names no module, a rank above a module's smaller
            dimension, more frozen layers than there are or nothing else, a bottleneck wider than
            the model, or adapters on a type of model whose places for them are not known.
    """
    if spec["kind"] == "lora":
        _require_targets(spec, shapes)
    if spec["kind"] == "frozen" and shapes.layers is not None:
        if spec["layers"] > shapes.layers:
            raise too_many_layers(spec["layers"], shapes.layers)
        if spec["embeddings"] and shapes.tied and spec["layers"] == shapes.deepest:
            raise nothing_trained()
    if spec["kind"] == "adapters":
        if shapes.model_type and not kind_of(shapes.model_type).back:
            raise no_places(shapes.model_type)
        if shapes.width is not None:
            require_narrow(spec, shapes.width)


def _shapes(spec: dict[str, Any], results: str) -> Shapes | None:
    if "architecture" in spec:
        return shapes_of_built(spec["architecture"], spec["config"])
    folder = base_folder(spec, results)
    return None if folder is None else shapes_in(folder)


def _require_targets(spec: dict[str, Any], shapes: Shapes) -> None:
    chosen = shapes.linear
    if spec["targets"] != ALL:
        chosen = {}
        for target in spec["targets"]:
            # Modules of a built model are known by their last word.
            end = target.rpartition(".")[2]
            named = {n: s for n, s in shapes.named.items() if is_named(n, target) or n == end}
            if not named:
                raise no_such_target(target, shapes.named)
            chosen |= named
    for name, shape in chosen.items():
        if shape and spec["rank"] > min(shape):
            raise rank_too_large(spec["rank"], min(shape), name)
