"""What became of single items from one checkpoint to another: pure functions on arrays.

Every array is over the same items in the same order. An answer is right (1) or wrong (0). Of a
question with k choices a model knows the answer, or does not and guesses: right once in k times.
Most estimates are means over items of what `item_values` gives for each, so they are resampled as
any mean is, and items of different k pool item by item.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

# Share of the commonest answer from which the answers of a set count as collapsed.
COLLAPSED = 0.9
THIRDS = ("unsure", "middle", "sure")


@dataclass(frozen=True)
class Answers:
    """The answers of one checkpoint, each array (items,).

    Attributes:
        right: 0 or 1.
        margin: right answer's log-probability less the best wrong one's, nats; nan without choices.
        gold: log-probability of the right answer, nats; nan if there is none.
    """

    right: np.ndarray
    margin: np.ndarray
    gold: np.ndarray


@dataclass(frozen=True)
class ChanceAdjusted:
    """Forgetting and backward transfer less what guessing accounts for, and the most possible."""

    forgetting: float
    transfer: float
    most: float


def right_or_wrong(values: np.ndarray) -> bool:
    """Whether all answers are right or wrong: graded ones (ROUGE, SARI) cannot be lost."""
    return bool(len(values)) and bool(np.isin(values, (0.0, 1.0)).all())


def transitions(before: np.ndarray, after: np.ndarray) -> dict[str, np.ndarray]:
    """For each item 1 in one of four arrays: kept, lost, regained (right only after), never."""
    was, now = before == 1, after == 1
    parts = {"kept": was & now, "lost": was & ~now, "regained": ~was & now, "never": ~was & ~now}
    return {name: part.astype(float) for name, part in parts.items()}


def two_state(
    before: np.ndarray, after: np.ndarray, choices: np.ndarray, repeated: float
) -> tuple[np.ndarray, np.ndarray]:
    """Arrays whose means estimate P(known before, not after) and P(not known before, known after).

    An item that is known neither before nor after gives the same guess twice with probability
    `repeated` (r), else a new one. With U the share of such items, and p the shares of
    `transitions`:

        never = U (k-1)/k^2 (rk + (1-r)(k-1)),   lost = P(lost) (k-1)/k + U (1-r) (k-1)/k^2, so
        P(lost) = k/(k-1) (lost - never (1-r) / (rk + (1-r)(k-1))), and regained likewise.

    It is unbiased, so it may be negative where little is lost. r is not known: r = 0 and r = 1 are
    the least and the greatest estimate. (Latent classes as in Cor & Sood 2018; r is ours.)

    choices: (items,) k of each item, at least 2.
    """
    part = transitions(before, after)
    scale = choices / (choices - 1)
    guessed = part["never"] * (1 - repeated) / (repeated * choices + (1 - repeated) * (choices - 1))
    return scale * (part["lost"] - guessed), scale * (part["regained"] - guessed)


def knew(right: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """An array whose mean estimates the share of items that are known: (k a - 1)/(k - 1)."""
    return (choices * right - 1) / (choices - 1)


def item_values(
    before: Answers, after: Answers, choices: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The arrays whose means are the estimates, by name.

    choices: (items,) k of each item; None for answers without choices, which have no guesses.
    """
    values = transitions(before.right, after.right)
    if choices is not None:
        values["knew"] = knew(before.right, choices)
        for name, repeated in {"r0": 0.0, "r1": 1.0}.items():
            lost, regained = two_state(before.right, after.right, choices, repeated)
            values |= {f"lost_{name}": lost, f"regained_{name}": regained}
    return values | measured(before, after)


def measured(before: Answers, after: Answers) -> dict[str, np.ndarray]:
    """Of log-probabilities alone: `drift`, and `sign_changed`.

    drift: nats by which the right answer's log-probability fell. sign_changed: 1 where the margin
    changed its sign. Both are nan where an item has no such number.
    """
    unknown = np.isnan(before.margin) | np.isnan(after.margin)
    changed = (before.margin > 0) != (after.margin > 0)
    return {
        "drift": before.gold - after.gold,
        "sign_changed": np.where(unknown, np.nan, changed.astype(float)),
    }


