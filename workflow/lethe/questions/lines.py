"""What became of a set's items along each line of a study: from the base, or a task's own stage."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from lethe.longtables.axes import BIAS, DOMAIN, OWN
from lethe.longtables.own_sets import is_own
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import of_run, runs
from lethe.metrics.shown import LINE_COLUMNS, Line, lines
from lethe.questions.changes import BETTER, EQUAL, LOST, WORSE, is_graded, paired
from lethe.tables.lines import words

BASE = "base"


@dataclass(frozen=True)
class LineItems:
    """A line's first run on one set, from its base to its last stage.

    Attributes:
        name: model, method and order in words.
        runs: how many runs the line has.
        stages: (name, node) of every checkpoint in order; of an own task from its stage on.
        rows: `paired` of the first and the last of these, and two more columns: `runs_with` counts
            the runs of the line that were asked the item, `runs_lost` those that lost it.
    """

    name: str
    runs: int
    stages: tuple[tuple[str, str], ...]
    rows: pd.DataFrame

    @property
    def is_graded(self) -> bool:
        """Whether answers are graded, and not right or wrong."""
        return not self.counts.keys().isdisjoint((WORSE, BETTER, EQUAL))

    @property
    def ends(self) -> str:
        return f"{self.stages[0][0]} to {self.stages[-1][0]}"

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of items by what became of them."""
        return {str(kind): int(n) for kind, n in self.rows["kind"].value_counts().items()}


def lines_of(scores: pd.DataFrame, probe: str, items: pd.DataFrame) -> Iterator[LineItems]:
    """Every line that was scored on a set more than once, in the order of tables.

    None for sets of bias, whose pairs have no right answer.

    Args:
        scores: the study's; items: the set's table, with the answers.
    """
    cells = scores[(scores["probe"] == probe) & (scores["axis"] != BIAS)]
    cells = cells[cells["kind"].isin(("probe", "own_task", "cloze"))]
    cells = cells.drop_duplicates([*RUN_COLUMNS, "stage_index"])
    of_node = dict(list(items.groupby("node", observed=True)))
    graded = is_graded(items)
    for line in lines(cells):
        chains = [chain for chain in _chains(cells, line, of_node) if len(chain) > 1]
        if not chains:
            continue
        rows, *others = (
            paired(of_node[chain[0][1]], of_node[chain[-1][1]], graded) for chain in chains
        )
        found = [_is_lost(rows), *(_is_lost(part).reindex(rows.index) for part in others)]
        rows = rows.assign(
            runs_with=sum(part.notna().astype(int) for part in found),
            runs_lost=sum(part.eq(True).astype(int) for part in found),
        )
        name = ", ".join(words(line, cells).values())
        yield LineItems(name, len(chains), tuple(chains[0]), rows)


def _is_lost(rows: pd.DataFrame) -> pd.Series:
    return rows["kind"].isin((LOST, WORSE))


def _chains(
    cells: pd.DataFrame, line: Line, of_node: dict[str, pd.DataFrame]
) -> Iterator[list[tuple[str, str]]]:
    """(name, node) of the stages of every run of a line, as `LineItems.stages`."""
    keys = list(cells[LINE_COLUMNS].itertuples(index=False, name=None))
    of_line = cells[[key == line for key in keys]]
    for run in runs(of_line):
        chain = of_run(of_line, run).sort_values("stage_index")
        chain = chain[chain["node"].isin(of_node)]
        if not len(chain):
            continue
        stages = list(zip(chain["stage_index"], chain["stage_task"], chain["node"], strict=True))
        first = 0
        if chain["axis"].iloc[0] in (OWN, DOMAIN):
            probe = chain["probe"].iloc[0]
            taught = [place for place, stage in enumerate(stages) if is_own(probe, stage[1])]
            first = taught[-1] if taught and taught[-1] < len(stages) - 1 else 0
        yield [
            (f"stage {index}, {task}" if index else BASE, node)
            for index, task, node in stages[first:]
        ]
