"""The table of claims: a row per claim, part and comparison, beside the published numbers.

All parts of a claim, and all comparisons of a part, must hold: the weakest verdict decides.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lethe.artefacts.paths import LUO2023
from lethe.claims import method_contrasts  # noqa: F401 - makes its contrasts known
from lethe.claims.asked_of import all_subjects, asked_of, told_of
from lethe.claims.cells import Cell, Question
from lethe.claims.contrasts import CONTRASTS, meaning
from lethe.claims.notes import by_outcome, by_unit, notes
from lethe.claims.verdicts import Judged, claim_verdicts, counted, judge, weakest
from lethe.longtables.tables import LongTables
from lethe.metrics.published import read_published, read_published_models
from lethe.metrics.published_subjects import published_subjects, sources
from lethe.metrics.subjects import Subject
from lethe.tables.writing import Table

AGREES, CONTRADICTS, MIXED = "agree", "contradict", "partly contradict"
CAPTION = (
    "Published claims as tests. A verdict is of the effect against the smallest one that matters: "
    "supported where the 95 % t-interval over at least three units lies beyond it; contradicted "
    "where it lies beyond it on the other side and p_holm (t test against it, Holm within the "
    "claim's family) is at most 0.05; negligible where the interval lies within it; else "
    "undecided. With fewer units at most consistent. The rows of a claim and of a part give the "
    "weakest verdict under them, for all must hold, which is why nothing is corrected where it is "
    "supported. shown: the smallest effect that so many units would have shown to be supported, 4 "
    "times in 5, by the spread of these. Not testable here: a method compared did not learn, or "
    "its score is within five points of chance, or both (of a pool: its own) are 95 or more; an "
    "outcome at such a bound says nothing about methods. published: what the paper's own numbers "
    "say of the same comparison (third-party transcriptions), by the sign alone, for they have no "
    "intervals. Units: fg_ metrics in %, scores and rates of forgetting in points, losses in nats."
)


@dataclass(frozen=True)
class Published:
    """Published numbers as a table, and as subjects."""

    numbers: pd.DataFrame
    subjects: list[Subject]


def questions(claim: dict) -> list[Question]:
    """The parts of a claim's record."""
    return [
        Question(
            claim=claim["name"],
            part=name,
            contrast=part["contrast"],
            metric=part["metric"],
            axes=tuple(part["axes"]),
            unit=part["unit"],
            smallest_effect=float(part["smallest_effect"]),
            direction=part["direction"],
            family=claim["family"],
            is_tested=part["verdict"],
            element=part["published_set"],
            methods=tuple(part["methods"]),
            # Kept studies may have been claimed before these keys were.
            gain=part.get("gain"),
            half_width=part.get("half_width"),
            recipe=part.get("recipe") or "",
        )
        for name, part in claim["parts"].items()
    ]


def tested(tables: LongTables, claims: list[dict], source: Path = LUO2023) -> Table:
    """`claims_table` beside the published numbers of a CSV file, by default those that we keep."""
    return claims_table(tables, claims, read_published(source), read_published_models(source))


def claims_table(
    tables: LongTables, claims: list[dict], published: pd.DataFrame, models: pd.DataFrame
) -> Table:
    """Verdicts of a study. claims: plain records; published, models: of `metrics.published`."""
    known = Published(published, published_subjects(published, models))
    subjects = all_subjects(tables)
    judged = judge(_cells(subjects, claims))
    verdicts = claim_verdicts(judged)
    rows = []
    for claim in claims:
        rows += _claim_rows(
            claim,
            [judgement for judgement in judged if judgement.asked.claim == claim["name"]],
            verdicts[claim["name"]],
            known,
            told_of(subjects, questions(claim)),
        )
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64"})
    return Table(frame, CAPTION, {"p_holm": 3, "smallest_effect": 1})


def claim_cells(tables: LongTables, claims: list[dict]) -> list[tuple[Question, Cell]]:
    """Every comparison of the claims on a study's own numbers, with the part that it belongs to."""
    return _cells(all_subjects(tables), claims)


def _cells(subjects: list[Subject], claims: list[dict]) -> list[tuple[Question, Cell]]:
    return [
        (asked, cell)
        for claim in claims
        for asked in questions(claim)
        for cell in CONTRASTS[asked.contrast](asked_of(subjects, asked), own_question(asked))
    ]


NUMBERS = (
    "effect", "effect_low", "effect_high", "n", "p", "p_holm", "smallest_effect", "shown",
    "shown_against",
)  # fmt: skip
COLUMNS = [
    "claim", "part", "about", "verdict", "effect", "effect_low", "effect_high", "metric", "n",
    "unit", "p", "p_holm", "smallest_effect", "shown", "shown_against", "statement", "published",
    "published_numbers", "source", "note", "by_outcome", "by_unit",
]  # fmt: skip


def own_question(asked: Question) -> Question:
    """The question for a study, which uses the axis' mean in place of a published set."""
    return replace(asked, element="")


