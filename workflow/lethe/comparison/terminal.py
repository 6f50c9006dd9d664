"""A comparison as text: by ability and set, as wide as the terminal, coloured on a terminal."""

import shutil
import sys
import textwrap
from collections.abc import Iterator
from math import isnan

from lethe.comparison.chain import ChainRow
from lethe.comparison.compared import Ability, Compared
from lethe.comparison.report import Report, between, warnings
from lethe.comparison.sets import Judged
from lethe.errors import one_line
from lethe.metrics.verdicts import KEPT, LOST, UNDECIDED
from lethe.terminal import paint

NARROW = 80
WIDEST = 120
COLOUR = {LOST: "red", KEPT: "green", UNDECIDED: "yellow"}
SHORTEST_NAME = 12
MOST_NEEDED = 1_000_000
HEAD = ("before", "after", "change", "95 % interval", "lost", "back", "known lost", "verdict")
WIDTHS = (6, 6, 7, 17, 5, 5, 12, 9)
KNOWN_LOST = HEAD.index("known lost")


def as_text(report: Report) -> str:
    """The whole comparison, one line a set."""
    width = min(max(shutil.get_terminal_size((NARROW, 24)).columns, NARROW), WIDEST)
    blocks = ["\n".join(_comparison(report, one, width)) for one in report.compared]
    if report.chain:
        blocks.append("\n".join(_chain(report.chain, len(report.compared), width)))
    blocks.append("\n".join(_legend(report, width)))
    return "\n\n".join(blocks)


def _painted(text: str, verdict: str) -> str:
    return paint(text, COLOUR[verdict]) if verdict in COLOUR else text


def _comparison(report: Report, one: Compared, width: int) -> Iterator[str]:
    head = f"{report.before.label} -> {one.label}"
    yield _cut(head, width) if sys.stdout.isatty() else one_line(head)
    sets = f"{len(one.judged)} sets" if len(one.judged) != 1 else "1 set"
    by = f" (margin {margins})" if (margins := report.margin_words(one)) else ""
    word = one.verdict.upper()
    told = textwrap.fill(one_line(f"{word}: of {sets} {counts_in_words(one)}{by}"), width)
    yield _painted(word, one.verdict) + told.removeprefix(word)
    yield ""
    columns = [place for place in range(len(HEAD)) if width >= 96 or place != KNOWN_LOST]
    left = width - sum(WIDTHS[place] + 1 for place in columns)
    names = [(each.change.ability, f"  {each.change.name}") for each in one.judged]
    longest = max([len(one_line(text)) for both in names for text in both], default=0)
    if not sys.stdout.isatty():
        left = max(left, longest)  # what another program reads is never cut
    name = max(min(left, max(longest, SHORTEST_NAME)), SHORTEST_NAME)
    yield _line("", HEAD, name, columns)
    for mean, judged in one.by_ability():
        yield _line(judged[0].change.ability, cells_of_ability(mean), name, columns)
        for each in judged:
            line = _line(f"  {each.change.name}", cells_of_set(each), name, columns)
            word = each.verdict.word if each.verdict else ""
            yield (
                line[: -len(word)] + _painted(word, word) if word and line.endswith(word) else line
            )
    yield from _said(one, width)


def counts_in_words(one: Compared) -> str:
    """How many sets have each verdict: `2 lost, 5 kept, 1 without a verdict`."""
    numbers = {word: one.number(word) for word in (LOST, KEPT, UNDECIDED)}
    numbers["without a verdict"] = len(one.judged) - sum(numbers.values())
    return ", ".join(f"{number} {word}" for word, number in numbers.items() if number)


def cells_of_ability(mean: Ability | None) -> tuple[str, ...]:
    """Before, after, change and interval of a mean over sets; empty for less than two."""
    if mean is None or mean.sets < 2:
        return ()
    change = mean.after - mean.before
    interval = _interval(mean.low, mean.high)
    return (f"{mean.before:.1f}", f"{mean.after:.1f}", _signed(change), interval)


