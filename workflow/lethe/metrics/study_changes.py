"""The long table of changes: what became of single items between a study's checkpoints."""

from collections.abc import Mapping

import pandas as pd

from lethe.longtables.schema import columns


def study_changes(
    scores: pd.DataFrame, items: Mapping[str, pd.DataFrame], seed: int
) -> pd.DataFrame:
    """The rows of changes.csv of all runs in the table of scores.

    Args:
        items: tables of items by evaluation set, with their choices; each is asked for once.
        seed: of the bootstrap.
    """
    return pd.DataFrame(columns=columns("changes"))
