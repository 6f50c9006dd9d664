"""Which checkpoints of a study are compared item by item."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from lethe.longtables.axes import BIAS, OWN
from lethe.longtables.change_columns import BASE, OWN_STAGE, PREVIOUS, SEEDS
from lethe.longtables.own_sets import is_own
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import of_run, runs
from lethe.metrics.cells import Evaluation, evaluations

SEED = "train_seed"
NOT_SCORED = ""
OF_RUN = [*RUN_COLUMNS, "params"]


@dataclass(frozen=True)
class Compared:
    """One row: a set on an earlier and a later checkpoint, or on those of several train seeds.

    words: columns of the run. before: nodes, one or, for `seeds`, none. after: nodes. A checkpoint
    that was not scored on the set is NOT_SCORED.
    """

    words: dict
    against: str
    before_index: int
    stage_index: int
    stage_task: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def answered(scores: pd.DataFrame) -> list[Evaluation]:
    """The sets whose items are compared: of general ability and own tasks.

    A pair of the axis `bias` has no right answer, and what is better if it is lower is not right.
    """
    return [one for one in evaluations(scores) if one.axis != BIAS and not one.lower_is_better]


def comparisons(scores: pd.DataFrame, axis_of: dict[str, str]) -> dict[str, list[Compared]]:
    """The comparisons of each set of `axis_of`, run by run, stage by stage."""
    found: dict[str, list[Compared]] = {probe: [] for probe in axis_of}
    tested = scores[(scores["split"] == "test") & scores["headline"] & (scores["subset"] == "")]
    tested = tested[[*OF_RUN, "probe", "node", "stage_index", "stage_task"]]
    by_seed: dict[tuple, list[dict]] = {}
    for run in runs(scores):
        rows = of_run(tested[tested["probe"].isin(found)], run)
        stages = dict(zip(rows["stage_index"], rows["stage_task"], strict=True))
        words = dict(zip(RUN_COLUMNS, run, strict=True))
        for probe, cells in rows.groupby("probe", sort=True):
            nodes = {row["stage_index"]: row for row in cells.to_dict("records")}
            head = words | {"params": cells["params"].iloc[0]}
            found[probe] += _of_chain(head, nodes, stages, str(probe), axis_of[probe] == OWN)
            for stage, row in nodes.items():
                alike = (str(probe), stage, *(words[c] for c in RUN_COLUMNS if c != SEED))
                by_seed.setdefault(alike, []).append(head | row)
    for (probe, stage, *_), rows in by_seed.items():
        if stage and len({row["node"] for row in rows}) > 1:
            found[probe].append(_between(rows))
    return found


def _of_chain(
    words: dict, nodes: dict[int, dict], stages: dict[int, str], probe: str, own: bool
) -> Iterator[Compared]:
    """Each stage against the base, the stage before, and the last that taught the set's task.

    nodes: by stage, where the set was scored. stages: the mixtures of the run's stages.
    """
    taught = 0
    for stage, task in sorted(stages.items()):
        earlier = {BASE: 0} if stage else {}
        if stage > 1:
            earlier[PREVIOUS] = stage - 1
        if own and stage and is_own(probe, task):
            taught = stage
        elif taught:
            earlier[OWN_STAGE] = taught
        for against, before in earlier.items():
            if before in stages:
                one, other = (
                    (nodes[place]["node"] if place in nodes else NOT_SCORED,)
                    for place in (before, stage)
                )
                yield Compared(words, against, before, stage, task, one, other)


def _between(rows: list[dict]) -> Compared:
    """One stage of runs that differ in their train seed only."""
    words = {name: rows[0][name] for name in OF_RUN} | {SEED: None}
    stage, task = rows[0]["stage_index"], rows[0]["stage_task"]
    nodes = tuple(sorted({row["node"] for row in rows}))
    return Compared(words, SEEDS, stage, stage, task, (), nodes)
