"""Section 5.4 of Luo et al. 2023: chains with and without general examples in every stage."""

from lethe.longtables.tables import LongTables
from lethe.metrics.axis_scores import mixed_words
from lethe.metrics.pairs import mixing_pairs, shown_extras
from lethe.metrics.shown import shown
from lethe.metrics.subjects import study_subjects
from lethe.tables.instruction_tuning import paired
from lethe.tables.paper import (
    CAPTION_ENDS,
    PERCENT,
    axes_of,
    behind_drop,
    ends_and_drop,
    or_nothing,
)
from lethe.tables.writing import Table

OWN = {"acc": "own_final", "la": "own_right_after"}
CAPTION = (
    "General examples mixed into every stage (Luo et al. 2023, section 5.4), %: the same stages "
    f"without and with them. {CAPTION_ENDS} gain: R_-1 with less without, points, paired by seeds; "
    "positive = more is kept. Rows of the axis own: mean own-task score at last (R_-1) and right "
    "after each task's stage (R_o), the price paid in learning."
)


def build(tables: LongTables) -> Table:
    """A row per pair of chains and axis, and one for the own tasks."""
    rows = shown(tables.metrics)
    pair_rows = []
    for mixed, alone in mixing_pairs(study_subjects(tables)):
        head = {"model": mixed.model, "mixed_in": shown_extras(mixed).removeprefix("+ ")}
        for axis in axes_of(rows):
            row = {**head, "axis": axis}
            row |= ends_and_drop(alone, rows, axis, "without_")
            row |= ends_and_drop(mixed, rows, axis, "with_")
            row |= paired(mixed, alone, "final_score", axis, "gain")
            pair_rows.append(row | behind_drop(mixed, rows, [axis]))
        pair_rows.append({**head, "axis": "own", **_own(alone, mixed)})
    names = [f"{kind}_{name}" for kind in ("without", "with") for name in PERCENT]
    nothing = "no chain has more mixed in beside the same chain without (`simp&general:64`)"
    return or_nothing(
        pair_rows, f"{CAPTION}{mixed_words(rows)}", nothing, dict.fromkeys([*names, "gain"], 1)
    )


def _own(alone, mixed) -> dict[str, float]:
    """Mean own-task scores of both chains, in points."""
    scores = {}
    for kind, chain in {"without": alone, "with": mixed}.items():
        for metric, name in {"la": "R_o", "acc": "R_-1"}.items():
            values = list(chain.numbers.get((metric, "own", ""), {}).values())
            scores[f"{kind}_{name}"] = 100 * sum(values) / len(values) if values else None
    gain = paired(mixed, alone, "acc", "own", "gain")
    return scores | {name: 100 * value for name, value in gain.items()} | {"note": ""}
