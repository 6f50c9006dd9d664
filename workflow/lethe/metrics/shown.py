"""Which rows of the metrics table a reader sees: means over several seeds, or else the single run.

Lines differ by more than seeds: a line is a model, method and order.
"""

from collections.abc import Sequence

import pandas as pd

from lethe.longtables.run import SEEDS
from lethe.longtables.tables import RUN_COLUMNS
from lethe.metrics.intervals import RESAMPLES

LINE_COLUMNS = [column for column in RUN_COLUMNS if column not in SEEDS]
HOW = LINE_COLUMNS.index("parametrisation")
SEED_UNITS = ("base seeds", "world seeds", "train seeds")
CONTROL = "control:"
PLAIN = "sequential"

# For captions of tables; their column `interval_over` names the units and their number.
INTERVAL = (
    "[95 % interval]: over three seeds or more Student's t; else, and where seeds do not differ, "
    "over items, in their clusters, Student's t (for scores Wilson's) with the spread of "
    f"{RESAMPLES:,} bootstrap resamples."
)

Line = tuple


def shown(metrics: pd.DataFrame, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Rows over seeds if a line has them, else those of its single run; only metrics `names`.

    Adds the column `line`, a tuple of LINE_COLUMNS.
    """
    rows = metrics if names is None else metrics[metrics["metric"].isin(list(names))]
    over = rows["unit"].isin(SEED_UNITS)
    line = pd.Series(
        list(rows[LINE_COLUMNS].itertuples(index=False, name=None)), index=rows.index, dtype=object
    )
    averaged = set(line[over])
    return rows.assign(line=line)[over | ~line.isin(averaged)]


def lines(metrics: pd.DataFrame) -> list[Line]:
    """All lines: small models, plain training and all weights first, controls last."""
    distinct = metrics[[*LINE_COLUMNS, "params"]].drop_duplicates(LINE_COLUMNS)
    keyed = [
        (
            is_control(row[:-1]),
            0 if pd.isna(row[-1]) else int(row[-1]),
            row[0],
            row[1] != PLAIN,
            row[HOW] != "full",
            row[:-1],
        )
        for row in distinct.itertuples(index=False, name=None)
    ]
    return [key[-1] for key in sorted(keyed)]


def rows_of_lines(frame: pd.DataFrame) -> dict[Line, pd.DataFrame]:
    """The rows of every line, in one pass: a study may have hundreds of lines."""
    places: dict[Line, list[int]] = {}
    for place, key in enumerate(frame[LINE_COLUMNS].itertuples(index=False, name=None)):
        places.setdefault(key, []).append(place)
    return {line: frame.iloc[found] for line, found in places.items()}


def order_of(line: Line) -> str:
    """Name of the line's task order."""
    return line[LINE_COLUMNS.index("order")]


def is_control(line: Line) -> bool:
    """True for continued training on general data, the control."""
    return order_of(line).startswith(CONTROL)


def orders(metrics: pd.DataFrame) -> list[str]:
    """Names of the task orders, sorted, without controls."""
    return sorted({order_of(line) for line in lines(metrics) if not is_control(line)})


def interval_words(rows: pd.DataFrame) -> str:
    """A sentence that states what the 95 % intervals of the rows are over, and n."""
    valued = rows[rows["value"].notna()]
    if not len(valued):
        return "Nothing to show: every value is missing."
    sentences = []
    seeds = valued[valued["unit"].isin(SEED_UNITS)]
    for unit, part in seeds.groupby("unit"):
        counts = _span(part["n_units"])
        if part["low"].notna().any():
            sentences.append(f"95 % t-intervals over {counts} {unit}")
        else:
            sentences.append(f"means of {counts} {unit}, too few for an interval")
    single = valued[~valued["unit"].isin(SEED_UNITS)]
    if len(single):
        if single["low"].notna().any():
            units = single.loc[single["low"].notna(), "unit"].unique()
            drawn = "items" if list(units) == ["items"] else "items in their clusters"
            sentences.append(
                f"95 % intervals over {drawn} (1 seed), Student's t or for scores Wilson's, with "
                f"the spread of {RESAMPLES:,} bootstrap resamples"
            )
        else:
            sentences.append("1 seed, no interval")
    text = "; ".join(sentences)
    return f"{text[0].upper()}{text[1:]}; n = {_span(valued['n'])} items."


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"
