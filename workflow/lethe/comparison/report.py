"""A whole comparison, and everything in it as plain values for JSON."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lethe.comparison.chain import ChainRow, chain_rows, formulas
from lethe.comparison.compared import Compared
from lethe.comparison.sets import CEILING, FLOOR, POINTS, Judged, SetChange
from lethe.comparison.targets import Target
from lethe.metrics.item_changes import COLLAPSED
from lethe.metrics.verdicts import KEPT, LOST, UNDECIDED, Verdict

SCHEMA_VERSION = 1
DEFINITIONS = {
    LOST: "the whole interval of the change lies below minus the margin",
    KEPT: "the whole interval of the change lies above minus the margin",
    UNDECIDED: "the interval holds minus the margin",
    "interval": "95 %, of the difference on the same items; clusters of items as one",
    "verdicts": "two one-sided tests at the margin for each set, 2.5 % each, each by Holm's "
    "procedure over the sets",
    "verdict_interval": "the change, with the level of its test in the place of 95 %",
    "needed": "items that would decide, if shares stayed as they are: n (t*/t)^2, t the statistic "
    "at the margin, t* the value that it must reach",
    "known_lost": "share of items known before and not after, apart from guessing; the two values "
    "are for guesses that are drawn again and for guesses that are repeated",
}


@dataclass(frozen=True)
class Report:
    """before: the base. margin: in points. limits: what the user restricted, in words."""

    before: Target
    after: list[Target]
    compared: list[Compared]
    margin: float
    margins: dict[str, float] = field(default_factory=dict)
    harmless: list[str] = field(default_factory=list)

    @property
    def chain(self) -> list[ChainRow]:
        """The metrics of the chain; empty for a single AFTER."""
        return chain_rows(self.compared) if len(self.compared) > 1 else []

    def words(self) -> list[str]:
        """The verdicts on the AFTERs, in order."""
        return [one.verdict for one in self.compared]

    def margin_words(self, one: Compared) -> str:
        """The margins of its verdicts: `2 points, 50 points for acc`; empty without a verdict."""
        found = []
        for each in one.judged:
            if each.margin is not None:
                unit = f" {POINTS}" if each.change.unit == POINTS else ""
                own = f" for {each.change.metric}" if each.change.metric in self.margins else ""
                found.append(f"{each.margin:g}{unit}{own}")
        return ", ".join(dict.fromkeys(found))

    @property
    def lost_below(self) -> str:
        """Where the interval of a lost set lies: `-2` if all were judged by one margin."""
        used = {each.margin for one in self.compared for each in one.judged} - {None}
        return f"-{used.pop():g}" if len(used) == 1 else "minus the margin"


def as_dict(report: Report) -> dict[str, Any]:
    """Everything, without the items' texts; numbers that are not there are null."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "before": report.before.given,
        "margin": report.margin,
        "margins": report.margins,
        "harmless": report.harmless,
        "comparisons": [
            {
                "after": target.given,
                "verdict": one.verdict,
                "missing": one.missing,
                "abilities": [asdict(mean) for mean, _ in one.by_ability() if mean],
                "sets": [_of_set(each) for each in one.judged],
                "warnings": list(warnings(one)),
            }
            for target, one in zip(report.after, report.compared, strict=True)
        ],
        "chain": [asdict(row) for row in report.chain],
        "chain_metrics": formulas() if report.chain else [],
        "definitions": DEFINITIONS,
    }
    return _without_nan(content)


def warnings(compared: Compared) -> Iterator[str]:
    """Sentences on what a reader could take for what it is not."""
    if all(each.change.is_none for each in compared.judged):
        known = all(each.change.items is not None for each in compared.judged)
        what = "no score and no item" if known else "no score"
        yield f"{what} changed: is {compared.label} the checkpoint that you mean?"
    if parts := list(_held_back(compared)):
        yield (
            "undecided although the interval above is on one side of the margin, for with so many "
            "sets a wider one counts (Holm): " + ", ".join(parts)
        )
    for each in compared.judged:
        change = each.change
        if change.collapsed and change.commonest:
            before, after = (share for _, share in change.commonest)
            yield (
                f"{change.name}: collapsed answers, {after:.0%} of them are the same ({before:.0%} "
                "before); its score speaks of that answer, not of what is known"
            )
        if change.place == FLOOR:
            yield (
                f"{change.name}: at floor, the base scores {100 * change.scores[0]:.1f} where "
                f"guessing gives {100 * (change.chance or 0):.1f}; it had nothing to lose, so it "
                "cannot count as kept"
            )
        if change.place == CEILING:
            yield f"{change.name}: at ceiling before, so small losses stay hidden"
        yield from (f"{change.name}: {note}" for note in change.notes)
    yield from compared.missing


def between(low: float, high: float, decimals: int = 1) -> str:
    """An interval as printed."""
    return f"[{low:+.{decimals}f}, {high:+.{decimals}f}]"


def _held_back(compared: Compared) -> Iterator[str]:
    """Sets that would have a verdict if they were alone, with the interval that counts."""
    for each in compared.judged:
        if each.verdict and each.verdict.word == UNDECIDED and each.verdict.alone:
            ends = each.change.as_change(each.verdict.low, each.verdict.high)
            yield f"{each.change.name} {between(*ends, each.change.decimals)}"


def _of_set(each: Judged) -> dict[str, Any]:
    change = each.change
    low, high = change.interval
    return {
        "set": change.name,
        "ability": change.ability,
        "metric": change.metric,
        "unit": change.unit,
        "higher_is_better": change.better,
        "before": change.scale * change.scores[0],
        "after": change.scale * change.scores[1],
        "change": change.change,
        "interval": [low, high],
        "paired": change.drop is not None and change.drop.paired,
        "items": change.drop.items if change.drop else min(change.numbers),
        "clusters": change.drop.clusters if change.drop else None,
        "counts": change.counts,
        "changed_items": change.changed_items,
        "known_lost": change.known_lost,
        "chance": None if change.chance is None else change.scale * change.chance,
        "base_at": change.place,
        "commonest_answer": None
        if change.commonest is None
        else [{"answer": answer, "share": share} for answer, share in change.commonest],
        "collapsed": change.collapsed,
        "collapsed_from": COLLAPSED,
        "verdict": each.verdict.word if each.verdict else None,
        "margin": each.margin,
        "why_no_verdict": each.why,
        "test": _of_verdict(change, each.verdict),
        "notes": change.notes,
    }


def _of_verdict(change: SetChange, verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "verdict_interval": list(change.as_change(verdict.low, verdict.high)),
        "p_lost": verdict.p_lost,
        "p_kept": verdict.p_kept,
        "items_needed": verdict.needed,
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
