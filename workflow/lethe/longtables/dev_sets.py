"""Chains that were scored on dev sets alone, as where settings are chosen.

One rule for tables, figures and claims: a chain is shown by its test sets; one of which no stage
was scored on any is shown by its dev sets, and what is made of it says so. End tasks say themselves
which file they are tested on.
"""

import pandas as pd

from lethe.errors import some_of
from lethe.longtables.axes import END_TASK
from lethe.longtables.run import RUN_COLUMNS

ON_DEV = "all stages of this study were scored on dev sets; its numbers are for choosing settings"
SOME_ON_DEV = "scored on dev sets, so for choosing settings and on other items than the rest"
NAMED = ("model", "method", "recipe", "order")
CELL = [*RUN_COLUMNS, "node", "probe", "subset", "metric", "split"]


def shown(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores, with dev sets in the place of test sets in the chains that have no others."""
    of_sets = scores["kind"] != END_TASK
    stands = _of_dev_chains(scores) & of_sets & (scores["split"] == "dev")
    if not stands.any():
        return scores
    found = scores.assign(split=scores["split"].mask(stands, "test"))
    # A base may have test items beside the dev items that its stages have: they are no one cell.
    twice = found.duplicated(CELL, keep=False) & of_sets & ~stands
    return found[~twice]


def words(scores: pd.DataFrame) -> str:
    """Which chains of a table of scores are on dev sets, as a sentence; empty if none is."""
    dev = _of_dev_chains(scores)
    if not dev.any():
        return ""
    if dev.all():
        return ON_DEV
    chains = scores.loc[dev, list(NAMED)].drop_duplicates().astype(str)
    names = [" ".join(filter(None, row)) for row in chains.itertuples(index=False, name=None)]
    return f"{SOME_ON_DEV}: {some_of(names)}"


def _of_dev_chains(scores: pd.DataFrame) -> pd.Series:
    """By row, whether it is of a chain whose stages were all scored on dev sets.

    What has no scored stage, as a base alone, is as the others are if these are all alike.
    """
    of_stages = (scores["stage_index"] > 0) & (scores["kind"] != END_TASK)
    on_dev = of_stages & (scores["split"] == "dev")
    if not on_dev.any():
        return on_dev
    chain = [scores[column] for column in RUN_COLUMNS]
    elsewhere = of_stages & ~on_dev
    if not elsewhere.any():
        return pd.Series(True, index=scores.index)
    has, others = (
        rows.groupby(chain, dropna=False).transform("any") for rows in (on_dev, elsewhere)
    )
    return has & ~others
