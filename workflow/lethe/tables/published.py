"""Published numbers beside ours, model by model and axis by axis, if both exist."""

import numpy as np
import pandas as pd

from lethe.longtables.tables import LongTables
from lethe.metrics.published import means, read_published
from lethe.metrics.shown import shown
from lethe.metrics.subjects import Subject, reference, study_subjects
from lethe.tables.lines import NUMBERS, of_line
from lethe.tables.paper import ends_and_drop, or_nothing
from lethe.tables.writing import Table

ENDS = ("", "_low", "_high")
CAPTION = (
    "Published numbers of Luo et al. 2023 beside ours, in percent (new tasks: metric times 100). "
    "Models are matched by name, whatever its case. difference: ours less published; its [95 % "
    "interval] is ours alone, for the published numbers have none. source: third-party "
    "transcriptions, see config/published/README.md."
)
NOTHING = (
    "nothing matches: no model of this study has the name of a published one ({published}); "
    "found {found}"
)
# How the column `stage` begins for single sets that were scored before the first stage.
FIRST = ("M0", "before tuning")

MIXED = "after tuning mixed"


def build(tables: LongTables) -> Table:
    """A row per published number that this study also has."""
    published, rows = read_published(), shown(tables.metrics)
    models = reference(study_subjects(tables), mixed=True)
    published_rows = []
    for subject in models:
        theirs = published[published["model"].str.lower() == subject.model.lower()]
        published_rows += _means(subject, rows, theirs) if not subject.is_mixed else []
        published_rows += _sets(subject, of_line(rows, subject.line), theirs)
    named = sorted(set(published["model"])), sorted({subject.model for subject in models})
    nothing = NOTHING.format(published=", ".join(named[0]), found=", ".join(named[1]) or "none")
    return or_nothing(published_rows, CAPTION, nothing)


def _means(subject: Subject, rows: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Category means: R_o, R_-1 and FG."""
    published_rows = []
    for row in means(theirs).to_dict("records"):
        ours = ends_and_drop(subject, rows, row["axis"])
        values = [ours[f"{row['quantity']}{end}"] for end in ENDS]
        published_rows += _beside(subject, row, row["axis"], values)
    return published_rows


def _sets(subject: Subject, part: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Single sets, bias types and new tasks, found by their names."""
    single = theirs[~theirs["eval_set"].isin(means(theirs)["eval_set"])]
    scored = part[part["metric"].str.startswith("score_")]
    published_rows = []
    for row in single.to_dict("records"):
        if row["stage"].startswith(MIXED) != subject.is_mixed:
            continue
        cells = scored[scored["axis"] == row["axis"]]
        name = set_named(row["eval_set"], cells)
        cells = cells[(cells["probe"] == name[0]) & (cells["subset"] == name[1])]
        if row["axis"] == "own" and not row["stage"].startswith(FIRST):
            cells = part[(part["metric"] == "own_after") & (part["probe"] == name[0])]
        elif len(cells):
            stage = 0 if row["stage"].startswith(FIRST) else cells["stage_index"].max()
            cells = cells[cells["stage_index"] == stage]
        if len(cells):
            values = [100 * float(value) for value in cells[NUMBERS].iloc[0]]
            published_rows += _beside(subject, row, row["eval_set"], values)
    return published_rows


def set_named(published: str, cells: pd.DataFrame) -> tuple[str, str]:
    """Our (set, subset) for a published set's name, e.g. MMLU-Human; ("", "?") without a match.

    Reduced to letters and digits, our set's name starts with the published name. An own task is
    named `own_` and the task. The name of a bias type is the end of the published name.
    """
    wanted = _letters(published)
    for probe, subset in cells[["probe", "subset"]].drop_duplicates().itertuples(index=False):
        if subset and wanted.endswith(_letters(subset)):
            return probe, subset
        if not subset and _letters(probe.removeprefix("own_")).startswith(wanted):
            return probe, subset
    return "", "?"


def _beside(subject: Subject, row: dict, what: str, values: list[float]) -> list[dict]:
    if np.isnan(values[0]):
        return []
    ours = dict(zip((f"ours{end}" for end in ENDS), values, strict=True))
    differences = [value - row["value"] for value in values]
    difference_columns = dict(zip((f"difference{end}" for end in ENDS), differences, strict=True))
    head = {"model": subject.model, "order": subject.order, "axis": row["axis"], "of": what}
    head |= {"quantity": row["quantity"], "stage": row["stage"], "published": row["value"]}
    return [{**head, **ours, **difference_columns, "table": row["table"], "source": row["source"]}]


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
