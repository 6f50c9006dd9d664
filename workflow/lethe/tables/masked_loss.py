"""Loss on the texts of every domain before and right after training on it, and at the end."""

import numpy as np
import pandas as pd

from lethe.longtables.tables import RUN_COLUMNS, LongTables
from lethe.metrics.intervals import EVERYWHERE, NOT_NEGATIVE, Range, t_interval
from lethe.metrics.masked_loss import PARTS, domain_of, of_run, test_losses
from lethe.metrics.shown import LINE_COLUMNS, lines
from lethe.tables.end_task_lines import LOSS_RISE
from lethe.tables.lines import words
from lethe.tables.writing import Table

MASKED = "Masked-LM loss (nats a masked token)"
ANY = "Loss (nats a token that is predicted: a masked one, or in a decoder all but the first)"
CAPTION = (
    f"{MASKED} on each domain's test texts: before the first stage, "
    "right after the domain's own stage, and after the last stage; mean over runs [95 % "
    "t-interval over runs]. mlm_loss_delta = final - right after, positive = forgetting. An empty "
    "cell: the domain is in no stage of the order, or was not scored."
)


def build(tables: LongTables) -> Table:
    """A row per line and domain."""
    scores = tables.scores
    rows = test_losses(scores)
    keys = list(rows[LINE_COLUMNS].itertuples(index=False, name=None))
    domain_rows = []
    for line in lines(rows):
        line_scores = rows[[key == line for key in keys]]
        for probe in sorted(line_scores["probe"].unique()):
            cells = line_scores[line_scores["probe"] == probe]
            runs = [of_run(part) for _, part in cells.groupby(RUN_COLUMNS, dropna=False)]
            row = {**words(line, rows), "domain": domain_of(probe)}
            for name in PARTS:
                within = EVERYWHERE if name == LOSS_RISE else NOT_NEGATIVE
                row |= _over_runs(name, [run[name] for run in runs], within)
            domain_rows.append(row | {"runs": len(runs)})
    masked = (rows["metric"] == "mlm_loss").all()
    return Table(
        pd.DataFrame(domain_rows),
        CAPTION if masked else CAPTION.replace(MASKED, ANY),
        {name: 3 for name in PARTS},
    )


def _over_runs(name: str, values: list[float], within: Range) -> dict[str, float]:
    finite = np.array([value for value in values if not np.isnan(value)])
    low, high = t_interval(finite, within)
    mean = float(finite.mean()) if len(finite) else np.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high}
