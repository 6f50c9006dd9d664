"""A comparison as one page to read, print and share: no script, nothing loaded from elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from lethe.comparison.compared import Compared
from lethe.comparison.report import DEFINITIONS, Report, warnings
from lethe.comparison.sets import POINTS, Judged
from lethe.comparison.targets import Target
from lethe.comparison.terminal import cells_of_ability, cells_of_set, counts_in_words, many_items
from lethe.questions.changes import BETTER, LOST, REGAINED, WORSE, Change, changed_items
from lethe.tables.html import environment

WIDTH = 400
"""Units of the axis in the page's plots."""
MOST_ITEMS = 50
"""Items of one kind that a set's list shows, the worst losses first."""
LONGEST = 4000
"""Characters of a text that a list shows."""
HERE = {"known_lost": "known and lost", "needed": "items would decide"}
"""What the page calls a number that has another name in JSON."""
AS_SHOWN = {"known_lost": "; an estimate below 0, which noise gives, is shown as 0"}
"""What is said here alone of a number, behind its definition."""
KINDS = {LOST: "lost", WORSE: "worse", REGAINED: "regained", BETTER: "better"}

Texts = Mapping[str, Mapping[str, dict[str, Any]]]
"""Question, choices and right answers by set and item."""


def as_page(report: Report, texts: Texts) -> bytes:
    """The page in UTF-8; every text is escaped."""
    content = {
        "title": f"{report.before.label} and what came of it",
        "before": _named(report.before),
        "comparisons": [
            _comparison(report, one, _named(target), texts)
            for one, target in zip(report.compared, report.after, strict=True)
        ],
        "chain": [
            {
                "ability": row.ability,
                "sets": row.sets,
                "drop": _number(row.drop_points),
                "fg": _number(row.fg_luo, " %"),
                "from_best": _number(row.forget_chaudhry),
            }
            for row in report.chain
        ],
        "definitions": {
            HERE.get(name, name): words + AS_SHOWN.get(name, "")
            for name, words in DEFINITIONS.items()
            if name != "verdict_interval"
        },
    }
    template = environment(Path(__file__).parent).get_template("page.html")
    return template.render(content).encode("utf-8")


def _named(target: Target) -> str:
    """The name that the terminal shows, and what it stands for if that is longer."""
    return target.label if target.given == target.label else f"{target.label} ({target.given})"


def _comparison(report: Report, one: Compared, after: str, texts: Texts) -> dict[str, Any]:
    axis = Axis.of(one)
    return {
        "after": after,
        "verdict": one.verdict,
        "judged": one.judged,
        "counts": counts_in_words(one),
        "margins": report.margin_words(one),
        "axis": axis,
        "abilities": [
            _ability(judged[0].change.ability, cells_of_ability(mean), judged, axis)
            for mean, judged in one.by_ability()
        ],
        "warnings": [*(f"{j.change.name}: {j.why}" for j in one.judged if j.why), *warnings(one)],
        "changed": [
            found for each in one.judged if (found := _items(each, texts.get(each.change.name, {})))
        ],
    }


@dataclass(frozen=True)
class Axis:
    """The change in points, from `low` to `high`, across WIDTH units."""

    low: float
    high: float

    @classmethod
    def of(cls, one: Compared) -> "Axis":
        """Wide enough for every interval, zero and the margins."""
        drawn = [each for each in one.judged if each.change.unit == POINTS]
        ends = [end for each in drawn for end in each.change.interval]
        known = [end for end in ends if not isnan(end)]
        margin = max([each.margin or 1.0 for each in drawn], default=1.0)
        low, high = min([*known, -2 * margin]), max([*known, 2 * margin])
        room = 0.03 * (high - low)
        return cls(low - room, high + room)

    def place(self, value: float) -> float:
        """Where a value is drawn."""
        return round(WIDTH * (value - self.low) / (self.high - self.low), 1)

    @property
    def zero(self) -> float:
        return self.place(0.0)

    @property
    def ends(self) -> str:
        return f"{self.low:.0f} to {self.high:+.0f}"


def _ability(name: str, cells: tuple, judged: list[Judged], axis: Axis) -> dict[str, Any]:
    before, after, change, interval = cells or ("", "", "", "")
    sets = [_row(each, axis) for each in judged]
    return {
        "name": name, "before": before, "after": after, "change": change, "interval": interval,
        "sets": sets,
    }  # fmt: skip


def _row(each: Judged, axis: Axis) -> dict[str, Any]:
    names = ("before", "after", "change", "interval", "lost", "regained", "known_lost")
    low, high = each.change.interval
    drawn = each.change.unit == POINTS and not isnan(low)
    needed = each.verdict.needed if each.verdict else None
    return {
        **dict(zip(names, cells_of_set(each), strict=False)),
        "name": each.change.name,
        "verdict": each.verdict.word if each.verdict else "",
        "needed": many_items(needed) if needed else "",
        "bar": drawn
        and {
            "low": axis.place(low),
            "high": axis.place(high),
            "middle": axis.place(each.change.change),
            "margin": None if each.margin is None else axis.place(-each.margin),
        },
    }


def _items(each: Judged, texts: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The items of a set that changed, the worst first; None without any."""
    items = each.change.items
    if items is None or each.change.better is None:
        return None
    sides = [
        [
            {**item, **texts.get(item["item_id"], {}), "correct": float(value)}
            for item, value in zip(side, values, strict=True)
        ]
        for side, values in zip((items.before, items.after), items.values, strict=True)
    ]
    by_kind: dict[str, list[Change]] = {kind: [] for kind in KINDS}
    for change in changed_items(*sides):
        if change.kind in by_kind:
            by_kind[change.kind].append(change)
    parts = [_part(KINDS[kind], changes) for kind, changes in by_kind.items() if changes]
    if not parts:
        return None
    words = ", ".join(f"{part['number']} {part['word']}" for part in parts)
    return {"name": each.change.name, "words": words, "parts": parts}


def _part(word: str, changes: list[Change]) -> dict[str, Any]:
    shown = changes[:MOST_ITEMS]
    of = f" (the first {len(shown)})" if len(shown) < len(changes) else ""
    return {
        "word": word,
        "number": len(changes),
        "words": f"{len(changes)} {word}{of}",
        "shown": [_item(change) for change in shown],
    }


def _item(change: Change) -> dict[str, Any]:
    question = change.question
    return {
        "id": change.item_id,
        "question": _short(question.text) if question else "",
        "choices": list(_choices(change)),
        "answers": [_short(answer) for answer in question.answers] if question else [],
        "before": _short(_answer(change.before)),
        "after": _short(_answer(change.after)),
        "margins": _margins(change),
    }


def _choices(change: Change) -> Iterator[dict[str, str]]:
    question = change.question
    for place, text in enumerate(question.choices if question else ()):
        words = ["right answer"] if question and place in question.gold else []
        words += ["chosen before"] if place == change.before.choice else []
        words += ["chosen after"] if place == change.after.choice else []
        yield {"text": _short(text), "words": ", ".join(words)}


def _answer(answer) -> str:
    if answer.choice is not None and not answer.text:
        return f"choice {answer.choice + 1}"
    return answer.text or "(nothing)"


def _margins(change: Change) -> str:
    before, after = change.before.margin, change.after.margin
    if before is None or after is None:
        return ""
    return f"right answer against the best other one: {before:+.2f} nats before, {after:+.2f} after"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _number(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:.1f}{unit}"