def cells_of_set(each: Judged) -> tuple[str, ...]:
    """The columns of HEAD."""
    change, counts = each.change, each.change.counts
    known = change.known_lost or {}
    bounds = ""
    if "lost" in known:
        bounds = " to ".join(f"{100 * max(share, 0):.0f}" for share in known["lost"]) + " %"
    elif known and counts:
        bounds = "?"
    return (
        *(f"{change.scale * score:.{change.decimals}f}" for score in change.scores),
        _signed(change.change, change.decimals),
        _interval(*change.interval, change.decimals),
        str(counts["lost"]) if counts else "",
        str(counts["regained"]) if counts else "",
        bounds,
        each.verdict.word if each.verdict else "-",
    )


def _line(name: str, cells: tuple[str, ...], width: int, columns: list[int]) -> str:
    parts = [_cut(name, width).ljust(width)]
    for place in columns:
        cell = cells[place] if place < len(cells) else ""
        last = place == len(HEAD) - 1
        parts.append(cell if last else cell.rjust(WIDTHS[place]))
    return " ".join(parts).rstrip()


def _said(one: Compared, width: int) -> Iterator[str]:
    """Sentences on undecided sets, on those without a verdict, and warnings."""
    sentences = [*_undecided(one), *_unjudged(one), *warnings(one)]
    for place, sentence in enumerate(dict.fromkeys(sentences)):
        if place == 0:
            yield ""
        yield textwrap.fill(
            one_line(sentence), width, initial_indent="- ", subsequent_indent="  ",
            break_long_words=False,
        )  # fmt: skip


def _undecided(one: Compared) -> Iterator[str]:
    """In one sentence: of every undecided set, the items that would decide."""
    parts = []
    for each in one.judged:
        if each.verdict and each.verdict.word == UNDECIDED and each.verdict.needed:
            parts.append(f"{each.change.name} {many_items(each.verdict.needed)}")
    if parts:
        yield (
            "undecided; items that would decide if shares stayed as they are: " + ", ".join(parts)
        )


def many_items(number: int) -> str:
    """A number of items to two digits, rounded up: more would promise too much."""
    if number > MOST_NEEDED:
        return "over a million"
    unit = 10 ** max(len(str(number)) - 2, 0)
    return f"{-(-number // unit) * unit:,}"


def _unjudged(one: Compared) -> Iterator[str]:
    yield from (f"{each.change.name}: {each.why}" for each in one.judged if each.why)


def _chain(rows: list[ChainRow], stages: int, width: int) -> Iterator[str]:
    yield f"the chain of {stages} checkpoints"
    yield ""
    name = max(len(row.ability) for row in rows) + 2
    heads = ("sets", "drop after the last", "FG (Luo 2023)", "from the best")
    yield " ".join(["".ljust(name), *(head.rjust(len(head) + 1) for head in heads)]).rstrip()
    for row in rows:
        cells = (
            str(len(row.sets)),
            _of_row(row.drop_points, ""),
            _of_row(row.fg_luo, " %"),
            _of_row(row.forget_chaudhry, ""),
        )
        numbers = (cell.rjust(len(head) + 1) for cell, head in zip(cells, heads, strict=True))
        yield " ".join([row.ability.ljust(name), *numbers]).rstrip()
    yield ""
    yield textwrap.fill(
        "Drop after the last checkpoint and from the best before it in points, FG in % of the "
        "base's score, mean over checkpoints; positive is worse.",
        width,
    )


def _of_row(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.1f}{unit}"


def _legend(report: Report, width: int) -> Iterator[str]:
    text = (
        f"lost: the whole interval is below {report.lost_below}; kept: all of it is above; each at "
        "95 % over all sets together (Holm). change: after less before on the same items, in "
        "points (of 100) for shares. lost, back: items right before only, after only."
    )
    if width >= 96:
        text += (
            " known lost: the share of items known and lost, apart from guesses; ?: cannot be told."
        )
    yield textwrap.fill(text, width)


def _signed(value: float, decimals: int = 1) -> str:
    text = f"{value:+.{decimals}f}"
    return text if float(text) else text[1:]


def _interval(low: float, high: float, decimals: int = 1) -> str:
    return "" if isnan(low) else between(low, high, decimals)


def _cut(text: str, width: int) -> str:
    text = one_line(text)
    return text if len(text) <= width else f"{text[: width - 1]}…"
