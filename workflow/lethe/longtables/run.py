"""A run in words. Each word stands here once: plans, records, tables and schemas follow from it.

A run is one chain of checkpoints: stages 0 (the base) to T. Imports nothing heavy.
"""

import json
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

from lethe.errors import UserError
from lethe.longtables.columns import rule


def word(
    description: str, *, tells_apart: bool = False, empty: bool = False, default: Any = MISSING
) -> Any:
    """A field that is a column of the long tables.

    Args:
        tells_apart: two runs may differ in this word alone; other words follow from the model.
        empty: a text may be the empty one.
    """
    metadata = {"description": description, "tells_apart": tells_apart, "empty": empty}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The words of what a run starts from: a model, trained with its seeds."""

    model: str = word("name of the base model", tells_apart=True)
    family: Literal["causal", "seq2seq", "masked"] = word("model family")
    # Counted in a checkpoint, so that no plan knows it.
    params: int | None = word("number of parameters", default=None)
    series: str = word("models of one series differ in size only")
    untuned: str = word(
        "the model that this one was before general instruction tuning; empty for none", empty=True
    )
    world_seed: int | None = word(
        "seed of the generated world; empty for hub data", tells_apart=True
    )
    base_seed: int | None = word(
        "seed of the base model's training; empty for a fetched model", tells_apart=True
    )

    def origin(self) -> dict[str, Any]:
        """The words of the origin alone, to start another record with."""
        return {one.name: getattr(self, one.name) for one in fields(Origin)}


@dataclass(frozen=True, kw_only=True)
class Run(Origin):
    """One chain of checkpoints from a base to the end of an order, with its words."""

    method: str = word("how the stages are trained so that less is forgotten", tells_apart=True)
    method_params: dict[str, Any] = word(
        "the method's hyper-parameters as a JSON object", tells_apart=True
    )
    recipe: str = word("named optimisation settings", tells_apart=True)
    order: str = word("name of the task order; 'control:...' for a control chain", tells_apart=True)
    train_seed: int | None = word(
        "seed of data order and dropout; empty where nothing is drawn", tells_apart=True
    )
    checkpoints: tuple[str, ...]
    stages: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """What a study's record keeps of the run: all that a plan knows of it."""
        return {name: getattr(self, name) for name in RECORDED}

    def row(self) -> dict[str, Any]:
        """The run's fields in a row of a long table; who knows the checkpoint adds `params`."""
        row = {name: getattr(self, name) for name in COLUMNS}
        row["method_params"] = json.dumps(self.method_params, sort_keys=True)
        return row


RECORDED = [one.name for one in fields(Run) if one.name != "params"]
COLUMNS = {
    one.name: rule(one.type, one.metadata["description"], empty=one.metadata["empty"])
    for one in fields(Run)
    if one.metadata
}
"""The rule of every column that says something of a run, in the order of the tables."""
RUN_COLUMNS = [one.name for one in fields(Run) if one.metadata.get("tells_apart")]
"""The words that tell a run from all others; equal ones are one run."""


def run_of(record: dict[str, Any]) -> Run:
    """The run of a study's record.

    Raises:
        UserError: the record lacks a word, or has one that no run has.
    """
    missing, unknown = set(RECORDED) - record.keys(), record.keys() - set(RECORDED)
    if missing or unknown:
        found = f"{min(missing)!r} is missing" if missing else f"found {min(unknown)!r}"
        raise UserError(
            f"The study's record: expected of a run {', '.join(RECORDED)}, but {found}; "
            "run `snakemake` again, which writes the record."
        )
    return Run(**record)
