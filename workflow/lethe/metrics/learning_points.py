"""A study's runs at equal learning: what each learned of its tasks and kept of its base."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.axes import BIAS, CALIBRATION, DOMAIN, OWN, sorted_axes
from lethe.longtables.own_sets import is_own
from lethe.longtables.run import ALONE
from lethe.longtables.stage_rows import CURVE, RATE
from lethe.longtables.tables import RUN_COLUMNS, LongTables, run_key
from lethe.metrics.equal_learning import kept, kept_of_earlier, learned
from lethe.metrics.general import at_floor
from lethe.metrics.shown import CONTROL, SEED_UNITS

FULL = "full"
NOT_KEPT = (OWN, BIAS, CALIBRATION, DOMAIN)
"""Axes that are taught, or that have no direction: they are not what is kept."""
LEARNED, KEPT = "learned", "kept"
AFTER = ("own_after", "cloze_own")
"""Scores right after their own stage: of own sets, of cloze on domains."""


def points(tables: LongTables) -> pd.DataFrame:
    """A row per run whose order has references: learned, kept, kept by axis, rate, curve, note.

    of: OWN, or DOMAIN where cloze on domains is what is learned and kept. A number whose cells are
    missing is nan; the note names the cell.
    """
    assert tables.references is not None
    alone = _alone(tables.references.metrics) | _alone(tables.references.domains)
    frames = {OWN: tables.metrics[tables.metrics["axis"] == OWN], DOMAIN: tables.domains}
    taught = {
        of: dict(_by_run(frame[~frame["unit"].isin(SEED_UNITS)])) for of, frame in frames.items()
    }
    first = _first_stages(tables.stages)
    lasts = tables.scores.groupby("order")["stage_index"].max()
    tested = _general(tables.scores)
    of_ability = dict(_by_run(tested))
    later = set(tested.loc[tested["stage_index"] > 0, "probe"])
    rows = []
    for key, scores in _by_run(tables.scores):
        words = dict(zip(RUN_COLUMNS, key, strict=True))
        of = OWN if key in taught[OWN] else DOMAIN
        if str(words["order"]).startswith(CONTROL) or key not in taught[of]:
            continue
        known = _of_own(taught[of][key], words, alone)
        if known is None:
            continue
        found: dict = {"of": of, "parametrisation": FULL, "rate": np.nan, "curve": np.nan}
        if "parametrisation" in scores:
            found["parametrisation"] = scores["parametrisation"].iloc[0]
        found |= words | first.get(key, {})
        notes: list[str] = []
        found[LEARNED] = _or_note(partial(learned, *known), notes)
        ability = of_ability.get(key, tested[:0])
        ability = ability[ability["probe"].isin(later)]
        found |= _kept_of(ability, int(lasts[words["order"]]), notes)
        if of == DOMAIN:
            found[KEPT] = _or_note(partial(_kept_of_domains, taught[of][key]), notes)
        rows.append(found | {"note": "; ".join(dict.fromkeys(notes))})
    return pd.DataFrame(rows)


def _by_run(frame: pd.DataFrame) -> Iterable[tuple[tuple, pd.DataFrame]]:
    for _, rows in frame.groupby(RUN_COLUMNS, dropna=False, sort=False):
        yield run_key(rows.iloc[0]), rows


def _alone(metrics: pd.DataFrame) -> dict[tuple, float]:
    """The score of each task alone by model, world, base, own set and the mixture it was taught."""
    rows = metrics[metrics["metric"].isin(AFTER) & ~metrics["unit"].isin(SEED_UNITS)]
    rows = rows[rows["probe"] != ""]
    return {
        (*_base(row), row["probe"], row["order"].removeprefix(ALONE)): float(row["value"])
        for row in rows.to_dict("records")
    }


def _base(row: Mapping) -> tuple:
    seeds = (row["world_seed"], row["base_seed"])
    return (row["model"], *(None if pd.isna(seed) else int(seed) for seed in seeds))


def _of_own(rows: pd.DataFrame, words: Mapping, alone: Mapping[tuple, float]) -> tuple | None:
    """(own, base, alone, names) of a run's tasks; None if none of them has a reference."""
    rows = rows[rows["probe"] != ""]
    after = rows[rows["metric"].isin(AFTER)].drop_duplicates("probe")
    scored = rows["metric"].str.startswith("score_") & (rows["subset"] == "")
    before = rows[scored & (rows["stage_index"] == 0) | (rows["metric"] == "cloze_base")]
    start = before.set_index("probe")["value"].to_dict()
    own, base, best, names = [], [], [], []
    for row in after.to_dict("records"):
        probe = row["probe"]
        parts = [part for part in str(row["stage_task"]).split("&") if is_own(probe, part)]
        names.append(probe)
        own.append(row["value"])
        base.append(start.get(probe, np.nan))
        best.append(next((alone[key] for part in parts
                          if (key := (*_base(words), probe, part)) in alone), np.nan))  # fmt: skip
    return None if np.isnan(best).all() else (own, base, best, names)


