"""Loss on each domain's texts in one run: before, right after its stage, and at the end."""

import numpy as np
import pandas as pd

from lethe.longtables.axes import CLOZE_SET, DOMAIN
from lethe.longtables.rows import mixtures

PARTS = ("before", "right_after", "final", "mlm_loss_delta")

LOSSES = ("mlm_loss", "lm_loss")
SETS = ("loss_", "lm_", CLOZE_SET)
"""How the name of a domain's set starts: loss of an encoder, of a decoder, cloze."""


def test_losses(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the scores table that are losses on test texts of domains: masked-LM's or a
    decoder's."""
    of_domains = scores["axis"] == DOMAIN
    return scores[of_domains & scores["metric"].isin(LOSSES) & (scores["split"] == "test")]


def domain_of(probe: str) -> str:
    """The domain of a set: `loss_restaurant`, `lm_restaurant` or `cloze_restaurant`."""
    return next((probe.removeprefix(kind) for kind in SETS if probe.startswith(kind)), probe)


def of_run(cells: pd.DataFrame) -> dict[str, float]:
    """Losses of one run on one domain, by PARTS; nan if the run has no such cell."""
    by_stage = cells.set_index("stage_index")["value"].astype(float)
    domain = domain_of(cells["probe"].iloc[0])
    own = [
        stage
        for stage, mixture in zip(cells["stage_index"], cells["stage_task"], strict=True)
        if domain in [part.partition(":")[0] for part in mixtures(str(mixture))[-1].split("&")]
    ]
    last = by_stage.index.max()
    before, final = by_stage.get(0, np.nan), by_stage[last]
    right_after = by_stage[min(own)] if own else np.nan
    # The last domain cannot have been forgotten yet.
    change = final - right_after if own and min(own) < last else np.nan
    return dict(zip(PARTS, map(float, (before, right_after, final, change)), strict=True))


def mean_rise(rows: pd.DataFrame) -> float:
    """Mean of `mlm_loss_delta` over the domains before the last, in nats a predicted token.

    rows: the losses of one run. nan if no domain has a rise.
    """
    rises = [of_run(cells)["mlm_loss_delta"] for _, cells in rows.groupby("probe")]
    finite = [rise for rise in rises if not np.isnan(rise)]
    return float(np.mean(finite)) if finite else np.nan
