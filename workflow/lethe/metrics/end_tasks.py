"""End tasks of one line by unit: what was gained in a domain, what is left, what was forgotten."""

import numpy as np
import pandas as pd

RUN = ["world_seed", "base_seed", "train_seed"]
# A score of a base is joined to every run that starts there.
ONCE = ["node", "probe", "metric", "end_task_seed"]


def by_unit(rows: pd.DataFrame) -> tuple[str, dict[tuple, pd.DataFrame]]:
    """What replicates in one line, and the rows of each unit.

    Runs where there are several: end-task seeds of one run share its checkpoint and tell nothing
    about another. With one run only, its end-task seeds.

    Returns:
        `runs` or `end-task seeds`, and rows by (world, base and train seed), or (end-task seed,).
    """
    if rows[RUN].drop_duplicates().shape[0] > 1:
        # dropna=False: a fetched model has no world seed and no base seed.
        groups = rows.groupby(RUN, dropna=False, sort=True)
        return "runs", {tuple(map(_plain, key)): part for key, part in groups}
    groups = rows.groupby(["end_task_seed"], sort=True)
    return "end-task seeds", {tuple(map(_plain, key)): part for key, part in groups}


def _plain(value) -> int | None:
    return None if pd.isna(value) else int(value)


def stages_of(rows: pd.DataFrame) -> dict[str, int]:
    """The first stage that trains on each domain, from the mixtures of a run's rows."""
    distinct = rows[["stage_index", "stage_task"]].drop_duplicates().sort_values("stage_index")
    found: dict[str, int] = {}
    for stage, mixture in distinct.itertuples(index=False, name=None):
        for part in mixture.split("&") if mixture else []:
            found.setdefault(part.partition(":")[0], int(stage))
    return found


def summary(rows: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """{own, final, fr_ke} of one unit's scores of one metric an end task, as fractions.

    own: mean over end tasks, each right after the stage of its domain; final: after the last
    stage; fr_ke: mean over the domains but the last of own - final (Ke et al. 2023; positive =
    forgetting). Cells are first averaged over the end-task seeds. nan where a cell that is needed
    is missing, and for a base, which has neither own stages nor forgetting.
    """
    cells = rows.groupby(["probe", "stage_index"])["value"].mean()
    domain = dict(rows[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    stages, last = stages_of(rows), rows["stage_index"].max()
    place = [stages.get(domain.get(name)) for name in names]
    final = np.array([cells.get((name, last), np.nan) for name in names], dtype=float)
    own = np.array(
        [
            np.nan if stage is None else cells.get((name, stage), np.nan)
            for name, stage in zip(names, place, strict=True)
        ],
        dtype=float,
    )
    earlier = np.array([stage is not None and stage < last for stage in place], dtype=bool)
    change = (own - final)[earlier]
    return {
        "own": float(np.mean(own)) if names else np.nan,
        "final": float(np.mean(final)) if names else np.nan,
        "fr_ke": float(np.mean(change)) if len(change) else np.nan,
    }