def _claim_rows(
    claim: dict, judged: list[Judged], verdict: str, known: Published, told: list[str]
) -> list[dict]:
    """told: what there is to say of whom the claim is about."""
    parts = []
    for asked in questions(claim):
        part = claim["parts"][asked.part]
        of_part = [judgement for judgement in judged if judgement.asked.part == asked.part]
        parts.append(_part_rows(asked, part, of_part, known))
    heads = [rows[0] for rows in parts]
    verdicts = [judgement.verdict for judgement in judged]
    head = _row(
        claim=claim["name"],
        verdict=verdict,
        statement=claim["statement"],
        published=_together([row["published"] for row in heads]),
        source=claim["where"],
        by_outcome=by_outcome(judged),
        note="; ".join(filter(None, [counted(verdicts), claim["miniature"], *told])),
    )
    return [head, *(row for rows in parts for row in rows)]


def _part_rows(asked: Question, part: dict, judged: list[Judged], known: Published) -> list[dict]:
    """The part's own row, then one per comparison if there are several."""
    published_cells = [
        cell for cell in CONTRASTS[asked.contrast](known.subjects, asked) if not cell.missing
    ]
    by_name = {(cell.about.lower(), cell.axis): cell for cell in published_cells}
    rows = [_cell_row(asked, judgement, by_name) for judgement in judged]
    verdicts = [judgement.verdict for judgement in judged]
    part_row = _row(
        claim=asked.claim,
        part=asked.part,
        verdict=weakest(verdicts),
        metric=asked.metric,
        smallest_effect=asked.smallest_effect,
        note=counted(verdicts),
    )
    head = rows.pop() if len(rows) == 1 else part_row
    head["statement"] = _tested_as(asked, part)
    head["published"] = agreement(asked, published_cells)
    head["published_numbers"] = "; ".join(_shown(cell, asked) for cell in published_cells)
    if published_cells:
        about = " ".join(cell.about for cell in published_cells)
        named = known.numbers[[model in about for model in known.numbers["model"]]]
        head["source"] = sources(named, asked.metric, list(asked.axes), asked.element)
    return [head, *rows]


def _cell_row(asked: Question, judgement: Judged, by_name: dict[tuple[str, str], Cell]) -> dict:
    same = by_name.get((judgement.cell.about.lower(), judgement.cell.axis))
    units = judgement.cell.units or judgement.n
    unit = judgement.cell.over if units != 1 else judgement.cell.over.removesuffix("s")
    return _row(
        claim=asked.claim,
        part=asked.part,
        about=" ".join(filter(None, [judgement.cell.about, f"({judgement.cell.axis})"])),
        verdict=judgement.verdict,
        effect=judgement.effect,
        effect_low=judgement.low,
        effect_high=judgement.high,
        metric=asked.metric,
        n=units,
        unit=unit if units else "",
        p=judgement.p_for if asked.sign * judgement.effect > 0 else judgement.p_against,
        p_holm=judgement.p_holm,
        smallest_effect=asked.smallest_effect,
        shown=judgement.shown,
        shown_against=judgement.shown_against,
        published=agreement(asked, [same]) if same else "",
        published_numbers=_shown(same, asked) if same else "",
        note=notes(judgement),
        by_unit=by_unit(judgement.cell),
    )


def agreement(asked: Question, published: list[Cell]) -> str:
    """Whether published effects have the claimed sign: `agree`, `partly contradict (1 of 3)`."""
    if not published or not asked.is_tested:
        return ""
    against = [cell for cell in published if asked.sign * _value(cell) <= 0]
    if not against:
        return AGREES
    if len(against) == len(published):
        return CONTRADICTS
    return f"{MIXED} ({len(against)} of {len(published)}: {', '.join(map(_named, against))})"


def _together(agreements: list[str]) -> str:
    """Whether the published numbers agree with a whole claim."""
    stated = [text for text in agreements if text]
    if not stated:
        return ""
    if all(text == AGREES for text in stated):
        return AGREES
    return CONTRADICTS if all(text == CONTRADICTS for text in stated) else MIXED


def _named(cell: Cell) -> str:
    return f"{cell.about} {cell.axis}"


def _shown(cell: Cell, asked: Question) -> str:
    against = asked.is_tested and asked.sign * _value(cell) <= 0
    return f"{_named(cell)} {_value(cell):+.2f}{' (against)' if against else ''}"


def _value(cell: Cell) -> float:
    # A rounding error of a difference of equal numbers must not count as a sign.
    return round(float(np.mean(list(cell.effects.values()))), 6)


def _tested_as(asked: Question, part: dict) -> str:
    side = "> " if asked.direction == "above" else "< -"
    margin = f"claimed is {side}{asked.smallest_effect:g}" if asked.is_tested else "shown only"
    why = f" ({part['why']})" if part["why"] else ""
    what = " - ".join(asked.methods) or ", ".join(asked.axes)
    return f"{asked.metric}, {what}: {meaning(asked.contrast)}; {margin}{why}"


def _row(**columns) -> dict:
    """A row of the table: columns that are not given are empty, or missing if they hold numbers."""
    return dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS) | columns
