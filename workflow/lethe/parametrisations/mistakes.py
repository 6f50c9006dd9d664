"""Sentences about settings that do not fit a model: planning and jobs both say them."""

from collections.abc import Iterable
from typing import Any

from lethe.errors import UserError, shown
from lethe.models.kinds import known_with
from lethe.parametrisations.constants import USUAL_REDUCTION

ALL = "all-linear"
"""Targets of LoRA: every linear module but the output layer."""


def no_such_target(target: str, names: Iterable[str]) -> UserError:
    """A target of LoRA names no module; `names` are those of all modules that could be one."""
    known = ", ".join(sorted({name.rpartition(".")[2] for name in names}))
    return UserError(
        f"parametrisations: the target {shown(target)} of LoRA names no module of the model; "
        f"correct `targets`: `{ALL}`, or some of {known}."
    )


def rank_too_large(rank: int, smaller: int, name: str) -> UserError:
    """A rank is above the smaller dimension of a module's weight, where nothing is left to save."""
    return UserError(
        f"parametrisations: expected a `rank` of at most {smaller}, the smaller dimension of "
        f"{name}, found {rank}; lower it, or leave that module out of `targets`."
    )


def too_many_layers(asked: int, there: int) -> UserError:
    """More layers are to be frozen than there are."""
    return UserError(
        f"parametrisations: expected at most {there} frozen `layers`, as many as the model has, "
        f"found {asked}; lower `layers`."
    )


def nothing_trained() -> UserError:
    """Every matrix of a model is to be frozen."""
    return UserError(
        "parametrisations: all layers and the embeddings, which are the output layer too, are "
        "frozen, so that no matrix is trained; lower `layers`, or give `embeddings: false`."
    )


def no_places(model_type: str) -> UserError:
    """Adapters have no known places in models of a type."""
    return UserError(
        f"parametrisations: the places of adapters are not known in models of type "
        f"{model_type!r}; they are in {known_with('back')}. Choose LoRA."
    )


def require_narrow(settings: dict[str, Any], width: int) -> None:
    """Refuse a bottleneck that is no narrower part of states of this width.

    A reduction above the width would silently give the smallest bottleneck; the default one does,
    so that it can be named for the tiniest models.

    Raises:
        UserError: `bottleneck` is above the width, or `reduction` above it and the default.
    """
    units, reduction = settings["bottleneck"], settings["reduction"]
    if units is not None and units > width:
        raise UserError(
            f"parametrisations: expected a `bottleneck` of at most {width} units, the width of the "
            f"model, found {units}; lower it."
        )
    if units is None and reduction > max(width, USUAL_REDUCTION):
        raise UserError(
            f"parametrisations: expected a `reduction` of at most {max(width, USUAL_REDUCTION)} "
            f"for a model {width} wide, found {reduction}; lower it."
        )


def is_named(name: str, target: str) -> bool:
    """Whether a target names a module: by its whole name, or by its end."""
    return name == target or name.endswith(f".{target}")