def _kept_of_domains(rows: pd.DataFrame) -> float:
    """What is left of the domains that a later stage may have made forgotten."""
    rows = rows[rows["probe"] != ""]
    earlier = list(rows.loc[rows["metric"] == "cloze_forgotten", "probe"])
    by_set = rows.set_index(["metric", "probe"])["value"].to_dict()
    own, last, base = (
        [float(by_set[f"cloze_{part}", probe]) for probe in earlier]
        for part in ("own", "final", "base")
    )
    return kept_of_earlier(own, last, base, earlier)


def _or_note(compute: Callable[[], float], notes: list[str]) -> float:
    try:
        return float(compute())
    except UserError as error:
        notes.append(str(error))
        return float("nan")


def _general(scores: pd.DataFrame) -> pd.DataFrame:
    """Headline scores of whole sets of general ability that have a chance level."""
    chosen = scores["headline"] & (scores["split"] == "test") & (scores["subset"] == "")
    chosen &= (scores["kind"] == "probe") & ~scores["axis"].isin(NOT_KEPT)
    return scores[chosen.astype(bool) & scores["chance"].notna()]


def _kept_of(tested: pd.DataFrame, last: int, notes: list[str]) -> dict[str, float]:
    """`kept`, the mean over axes, and `kept AXIS`, the mean over its sets that are above chance.

    tested: one run's scores of sets that the study scores after stages too. last: stage of its
    order.
    """
    by_axis: dict[str, list[float]] = {}
    floor: list[str] = []
    # Records: a study has thousands of sets of runs, too many to index each as a table.
    by_set: dict[str, dict[int, dict]] = {}
    for row in tested.to_dict("records"):
        by_set.setdefault(row["probe"], {})[int(row["stage_index"])] = row
    for probe, at in sorted(by_set.items()):
        first = next(iter(at.values()))
        base, error = (float(at[0][end]) if 0 in at else np.nan for end in ("value", "stderr"))
        chance = float(first["chance"])
        if at_floor(np.array(base), np.array(chance), np.nan_to_num(error)):
            floor.append(probe)
            continue
        end = float(at[last]["value"]) if last in at else np.nan
        share = _or_note(partial(_kept, end, base, chance, probe), notes)
        by_axis.setdefault(first["axis"], []).append(share)
    notes += [f"at floor: {', '.join(floor)}"] if floor else []
    means = {axis: float(np.mean(by_axis[axis])) for axis in sorted_axes(by_axis)}
    mean = float(np.mean(list(means.values()))) if means else np.nan
    return {KEPT: mean} | {f"{KEPT} {axis}": share for axis, share in means.items()}


def _kept(last: float, base: float, chance: float, name: str) -> float:
    return float(kept([last], [base], [chance], [name])[0])


def _first_stages(stages: pd.DataFrame) -> dict[tuple, dict[str, float]]:
    """The rate and the curve of every run."""
    names = {RATE: "rate", CURVE: "curve"}
    rows = stages[stages["measure"].isin(list(names))]
    found: dict[tuple, dict[str, float]] = {}
    for row in rows.to_dict("records"):
        key = tuple(None if pd.isna(row[name]) else row[name] for name in RUN_COLUMNS)
        found.setdefault(key, {})[names[row["measure"]]] = float(row["value"])
    return found
