"""Single items that were lost and regained: how many of each set, and a few with their texts."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from lethe.longtables.items import file_stem
from lethe.questions.changes import BETTER, LOST, REGAINED, WORSE, Answer, Change, changes, mark
from lethe.questions.lines import LineItems
from lethe.questions.page import letter
from lethe.questions.study import sets_of, texts_of
from lethe.report.source import Source

LOSSES, GAINS = (LOST, WORSE), (REGAINED, BETTER)
MOST_LOST, MOST_GAINED = 3, 2
"""Items of one set and line that unfold."""
MOST_ITEMS = 400
"""Items that unfold on the whole page."""
LONGEST = 600
"""Letters of a text."""


@dataclass(frozen=True)
class Choice:
    """An answer to choose from, and what is to be said of it."""

    text: str
    words: str


@dataclass(frozen=True)
class Item:
    """An item before and after; `question` is empty if its text is not kept."""

    name: str
    kind: str
    question: str
    choices: list[Choice]
    right: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """A line on one set. counts: items by what became of them."""

    line: str
    ends: str
    items: int
    lost: int
    gained: int
    is_graded: bool
    shown: list[Item]


@dataclass(frozen=True)
class SetItems:
    """The lines of one set; page: the file with all of its items, if there is one."""

    name: str
    page: str
    entries: list[Entry]

    @property
    def words(self) -> str:
        """How many answers were lost and regained: each line answers every item."""
        items = sorted({entry.items for entry in self.entries})
        count, answers = len(self.entries), sum(entry.items for entry in self.entries)
        lines = f"{count} line{'s' * (count != 1)} of {' or '.join(map(str, items))} items"
        lost, gained = (
            sum(getattr(entry, name) for entry in self.entries) for name in ("lost", "gained")
        )
        worse, better = ("worse", "better") if self.is_graded else ("lost", "regained")
        of = f"of all {answers} answers" if count > 1 else "of these"
        return f"{lines}: {of} {lost} {worse}, {gained} {better}"

    @property
    def is_graded(self) -> bool:
        return any(entry.is_graded for entry in self.entries)


def lost_items(source: Source) -> list[SetItems]:
    """Every set that was scored before and after a stage; empty without tables of items."""
    if not source.item_sets:
        return []
    found = []
    left = MOST_ITEMS
    for probe, lines, _ in sets_of(source.tables.scores, source.folder / "items"):
        entries, left = _entries(source, probe, lines, left)
        page = source.questions / f"{file_stem(probe)}.html"
        address = f"questions/{quote(page.name)}" if page.is_file() else ""
        found.append(SetItems(probe, address, entries))
    return found


def _entries(
    source: Source, probe: str, lines: list[LineItems], left: int
) -> tuple[list[Entry], int]:
    """The entries of a set, and how many items may still unfold on the page."""
    chosen = {}
    for place, line in enumerate(lines):
        names = _worst(line)[:left]
        chosen[place], left = names, left - len(names)
    texts = texts_of(source.questions, probe, {name for names in chosen.values() for name in names})
    entries = [
        Entry(
            line=line.name,
            ends=line.ends,
            items=len(line.rows),
            lost=_count(line, LOSSES),
            gained=_count(line, GAINS),
            is_graded=line.is_graded,
            shown=[
                _item(one, line.is_graded) for one in changes(line.rows.loc[chosen[place]], texts)
            ],
        )
        for place, line in enumerate(lines)
    ]
    return entries, left


def _worst(line: LineItems) -> list[str]:
    kinds = line.rows["kind"]
    parts = ((LOSSES, MOST_LOST), (GAINS, MOST_GAINED))
    return [name for of, most in parts for name in line.rows.index[kinds.isin(of)][:most]]


def _count(line: LineItems, kinds: Iterable[str]) -> int:
    return sum(line.counts.get(kind, 0) for kind in kinds)


def _item(change: Change, graded: bool) -> Item:
    question = change.question
    return Item(
        name=change.item_id,
        kind=change.kind,
        question=_short(question.text) if question else "",
        choices=_choices(change),
        right=" / ".join(_short(answer) for answer in question.answers) if question else "",
        before=_answer(change.before, graded),
        after=_answer(change.after, graded),
    )


def _choices(change: Change) -> list[Choice]:
    question = change.question
    found = []
    for place, text in enumerate(question.choices if question else ()):
        words = ["right"] if question and place in question.gold else []
        words += ["chosen before"] if place == change.before.choice else []
        words += ["chosen after"] if place == change.after.choice else []
        found.append(Choice(_short(text), ", ".join(words)))
    return found


def _answer(answer: Answer, graded: bool) -> str:
    text = _short(answer.text) or "(nothing)"
    if answer.choice is not None:
        text = f"{letter(answer.choice)}{f': {_short(answer.text)}' if answer.text else ''}"
    shown = mark(answer.correct, graded)
    return f"{text} {f'({shown})' if shown[:1].isdigit() else shown}".rstrip()


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
