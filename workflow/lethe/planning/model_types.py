"""What methods and parametrisations ask of a model's type, as far as it is known before any job."""

from collections.abc import Iterable
from typing import Any

from lethe.artefacts.files import read_json
from lethe.config.catalogue import Catalogue
from lethe.errors import UserError
from lethe.methods.parameters.base import parameters_of
from lethe.models.kinds import kind_of, known_with
from lethe.planning.base_folders import base_folder
from lethe.planning.nodes import Node, Plan

WORDS = {"units": "units", "encoder": "heads and neurons of an encoder"}
"""What a fact of `models/kinds.py` is called in a message."""


def type_of(spec: dict[str, Any], results: str) -> str | None:
    """transformers' type of the model of a base's spec; None: not known until it is fetched."""
    if "architecture" in spec:
        return spec["architecture"]
    folder = base_folder(spec, results)
    try:
        config = read_json(folder / "config.json") if folder else None
    except UserError:
        return None
    found = config.get("model_type") if isinstance(config, dict) else None
    return found if isinstance(found, str) else None


def require_type(method: str, fact: str, base: Node, results: str) -> None:
    """Refuse a base of a type of which a method's fact is not known; `fact` may be empty.

    Raises:
        UserError: it is known to be such a type.
    """
    found = type_of(base.spec, results) if fact else None
    if found is not None and not getattr(kind_of(found), fact):
        raise UserError(
            f"methods.{method}: needs a model type whose {WORDS[fact]} are known "
            f"({known_with(fact)}), found {found!r}; move the method to an entry of `also` with "
            "such models."
        )


def unknown_types(catalogue: Catalogue, plan: Plan) -> Iterable[str]:
    """A note for each method and model of which only a job can say whether they go together."""
    told = set()
    for run in plan.runs:
        if run.method not in catalogue.methods:
            continue
        fact = parameters_of(catalogue.methods[run.method].method).of_type
        base = plan.nodes[run.checkpoints[0]]
        while base.kind == "stage":
            base = plan.nodes[base.spec["parent"]]
        if not fact or (run.method, run.model) in told:
            continue
        if type_of(base.spec, plan.results) is None:
            told.add((run.method, run.model))
            yield (
                f"methods.{run.method}: needs a model type whose {WORDS[fact]} are known "
                f"({known_with(fact)}); of {run.model} it is not known until the model is "
                "fetched."
            )
