"""The long tables scores and stages, the tables made from them, and queries.

A run is one chain of checkpoints: stages 0 (the base) to T. Every figure, table, metric and claim
reads these tables and nothing else.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.axes import DOMAIN, END_TASK
from lethe.longtables.dev_sets import shown, words
from lethe.longtables.metric_ids import TEXT_METRICS
from lethe.longtables.rows import mixtures
from lethe.longtables.run import ALONE, RUN_COLUMNS, Run
from lethe.longtables.schema import columns, read_table, write_table

METRIC_COLUMNS = columns("metrics")
STAGE_COLUMNS = columns("stages")
# What must not differ within a matrix: between any two cells, and within one evaluation set.
SAME_EVERYWHERE = ["engine", "dtype"]
SPLIT = ("scores", "metrics", "stages", "changes", "calibration", "domains")
SAME_WITHIN_TASK = ["task_version", "task_digest", "lm_eval_version", "shots", "n"]

UNKNOWN = "?"
"""The mixture of a stage of which the scores say nothing."""

Element = str | tuple[str, str]
T = TypeVar("T")


def read_scores(path: Path | str) -> pd.DataFrame:
    """Read and check scores.csv; UserError names file, row and column of the first violation.

    Of chains that were scored on dev sets alone, these stand for the test sets (`dev_sets`), so
    that tables and figures show them.
    """
    return shown(read_table("scores", path))


def read_metrics(path: Path | str) -> pd.DataFrame:
    """Read and check metrics.csv; UserError as in `read_scores`."""
    return read_table("metrics", path)


def read_stages(path: Path | str) -> pd.DataFrame:
    """Read and check stages.csv; UserError as in `read_scores`."""
    return read_table("stages", path)


def write_scores(path: Path | str, rows: pd.DataFrame | Iterable[dict]) -> None:
    """Check and write scores; UserError if a row violates the schema, and nothing is written."""
    write_table("scores", path, rows)


def write_metrics(path: Path | str, rows: pd.DataFrame | Iterable[dict]) -> None:
    """Check and write the metrics table."""
    write_table("metrics", path, rows)


def write_stages(path: Path | str, rows: pd.DataFrame | Iterable[dict]) -> None:
    """Check and write the table of stages."""
    write_table("stages", path, rows)


def _without_rows(name: str) -> Any:
    return field(default_factory=lambda: pd.DataFrame(columns=columns(name)))


@dataclass(frozen=True)
class LongTables:
    """The input of tables and figures; `stages` is empty if no stage was trained here.

    changes, calibration: of single items; empty where a study has no items. domains: the rows of
    metrics of the axis `domain`, and beside other models all of the same models, which only tables
    of domains read. texts: those of held-out texts of no domain, which only their table reads.
    end_tasks: rows of metrics on end tasks of single runs, which only the tables
    of end tasks read. references: the same tables of the reference chains, which only comparisons
    at equal learning read; None if all chains are in the other tables, or there are none. on_dev:
    which scores are of dev sets, as a sentence, or nothing. computed: what `once` keeps.
    """

    scores: pd.DataFrame
    metrics: pd.DataFrame
    stages: pd.DataFrame = _without_rows("stages")
    changes: pd.DataFrame = _without_rows("changes")
    calibration: pd.DataFrame = _without_rows("calibration")
    domains: pd.DataFrame = _without_rows("metrics")
    texts: pd.DataFrame = _without_rows("metrics")
    references: "LongTables | None" = None
    end_tasks: pd.DataFrame = _without_rows("metrics")
    on_dev: str = ""
    computed: dict[Callable, Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def parted(self) -> "LongTables":
        """The same tables with metrics of domains, of end tasks and of reference chains apart."""
        of_end_tasks = self.metrics["axis"] == END_TASK
        if of_end_tasks.any():
            rows, found = self.metrics[~of_end_tasks], self.metrics[of_end_tasks]
            return replace(self, metrics=rows, end_tasks=found).parted()
        of_texts = self.metrics["metric"].isin(TEXT_METRICS)
        if of_texts.any():
            rows, found = self.metrics[~of_texts], self.metrics[of_texts]
            return replace(self, metrics=rows, texts=found).parted()
        of_domains = self.metrics["axis"] == DOMAIN
        if of_domains.any():
            # General ability of these models is on sets of their own: beside others it is no panel.
            theirs = self.metrics["model"].isin(self.metrics.loc[of_domains, "model"])
            apart = of_domains if theirs.all() else theirs
            domains = pd.concat([self.domains, self.metrics[apart]])
            items = {} if theirs.all() else self._items_without(self.metrics.loc[theirs, "model"])
            return replace(self, metrics=self.metrics[~apart], domains=domains, **items).parted()
        frames = {name: getattr(self, name) for name in SPLIT}
        alone = {name: frame["order"].str.startswith(ALONE) for name, frame in frames.items()}
        if not alone["scores"].any():
            return self
        kept = {name: frame[~alone[name].astype(bool)] for name, frame in frames.items()}
        apart = {name: frame[alone[name].astype(bool)] for name, frame in frames.items()}
        return replace(self, **kept, references=LongTables(**apart))

    def _items_without(self, models: pd.Series) -> dict[str, pd.DataFrame]:
        """The tables of single items without some models, whose metrics are apart too."""
        frames = {"changes": self.changes, "calibration": self.calibration}
        return {name: frame[~frame["model"].isin(models)] for name, frame in frames.items()}


def once(compute: Callable[[LongTables], T]) -> Callable[[LongTables], T]:
    """A function of the long tables that computes once for the same tables.

    Several parts of a report ask for the same lines. Callers must not change what they get.
    """

    @wraps(compute)
    def found(tables: LongTables) -> T:
        if compute not in tables.computed:
            tables.computed[compute] = compute(tables)
        return tables.computed[compute]

    return found


def read_long_tables(scores: Path, metrics: Path, **others: Path | None) -> LongTables:
    """The tables of a study from its files, reference chains apart; UserError as in `read_scores`.

    others: the files of further tables by the name of their field; None for one that is absent.
    """
    read = {name: read_table(name, path) for name, path in others.items() if path is not None}
    rows = read_table("scores", scores)
    tables = LongTables(
        scores=shown(rows), metrics=read_metrics(metrics), on_dev=words(rows), **read
    )
    return tables.parted()


def run_key(row: Mapping[str, Any] | pd.Series) -> tuple:
    """The run of a row, as a tuple in the order of RUN_COLUMNS; empty fields are None."""
    return tuple(None if pd.isna(row[column]) else row[column] for column in RUN_COLUMNS)


def runs(scores: pd.DataFrame) -> list[tuple]:
    """All runs of the table, sorted by size of model, then by their columns."""
    distinct = scores[[*RUN_COLUMNS, "params"]].drop_duplicates(RUN_COLUMNS)
    keyed = [(row["params"], run_key(row)) for _, row in distinct.iterrows()]
    keyed.sort(key=lambda pair: (_sortable(pair[0]), [_sortable(value) for value in pair[1]]))
    return [key for _, key in keyed]


def of_run(scores: pd.DataFrame, run: Sequence) -> pd.DataFrame:
    """The rows of one run."""
    chosen = np.ones(len(scores), dtype=bool)
    for column, value in zip(RUN_COLUMNS, run, strict=True):
        same = scores[column].isna() if value is None else scores[column] == value
        chosen &= same.fillna(False).to_numpy(dtype=bool)
    return scores[chosen]


def chains(scores: pd.DataFrame) -> list[Run]:
    """The runs with their checkpoints, as far as these have scores; the id of others is empty."""
    found = []
    for key in runs(scores):
        rows = of_run(scores, key).drop_duplicates("stage_index").set_index("stage_index")
        words = rows.iloc[0].to_dict()
        places = range(int(rows.index.max()) + 1)
        nodes = [str(rows["node"].get(place, "")) for place in places]
        taught = history(scores, key)[: len(places) - 1]
        tasks = ["", *("" if mixture == UNKNOWN else mixture for mixture in taught)]
        of_key = dict(zip(RUN_COLUMNS, key, strict=True))
        params = json.loads(of_key.pop("method_params"))
        same = {name: words[name] for name in ("family", "series", "untuned")}
        found.append(
            Run(
                **of_key, **same, method_params=params,
                checkpoints=tuple(nodes), stages=tuple(tasks),
            )
        )  # fmt: skip
    return found


def history(scores: pd.DataFrame, run: Sequence) -> list[str]:
    """The mixtures of a run's stages 1..T; T is taken from the longest run of the same order.

    A stage without scores takes its mixture from the next one that has some, or from other runs of
    the order, else `UNKNOWN`.
    UserError if a stage of the run has two mixtures.
    """
    own = _mixtures(of_run(scores, run))
    order = _mixtures(scores[scores["order"] == run[RUN_COLUMNS.index("order")]])
    for index, names in own.items():
        if len(names) > 1:
            raise UserError(
                f"scores: stage {index} of the run {_shown_run(of_run(scores, run))} has two "
                f"mixtures, {names[0]!r} and {names[1]!r}; a run is one chain of checkpoints"
            )
    stages = range(1, max(order, default=0) + 1)
    return [(own.get(stage) or order.get(stage) or [UNKNOWN])[0] for stage in stages]


def _mixtures(rows: pd.DataFrame) -> dict[int, list[str]]:
    by_stage: dict[int, list[str]] = {}
    for index, task in (
        rows[["stage_index", "stage_task"]].drop_duplicates().itertuples(index=False)
    ):
        parts = mixtures(str(task))
        for place, part in enumerate(parts, start=int(index) - len(parts) + 1):
            if part not in (listed := by_stage.setdefault(place, [])):
                listed.append(part)
    return by_stage


def matrix(
    scores: pd.DataFrame,
    run: Sequence,
    elements: Sequence[Element],
    metric: str | Mapping[str, str],
    *,
    split: str = "test",
    missing: str = "error",
) -> np.ndarray:
    """Scores of one run, float array (T+1, len(elements)); row 0 is the base model.

    elements: evaluation sets by name, or (set, subset). metric: one name, or a name for each set.
    missing: for "error" an absent cell raises UserError, for "nan" it stays nan. UserError for a
    matrix that mixes engines, precisions, versions, digests, shots or item counts.
    """
    rows = of_run(scores, run)
    stages = len(history(scores, run)) + 1
    kinds = ["probe", "subset", "metric"]
    by_kind = dict(list(rows[rows["split"] == split].groupby(kinds, sort=False)))
    table = np.full((stages, len(elements)), np.nan)
    used = []
    for column, element in enumerate(elements):
        probe, subset = (element, "") if isinstance(element, str) else element
        name = metric if isinstance(metric, str) else metric[probe]
        cells = by_kind.get((probe, subset, name), rows[:0])
        _require_one_value_each(cells, probe)
        _require_same(cells, SAME_WITHIN_TASK, f"the evaluation set {probe!r}")
        table[cells["stage_index"].to_numpy(dtype=int), column] = cells["value"].to_numpy()
        absent = np.flatnonzero(np.isnan(table[:, column]))
        if missing == "error" and len(absent):
            raise UserError(
                f"scores: the cell (stage {absent[0]}, {probe}{subset and ' ' + subset}, {name}) "
                f"of the run {_shown_run(rows)} is missing"
            )
        used.append(cells)
    if used:
        _require_same(pd.concat(used), SAME_EVERYWHERE, f"the run {_shown_run(rows)}")
    return table


def _require_same(cells: pd.DataFrame, names: list[str], what: str) -> None:
    for column in names:
        values = cells[column].unique().tolist()
        if len(values) > 1:
            raise UserError(
                f"scores: the matrix of {what} mixes two values of {column!r}, {values[0]!r} and "
                f"{values[1]!r}; score every checkpoint in the same way"
            )


def _require_one_value_each(cells: pd.DataFrame, probe: str) -> None:
    twice = cells[cells.duplicated("stage_index")]
    if len(twice):
        row = twice.iloc[0]
        alike = [c for c in [*SAME_EVERYWHERE, *SAME_WITHIN_TASK] if cells[c].nunique() > 1]
        if alike:
            _require_same(cells, alike, f"the evaluation set {probe!r}")
        raise UserError(
            f"scores: the cell (stage {row['stage_index']}, {probe}, {row['metric']}) occurs twice"
        )


def _shown_run(rows: pd.DataFrame) -> str:
    if not len(rows):
        return "(no such run)"
    first = rows.iloc[0]
    seeds = [
        f"{column.removesuffix('_seed')} seed {first[column]}"
        for column in ("world_seed", "base_seed", "train_seed")
        if not pd.isna(first[column])
    ]
    return f"({', '.join([first['model'], first['method'], first['order'], *seeds])})"


def _sortable(value: Any) -> tuple:
    """Missing values first, then numbers, then text."""
    if value is None or pd.isna(value):
        return (0, 0)
    return (1, value) if not isinstance(value, str) else (2, value)
