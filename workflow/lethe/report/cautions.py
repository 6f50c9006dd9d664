"""What a reader must know before any number: warnings by kind, and gaps in the chains."""

from dataclasses import dataclass

import pandas as pd

from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import LongTables
from lethe.metrics.warnings import sentence

ALL_SHOWN = 3
"""Sentences of one kind that are not folded away."""


@dataclass(frozen=True)
class Caution:
    """Sentences of one kind."""

    kind: str
    sentences: list[str]

    @property
    def is_folded(self) -> bool:
        return len(self.sentences) > ALL_SHOWN


def cautions(tables: LongTables, warnings: pd.DataFrame) -> list[Caution]:
    """By kind, those first that make a number mean something else."""
    found: dict[str, list[str]] = {}
    if tables.on_dev:
        found["dev sets"] = [tables.on_dev]
    if gaps := broken_chains(tables.scores):
        found["chains without an end"] = gaps
    for row in warnings.to_dict("records"):
        words = sentence(row).removeprefix(row["kind"]).strip(" :")
        found.setdefault(row["kind"], []).append(words)
    return [Caution(kind, words) for kind, words in found.items()]


def broken_chains(scores: pd.DataFrame) -> list[str]:
    """Chains without a score of the last stage that others of their order have."""
    stages = (
        scores.groupby(RUN_COLUMNS, dropna=False, sort=False)["stage_index"].max().reset_index()
    )
    last = stages.groupby("order")["stage_index"].transform("max")
    broken = stages[stages["stage_index"] < last]
    counts = broken.groupby(["model", "method", "order"], sort=False)["stage_index"].agg(
        ["min", "size"]
    )
    return [
        f"{', '.join(words)}: no score after stage {row['min']} in {row['size']} runs"
        for words, row in zip(counts.index, counts.to_dict("records"), strict=True)
    ]
