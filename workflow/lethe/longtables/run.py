"""The words that describe a run, the only source for plans, records, tables and schemas.

A run is one chain of checkpoints: stages 0 (the base) to T. Imports nothing heavy.
"""

import json
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from lethe.errors import UserError
from lethe.longtables.columns import rule
from lethe.parameters.families import Family

SEEDS = ["world_seed", "base_seed", "train_seed"]
"""The words that tell apart runs of one chain."""
ALONE = "alone:"
"""Before the task's name, the order of a reference chain: one task alone, trained for longer."""


def word(
    description: str, *, tells_apart: bool = False, empty: bool = False, default: Any = MISSING
) -> Any:
    """A field that is a column of the long tables.

    Args:
        tells_apart: whether two runs may differ in this word alone; others follow from the model.
        empty: whether a text may be empty.
    """
    metadata = {"description": description, "tells_apart": tells_apart, "empty": empty}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The words that describe where a run starts: a model with its seeds."""

    model: str = word("name of the base model", tells_apart=True)
    family: Family = word("model family")
    # Counted in a checkpoint, so it is unknown during planning.
    params: int | None = word("number of parameters", default=None)
    series: str = word("models of one series differ in size only")
    untuned: str = word(
        "the same model before general instruction tuning; empty if there is no such model",
        empty=True,
    )
    world_seed: int | None = word(
        "seed of the generated world; empty for hub data", tells_apart=True
    )
    base_seed: int | None = word(
        "seed of the base model's training; empty for a fetched model", tells_apart=True
    )

    def origin(self) -> dict[str, Any]:
        """Only the words of the origin, as the start of another record."""
        return {column.name: getattr(self, column.name) for column in fields(Origin)}


@dataclass(frozen=True, kw_only=True)
class Run(Origin):
    """One chain of checkpoints from a base to the end of an order, and the words describing it."""

    method: str = word("how the stages are trained so that less is forgotten", tells_apart=True)
    method_params: dict[str, Any] = word(
        "the method's hyper-parameters as a JSON object", tells_apart=True
    )
    parametrisation: str = word(
        "which parameters are trained; `full`: all of them", tells_apart=True, default="full"
    )
    recipe: str = word("named optimisation settings", tells_apart=True)
    order: str = word(
        "name of the task order; 'control:...' for a control chain, 'alone:...' for a reference "
        "chain of one task",
        tells_apart=True,
    )
    train_seed: int | None = word(
        "seed of data order and dropout; empty if nothing is drawn", tells_apart=True
    )
    checkpoints: tuple[str, ...]
    stages: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """What a study's record holds of the run: all that is known during planning."""
        return {name: getattr(self, name) for name in RECORDED}

    def row(self) -> dict[str, Any]:
        """The run's fields in a row of a long table; `params` is filled in from the checkpoint."""
        row = {name: getattr(self, name) for name in COLUMNS}
        row["method_params"] = json.dumps(self.method_params, sort_keys=True)
        return row


RECORDED = [column.name for column in fields(Run) if column.name != "params"]
COLUMNS = {
    column.name: rule(
        column.type,
        column.metadata["description"],
        empty=column.metadata["empty"],
        **({"default": column.default} if isinstance(column.default, str) else {}),
    )
    for column in fields(Run)
    if column.metadata
}
"""The rule of every column that describes a run, in the order of the tables."""
RUN_COLUMNS = [column.name for column in fields(Run) if column.metadata.get("tells_apart")]
"""The words that distinguish a run from all others; rows that agree in them are one run."""


def method_words(method: str, parametrisation: str, *more: str) -> str:
    """A method as a reader is told it, everywhere: `ewc`, `ewc (lora)`, `ewc (lora, slow)`.

    Args:
        parametrisation: left out where all weights are trained.
        more: what else tells it from its like, hyper-parameters before the recipe.
    """
    words = [] if parametrisation in ("full", "") else [parametrisation]
    words += [word for word in more if word]
    return f"{method} ({', '.join(words)})" if words else method


def after_bases(runs: Iterable[Run]) -> list[str]:
    """The ids of all checkpoints of some runs but their bases, each once."""
    return list(dict.fromkeys(one for run in runs for one in run.checkpoints[1:]))


def run_of(record: dict[str, Any]) -> Run:
    """The run of a study's record.

    Raises:
        UserError: the record lacks a word, or has an unknown one.
    """
    needed = {name for name in RECORDED if "default" not in COLUMNS.get(name, {})}
    missing, unknown = needed - record.keys(), record.keys() - set(RECORDED)
    if missing or unknown:
        found = f"{min(missing)!r} is missing" if missing else f"found {min(unknown)!r}"
        raise UserError(
            f"The study's record: expected a run with {', '.join(RECORDED)}, but {found}; "
            "run `snakemake` again to rewrite the record."
        )
    return Run(**record)
