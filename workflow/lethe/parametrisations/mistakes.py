"""Sentences about settings that do not fit a model: planning and jobs both say them."""

from collections.abc import Iterable

from lethe.errors import UserError, shown

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


def is_named(name: str, target: str) -> bool:
    """Whether a target names a module: by its whole name, or by its end."""
    return name == target or name.endswith(f".{target}")
