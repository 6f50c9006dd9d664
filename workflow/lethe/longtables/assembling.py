"""Parts of a study, run apart over other seeds or worlds, joined into the long tables of the whole.

What two parts both have must be equal, and nothing but seeds may differ between them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from lethe.errors import UserError, shown
from lethe.longtables.made_by import joined
from lethe.longtables.planned_whole import PlannedWhole
from lethe.longtables.run import RUN_COLUMNS, SEEDS, Origin, method_words
from lethe.longtables.same_versions import WORDS, Scored, differing
from lethe.longtables.study_record import StudyRecord

Parts = Mapping[str, pd.DataFrame]
"""One long table of every part, by words that name the part."""

CHAIN = [name for name in RUN_COLUMNS if name not in SEEDS]
"""The words of a run that repetitions share."""
OF_MODEL = [column.name for column in fields(Origin) if column.name not in ("model", *SEEDS)]
CELLS = {
    "scores": [*RUN_COLUMNS, "end_task_seed", "stage_index", "probe", "subset", "split", "metric"],
    "stages": [*RUN_COLUMNS, "stage_index", "measure", "layer", "unit"],
}
"""The columns that tell the rows of a long table apart."""
MEASURED = ("cost.seconds", "cost.cpu_seconds", "cost.peak_memory")
"""What a stage cost on the machine that trained it; trained again, it costs something else."""
EVERYWHERE = {
    "shots": "shots",
    "engine": "engine",
    "dtype": "dtype",
    "version": "task_version",
    "lm_eval_version": "lm_eval_version",
    "axis": "axis",
    "chance": "chance",
}
"""Columns of scores that one set and model share, by the names of `same_versions.WORDS`."""
IN_ONE_WORLD = EVERYWHERE | {"task_digest": "task_digest", "n": "n"}
"""Those that also depend on the generated world."""


def join_records(records: Mapping[str, StudyRecord], name: str) -> StudyRecord:
    """The record of the whole, which is called `name` unless all parts have one name.

    Raises:
        UserError: two parts differ in more than seeds.
    """
    (first_part, first), *others = records.items()
    whole = first
    for part, record in others:
        if record.bootstrap_seed != first.bootstrap_seed:
            raise _differ(
                "`seeds.bootstrap`", first_part, first.bootstrap_seed, part, record.bootstrap_seed
            )
        for chain in record.settings.keys() & whole.settings.keys():
            if record.settings[chain] != whole.settings[chain]:
                raise UserError(
                    f"the chain {chain} was trained with other settings in {part} than in "
                    f"{first_part}, not with other seeds alone (`lethe diff` shows how two stages "
                    "differ); run one of them again with the configuration of the other."
                )
        whole = replace(
            whole,
            tables=_union(whole.tables, record.tables),
            figures=_union(whole.figures, record.figures),
            widths=record.widths | whole.widths,
            claims=_claims(whole.claims, record.claims, part),
            settings=whole.settings | record.settings,
            item_sets=sorted({*whole.item_sets, *record.item_sets}),
            made_by=joined(whole.made_by, record.made_by),
        )
    names = {record.study for record in records.values()}
    return replace(whole, study=first.study if len(names) == 1 else name, sha256={})


def join_table(name: str, parts: Parts) -> pd.DataFrame:
    """The rows of `scores` or `stages` of all parts, in the order of a study run as a whole.

    Of a stage that several parts trained, the costs are those of the first part.

    Raises:
        UserError: a row is in two parts with two values.
    """
    labelled = [frame.assign(part=part) for part, frame in parts.items()]
    rows = pd.concat(labelled, ignore_index=True)
    content = [column for column in rows.columns if column != "part"]
    rows = rows[~rows.duplicated(content)]
    if name == "stages":
        again = rows.duplicated(CELLS[name]) & rows["measure"].isin(MEASURED)
        rows = rows[~again]
    twice = rows[rows.duplicated(CELLS[name], keep=False)]
    if len(twice):
        raise _occurs_twice(name, twice)
    return rows.iloc[_planned_order(rows)][content].reset_index(drop=True)


def require_repetitions(parts: Parts, planned: PlannedWhole | None = None) -> None:
    """Refuse scores of parts that differ in more than seeds.

    Args:
        planned: what the parts are together, which then may differ in their chains too.

    Raises:
        UserError: names what differs, and the parts.
    """
    _require_same_models(parts)
    if planned is None:
        _require_same_chains(parts)
    else:
        planned.require_runs(parts)
    for columns, within in ((EVERYWHERE, []), (IN_ONE_WORLD, ["world_seed"])):
        _require_scored_alike(parts, columns, ["model", "probe", *within])


def _require_same_models(parts: Parts) -> None:
    seen: dict[str, tuple[str, dict[str, Any]]] = {}
    for part, frame in parts.items():
        for row in frame[["model", *OF_MODEL]].drop_duplicates("model").to_dict("records"):
            other, words = seen.setdefault(row["model"], (part, row))
            for word in OF_MODEL:
                if words[word] != row[word]:
                    what = f"the model {row['model']!r} has another `{word}`:"
                    raise _differ(what, other, words[word], part, row[word])


def _require_same_chains(parts: Parts) -> None:
    chains = {
        part: set(frame[CHAIN].drop_duplicates().itertuples(index=False, name=None))
        for part, frame in parts.items()
    }
    everything = set().union(*chains.values())
    for part, found in chains.items():
        for chain in sorted(everything - found):
            words = dict(zip(CHAIN, chain, strict=True))
            raise UserError(
                f"{part}: expected the chains of the other parts, but {words['model']}, "
                f"{words['method']} (recipe {words['recipe']}, {words['method_params']}) on the "
                f"order {words['order']} is missing; parts may differ in seeds alone, "
                "unless `--study` names the file of the whole."
            )


def _require_scored_alike(parts: Parts, columns: Mapping[str, str], keys: list[str]) -> None:
    """Refuse sets that were not scored alike wherever the `keys` agree."""
    whole_sets = {part: frame[frame["subset"] == ""] for part, frame in parts.items()}
    rows = pd.concat([frame.assign(part=part) for part, frame in whole_sets.items()])
    keys = [*keys, "split"]
    distinct = rows[[*keys, *columns.values(), "part"]].drop_duplicates()
    for key, group in distinct.groupby(keys, dropna=False, sort=False):
        scored = [_scored(row, columns) for row in group.to_dict("records")]
        for name in differing(scored):
            first, other = _of_two_parts(name, scored)
            if other is not None:
                what = f"the set {key[1]!r} of {key[0]} has another {WORDS.get(name, name)}:"
                raise _differ(what, first.file, first.values[name], other.file, other.values[name])


def _scored(row: dict[str, Any], columns: Mapping[str, str]) -> Scored:
    values = {name: str(row[column]) for name, column in columns.items()}
    return Scored(stage=0, mixture="", again="", values=values, file=row["part"])


def _of_two_parts(name: str, scored: list[Scored]) -> tuple[Scored, Scored | None]:
    """Two scores of which the second is of another part and has another value; None if none is.

    Within one part they were compared when it was made.
    """
    first = scored[0]
    others = (one for one in scored if one.file != first.file)
    return first, next((one for one in others if one.values[name] != first.values[name]), None)


def _differ(what: str, first: str, value: object, second: str, other: object) -> UserError:
    return UserError(
        f"the parts do not fit together: {what} {shown(value)} in {first} and {shown(other)} in "
        f"{second}; parts may differ in seeds alone."
    )


def _occurs_twice(name: str, rows: pd.DataFrame) -> UserError:
    keys = CELLS[name]
    first = rows.iloc[0]
    same = rows[keys].apply(lambda row: row.equals(first[keys]), axis=1)
    other = rows[same].iloc[1]
    method = method_words(first["method"], first["parametrisation"])
    words = [first["model"], method, first["order"]]
    words += [f"{seed.replace('_', ' ')} {first[seed]}" for seed in SEEDS if pd.notna(first[seed])]
    what = first["probe"] if name == "scores" else first["measure"]
    differs = [c for c in rows.columns if c != "part" and not _same(first[c], other[c])][0]
    return UserError(
        f"{what} after stage {first['stage_index']} of ({', '.join(words)}) is in {first['part']} "
        f"and in {other['part']} with another `{differs}`; give each part seeds of its own, or "
        "both the same results."
    )


def _same(one: object, other: object) -> bool:
    return bool(pd.isna(one) and pd.isna(other)) or bool(one == other)


def _planned_order(rows: pd.DataFrame) -> np.ndarray:
    """Positions of rows as the plan of the whole orders runs: by model, world, base, train seed.

    Each in the order of its first appearance; rows of one run stay in theirs.
    """
    ranks = [pd.factorize(rows[column], use_na_sentinel=False)[0] for column in ("model", *SEEDS)]
    return np.lexsort(ranks[::-1])


def _union(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))


def _claims(known: list[dict], found: list[dict], part: str) -> list[dict]:
    by_name = {claim["name"]: claim for claim in known}
    for claim in found:
        if by_name.setdefault(claim["name"], claim) != claim:
            raise UserError(
                f"{part}: the claim {claim['name']!r} is defined otherwise than in the parts "
                "before it; run all parts with one definition."
            )
    return list(by_name.values())
