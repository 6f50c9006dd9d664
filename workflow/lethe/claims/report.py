"""The table of claims: a row per claim, part and comparison, beside the published numbers.

All parts of a claim, and all comparisons of a part, must hold: the weakest verdict decides.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lethe.claims import method_contrasts  # noqa: F401 - makes its contrasts known
from lethe.claims.cells import Cell, Question
from lethe.claims.contrasts import CONTRASTS
from lethe.claims.verdicts import UNDECIDED, Judged, counted, judge, weakest
from lethe.longtables.tables import LongTables
from lethe.metrics.published_subjects import published_subjects, sources
from lethe.metrics.subjects import Subject, study_subjects
from lethe.tables.writing import Table

AGREES, CONTRADICTS, MIXED = "agree", "contradict", "partly contradict"
CAPTION = (
    "Published claims as tests. A verdict is of the effect against the smallest one that matters: "
    "supported or contradicted where the 95 % t-interval over at least three units lies beyond it "
    "and p (t test against it, Holm within the claim's family) is at most 0.05; negligible where "
    "the interval lies within it; else undecided. With fewer units at most consistent. The rows of "
    "a claim and of a part give the weakest verdict under them, for all must hold. published: what "
    "the paper's own numbers say of the same comparison (third-party transcriptions), by the sign "
    "alone, for they have no intervals. Units: fg_ metrics in %, scores and rates of forgetting "
    "in points."
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
        )
        for name, part in claim["parts"].items()
    ]


def claims_table(
    tables: LongTables, claims: list[dict], published: pd.DataFrame, models: pd.DataFrame
) -> Table:
    """Verdicts of a study. claims: plain records; published, models: of `metrics.published`."""
    known = Published(published, published_subjects(published, models))
    subjects = study_subjects(tables)
    cells = [
        (asked, one)
        for claim in claims
        for asked in questions(claim)
        for one in CONTRASTS[asked.contrast](subjects, own_question(asked))
    ]
    judged = judge(cells)
    rows = []
    for claim in claims:
        rows += _claim_rows(
            claim, [one for one in judged if one.asked.claim == claim["name"]], known
        )
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64"})
    return Table(frame, CAPTION, {"p_holm": 3, "smallest_effect": 1})


COLUMNS = [
    "claim", "part", "about", "verdict", "effect", "effect_low", "effect_high", "metric", "n",
    "unit", "p_holm", "smallest_effect", "statement", "published", "published_numbers", "source",
    "note",
]  # fmt: skip
NUMBERS = ("effect", "effect_low", "effect_high", "p_holm", "smallest_effect", "n")


def own_question(asked: Question) -> Question:
    """The question for a study, which uses the axis' mean in place of a published set."""
    return replace(asked, element="")


def _claim_rows(claim: dict, judged: list[Judged], known: Published) -> list[dict]:
    parts = []
    for asked in questions(claim):
        part = claim["parts"][asked.part]
        of_part = [one for one in judged if one.asked.part == asked.part]
        parts.append(_part_rows(asked, part, of_part, known))
    heads = [rows[0] for rows in parts]
    verdicts = [one.verdict for one in judged]
    head = _row(
        claim=claim["name"],
        verdict=weakest(verdicts),
        statement=claim["statement"],
        published=_together([row["published"] for row in heads]),
        source=claim["where"],
        note="; ".join(filter(None, [counted(verdicts), claim["miniature"]])),
    )
    return [head, *(row for rows in parts for row in rows)]


def _part_rows(asked: Question, part: dict, judged: list[Judged], known: Published) -> list[dict]:
    """The part's own row, then one per comparison if there are several."""
    said = [one for one in CONTRASTS[asked.contrast](known.subjects, asked) if not one.missing]
    by_name = {(one.about.lower(), one.axis): one for one in said}
    rows = [_cell_row(asked, one, by_name) for one in judged]
    verdicts = [one.verdict for one in judged]
    whole = _row(
        claim=asked.claim,
        part=asked.part,
        verdict=weakest(verdicts),
        metric=asked.metric,
        smallest_effect=asked.smallest_effect,
        note=counted(verdicts),
    )
    head = rows.pop() if len(rows) == 1 else whole
    head["statement"] = _tested_as(asked, part)
    head["published"] = agreement(asked, said)
    head["published_numbers"] = "; ".join(_shown(one, asked) for one in said)
    if said:
        spoken = " ".join(one.about for one in said)
        named = known.numbers[[model in spoken for model in known.numbers["model"]]]
        head["source"] = sources(named, asked.metric, list(asked.axes), asked.element)
    return [head, *rows]


def _cell_row(asked: Question, one: Judged, by_name: dict[tuple[str, str], Cell]) -> dict:
    same = by_name.get((one.cell.about.lower(), one.cell.axis))
    units = one.cell.units or one.n
    unit = one.cell.over if units != 1 else one.cell.over.removesuffix("s")
    return _row(
        claim=asked.claim,
        part=asked.part,
        about=" ".join(filter(None, [one.cell.about, f"({one.cell.axis})"])),
        verdict=one.verdict,
        effect=one.effect,
        effect_low=one.low,
        effect_high=one.high,
        metric=asked.metric,
        n=units,
        unit=unit if units else "",
        p_holm=one.p_holm,
        smallest_effect=asked.smallest_effect,
        published=agreement(asked, [same]) if same else "",
        published_numbers=_shown(same, asked) if same else "",
        note="; ".join(filter(None, [one.cell.missing or one.cell.note, lost_to_holm(one)])),
    )


def lost_to_holm(one: Judged) -> str:
    """A sentence if the interval alone would have decided; else empty."""
    margin, low, high = one.asked.smallest_effect, one.low, one.high
    if one.verdict == UNDECIDED and (low > margin or high < -margin):
        return "the interval lies beyond the smallest effect, but not after Holm's correction"
    return ""


def agreement(asked: Question, said: list[Cell]) -> str:
    """Whether published effects have the claimed sign: `agree`, `partly contradict (1 of 3)`."""
    if not said or not asked.is_tested:
        return ""
    against = [one for one in said if asked.sign * _value(one) <= 0]
    if not against:
        return AGREES
    if len(against) == len(said):
        return CONTRADICTS
    return f"{MIXED} ({len(against)} of {len(said)}: {', '.join(map(_named, against))})"


def _together(said: list[str]) -> str:
    """Whether the published numbers agree with a whole claim."""
    known = [text for text in said if text]
    if not known:
        return ""
    if all(text == AGREES for text in known):
        return AGREES
    return CONTRADICTS if all(text == CONTRADICTS for text in known) else MIXED


def _named(one: Cell) -> str:
    return f"{one.about} {one.axis}"


def _shown(one: Cell, asked: Question) -> str:
    against = asked.is_tested and asked.sign * _value(one) <= 0
    return f"{_named(one)} {_value(one):+.2f}{' (against)' if against else ''}"


def _value(one: Cell) -> float:
    # A rounding error of a difference of equal numbers must not count as a sign.
    return round(float(np.mean(list(one.effects.values()))), 6)


def _tested_as(asked: Question, part: dict) -> str:
    side = "> " if asked.direction == "above" else "< -"
    margin = f"{side}{asked.smallest_effect:g}" if asked.is_tested else "shown only"
    why = f" ({part['why']})" if part["why"] else ""
    what = " - ".join(asked.methods) or ", ".join(asked.axes)
    return f"{asked.contrast} of {asked.metric}, {what}: {margin}{why}"


def _row(**columns) -> dict:
    """A row of the table: columns that are not given are empty, or missing if they hold numbers."""
    return dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS) | columns
