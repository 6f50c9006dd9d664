"""Table 6 of Luo et al. 2023: a model and the same model after general instruction tuning."""

from lethe.longtables.tables import LongTables
from lethe.metrics.pairs import tuning_pairs
from lethe.metrics.shown import shown
from lethe.metrics.subjects import TRAIN_SEEDS, Subject, replicates, study_subjects
from lethe.tables.paper import (
    CAPTION_ENDS,
    PERCENT,
    ability_scales,
    axes_of,
    behind_drop,
    ends_and_drop,
    mean_and_interval,
    or_nothing,
)
from lethe.tables.writing import Table

CAPTION = (
    "General instruction tuning before the sequence (Luo et al. 2023, Table 6), %: the same model "
    f"without and with it. {CAPTION_ENDS} difference: FG tuned less untuned, paired by seeds; "
    "negative = less is forgotten by the tuned model."
)


def build(tables: LongTables) -> Table:
    """A row per pair and axis."""
    rows = shown(tables.metrics)
    pair_rows = []
    for tuned, untuned in tuning_pairs(study_subjects(tables)):
        for axis in axes_of(rows):
            row = {"untuned": untuned.model, "tuned": tuned.model, "order": tuned.order}
            row |= {"axis": axis}
            row |= ends_and_drop(untuned, rows, axis, "untuned_")
            row |= ends_and_drop(tuned, rows, axis, "tuned_")
            row |= paired(tuned, untuned, "fg_luo", axis, "difference")
            pair_rows.append(row | behind_drop(tuned, rows, [axis]))
    names = [f"{kind}_{name}" for kind in ("untuned", "tuned") for name in PERCENT]
    decimals = dict.fromkeys([*names, "difference"], 1)
    nothing = "no model is beside its instruction-tuned variant (`untuned` in the catalogue)"
    return or_nothing(pair_rows, f"{CAPTION}{ability_scales(rows)}", nothing, decimals)


def paired(one: Subject, other: Subject, metric: str, axis: str, name: str) -> dict[str, float]:
    """Mean difference over replicates and its 95 % t interval, which needs three."""
    left = one.numbers.get((metric, axis, ""), {})
    right = other.numbers.get((metric, axis, ""), {})
    both = {seeds: left[seeds] - right[seeds] for seeds in left if seeds in right}
    ends = mean_and_interval(list(replicates(both, TRAIN_SEEDS)[1].values()))
    return dict(zip([name, f"{name}_low", f"{name}_high"], ends, strict=True))
