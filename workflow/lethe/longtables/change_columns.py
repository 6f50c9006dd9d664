"""Columns of changes.csv: what became of a set's items from one checkpoint to another."""

from typing import Literal

from lethe.longtables.columns import rule

PLACE = {
    "stage_index": rule(int, "stage of the later checkpoint"),
    "stage_task": rule(str, "its mixture; empty at stage 0", empty=True),
    "axis": rule(str, "ability that the evaluation set belongs to"),
    "probe": rule(str, "evaluation set; empty for the mean over the sets of an axis", empty=True),
    "subset": rule(str, "part of the set; empty for the whole", empty=True),
}
BASE, PREVIOUS, OWN_STAGE, SEEDS = "base", "previous", "own", "seeds"
SHARES = {
    "kept": "right before and after",
    "lost": "right before, wrong after",
    "regained": "wrong before, right after",
    "never": "wrong before and after",
    "sign_changed": "whose margin changed its sign",
}
KNOWN = {
    "knew": "known before: (k a - 1)/(k - 1)",
    "lost_r0": "known before and not after, if guesses are drawn again",
    "lost_r1": "known before and not after, if guesses are repeated",
    "regained_r0": "known after and not before, if guesses are drawn again",
    "regained_r1": "known after and not before, if guesses are repeated",
}
ADJUSTED = {
    "forgetting_adjusted": "share lost less (1-a0)(1-ai)/(k-1), at least 0 (arXiv 2510.17776)",
    "transfer_adjusted": "share regained less (1-a0)(1-ai)/(k-1), at least 0",
    "forgetting_most": "the most that can be forgotten: (k a0 - 1)/(k-1), at least 0",
}
BY_MARGIN = {
    "lost_unsure": "of items right before, share lost in the lowest third of their margin before",
    "lost_middle": "the same in the middle third",
    "lost_sure": "the same in the highest third",
}
WITH_INTERVAL = ("lost", "regained", *KNOWN, "drift", "sign_changed")
"""Numbers x that have columns x_low and x_high."""
ESTIMATES = [*SHARES, *KNOWN, *ADJUSTED, *BY_MARGIN, "drift", "commonest_before", "commonest_after"]
"""Every number of a row."""


def _numbers() -> dict[str, dict]:
    """The columns of ESTIMATES, each with those of its interval."""
    words = {name: f"share of items {what}" for name, what in (SHARES | KNOWN).items()}
    words |= ADJUSTED | BY_MARGIN
    words["drift"] = "fall of the right answer's log-probability, mean over items, nats"
    of_all = "share of the commonest answer; of an axis the largest of its sets:"
    words |= {f"commonest_{when}": f"{of_all} {when}" for when in ("before", "after")}
    columns = {}
    for name in ESTIMATES:
        columns[name] = rule(float | None, f"{words[name]}; empty if it is not identified")
        if name in WITH_INTERVAL:
            columns[f"{name}_low"] = rule(float | None, "lower end of its 95 % interval")
            columns[f"{name}_high"] = rule(float | None, "upper end of its 95 % interval")
    return columns


CHANGES = {
    **PLACE,
    "against": rule(
        Literal[BASE, PREVIOUS, OWN_STAGE, SEEDS],
        "the earlier checkpoint: base, the stage before, the task's own stage; or the same stage "
        "of other train seeds, in the mean over ordered pairs of seeds",
    ),
    "before_index": rule(
        int | None, "stage of the earlier checkpoint; empty where it is not that of all sets"
    ),
    "n": rule(int, "items, per run"),
    "n_units": rule(int, "how many units the intervals are over"),
    "unit": rule(str, "what the intervals are over: items, item clusters, train seeds, ..."),
    "sets": rule(int, "sets, or parts of sets, whose answers are counted"),
    "identified": rule(int, "of these, those in which what is known can be told from guesses"),
    "choices": rule(float | None, "number of choices, mean over items; empty without choices"),
    **_numbers(),
    "commonest": rule(str, "the commonest answer after: a choice counted from 0, or a text's start",
                      empty=True),
    "note": rule(str, "why a number is missing or needs care", empty=True),
}  # fmt: skip
