"""What is said beside a verdict: by outcome, by unit, and what could have been shown."""

import numpy as np

from lethe.claims.bounds import OUTCOMES, outcome_of
from lethe.claims.cells import Cell
from lethe.claims.verdicts import UNDECIDED, Judged, weakest

SEEDS = ("world", "base", "train seed")


def notes(judgement: Judged) -> str:
    """All that there is to say of one comparison, in one text."""
    cell = judgement.cell
    said = [cell.missing or cell.note, cell.bound, lost_to_holm(judgement), could_show(judgement)]
    return "; ".join(filter(None, said))


def lost_to_holm(judgement: Judged) -> str:
    """A sentence if the interval alone would have contradicted; else empty."""
    asked, ends = judgement.asked, (judgement.low, judgement.high)
    beyond = max(asked.sign * end for end in ends) < -asked.smallest_effect
    if judgement.verdict == UNDECIDED and beyond:
        return "the interval lies beyond the smallest effect, but not after Holm's correction"
    return ""


def could_show(judgement: Judged) -> str:
    """The smallest effect that an undecided comparison would have shown; empty for others."""
    if judgement.verdict != UNDECIDED or np.isnan(judgement.shown):
        return ""
    place = "or more" if judgement.asked.sign > 0 else "or less"
    return f"{judgement.n} {judgement.cell.over} would have shown {judgement.shown:+.3g} {place}"


def by_unit(cell: Cell) -> str:
    """The effect of every unit: `world 31, base 0: +3.2; ...`; train seeds where they count."""
    told = []
    for unit, effect in cell.effects.items():
        seeds = [f"{w} {seed}" for w, seed in zip(SEEDS, unit, strict=False) if seed is not None]
        if seeds:
            told.append(f"{', '.join(seeds)}: {effect:+.4g}")
    return "; ".join(told)


def by_outcome(judged: list[Judged]) -> str:
    """The weakest verdict under each outcome, `F1 undecided; loss supported`, if there are two."""
    verdicts: dict[str, list[str]] = {}
    for judgement in judged:
        if outcome := outcome_of(judgement.asked.metric):
            verdicts.setdefault(OUTCOMES[outcome], []).append(judgement.verdict)
    if len(verdicts) < 2:
        return ""
    return "; ".join(f"{outcome} {weakest(each)}" for outcome, each in verdicts.items())
