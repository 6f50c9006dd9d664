"""The long table of calibration: how far a set's probabilities of the choices can be believed."""

from collections.abc import Mapping

import pandas as pd

from lethe.longtables.schema import columns


def study_calibration(
    scores: pd.DataFrame, items: Mapping[str, pd.DataFrame], seed: int
) -> pd.DataFrame:
    """The rows of calibration.csv of all runs in the table of scores.

    Args:
        items: tables of items by evaluation set, with their choices; each is asked for once.
        seed: of the bootstrap.
    """
    return pd.DataFrame(columns=columns("calibration"))