def chance_adjusted(before: np.ndarray, after: np.ndarray, choices: np.ndarray) -> ChanceAdjusted:
    """Forgetting as arXiv 2510.17776 adjusts it, section 2.

        max(F - (1-a0)(1-ai)/(k-1), 0), backward transfer likewise, at most max((k a0 - 1)/(k-1), 0)

    with F the share lost and a the shares right. It takes items to be unknown before and after
    independently of each other, so it reads more than 0 where nothing is lost, and too little where
    much is. Items of different k: the mean over k, weighted by items.
    """
    totals = np.zeros(3)
    for k in np.unique(choices):
        of_k = choices == k
        was, now = before[of_k], after[of_k]
        part = transitions(was, now)
        by_chance = (1 - was.mean()) * (1 - now.mean()) / (k - 1)
        found = (part["lost"].mean() - by_chance, part["regained"].mean() - by_chance)
        totals += of_k.mean() * np.maximum([*found, knew(was, k).mean()], 0)
    return ChanceAdjusted(*map(float, totals))


def lost_by_margin(before: Answers, after: Answers) -> dict[str, float]:
    """Of the items right before, the share lost in each third of their margin before.

    Thirds are cut at the quantiles 1/3 and 2/3; a margin at a cut is in the lower third. Only right
    items have one, for a small margin says more of being right than of being easy to lose. nan
    where a third has no item.
    """
    was_right = (before.right == 1) & ~np.isnan(before.margin)
    if not was_right.any():
        return dict.fromkeys(THIRDS, float("nan"))
    margin, lost = before.margin[was_right], after.right[was_right] != 1
    third = np.searchsorted(np.quantile(margin, [1 / 3, 2 / 3]), margin, side="left")
    return {
        name: float(lost[third == place].mean()) if (third == place).any() else float("nan")
        for place, name in enumerate(THIRDS)
    }


def commonest(answers: Iterable[str] | Mapping[str, int]) -> tuple[str, float]:
    """The commonest answer and its share of all; of several the first by name.

    answers: one by one, or counted.
    """
    counts = Counter(answers)
    if not counts:
        return "", float("nan")
    answer = min(counts, key=lambda name: (-counts[name], name))
    return answer, counts[answer] / counts.total()


def why_not_identified(
    before: np.ndarray,
    after: np.ndarray,
    choices: np.ndarray | None,
    shares: tuple[float, float],
) -> str:
    """Why what is known cannot be told from what is guessed, in words; empty where it can.

    shares: of the commonest answer before and after. One answer for nearly all items is no guess,
    and a share right below that of a guess is of a model that knows less than nothing.
    """
    if choices is None:
        return "no choices, so no guesses"
    if np.isnan(choices).any():
        return "items whose choices were not kept"
    if not (choices >= 2).all():
        return "items with fewer than two choices"
    chance = float((1 / choices).mean())
    for when, right, share in (("before", before, shares[0]), ("after", after, shares[1])):
        if share >= COLLAPSED:
            return f"answers collapsed {when}, {share:.0%} are the same"
        if right.mean() < chance:
            return f"below chance {when}, {right.mean():.3f} against {chance:.3f}"
    return ""


def between_seeds(right: np.ndarray) -> dict[str, np.ndarray]:
    """For each item the mean over ordered pairs of seeds of `transitions`.

    right: (items, seeds), two seeds or more. `lost` is right under one seed and wrong under
    another, in one direction, so it compares with what is lost from one checkpoint to the next.
    """
    seeds = right.shape[1]
    share = right.mean(axis=1)
    differ = share * (1 - share) * seeds / (seeds - 1)
    kept, never = share - differ, 1 - share - differ
    return {"kept": kept, "lost": differ, "regained": differ, "never": never}
