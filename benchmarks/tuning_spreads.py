"""How many worlds are needed? `python benchmarks/tuning_spreads.py STUDY ...`.

Reads the dev scores of `mini-tuning-ke`, as `tuned_settings.py` does, and prints by how much the
differences that claims are about spread over development worlds, at one rate for all and between
chosen settings, with the half-width wanted, the n expected and a careful n
(`lethe.metrics.power`). Effects are left out: n must not be chosen by them. Below, what five points
of cloze are in nats of loss in plain training, from which margins of loss are argued.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tuned_settings import Trial, chosen, counted, families, trials

from lethe.errors import UserError
from lethe.longtables.study_folder import open_study
from lethe.metrics.domain_outcomes import Measure, Part
from lethe.metrics.intervals import t_interval
from lethe.metrics.power import careful_spread, spread_of, units_for

EQUAL = "rate-mid"
"""The recipe of the comparisons at one rate for all."""
PAIRS = (
    ("das", "sequential"),
    ("das-update", "das"),
    ("das-update", "sequential"),
    ("ewc", "sequential"),
)
OUTCOMES: tuple[tuple[Measure, Part], ...] = (
    ("cloze", "forgotten"),
    ("cloze", "final"),
    ("loss", "forgotten"),
    ("loss", "final"),
)
WANTED = {"cloze": 2.5, "loss": 0.1}
"""The half-widths of `update-plain` in catalogue/claims.yaml."""
WANTED_EQUAL = {"cloze": 2.5, "loss": 0.2}
"""Those of `K1-equal`, `K2-equal`, `update` and `update-equal`."""
POINTS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("study", nargs="+", type=Path, help="folders of studies run or kept")
    arguments = parser.parse_args()
    try:
        scores = pd.concat([open_study(folder).frame("scores") for folder in arguments.study])
        found = trials(scores, families())
    except UserError as error:
        raise SystemExit(str(error)) from None
    print("\n".join([*spreads(found), "", *worth(found)]))


def spreads(found: list[Trial]) -> Iterator[str]:
    """A row for each pair, place and outcome that three worlds or more have."""
    names = ("difference", "outcome", "worlds", "spread", "wanted", "n expected", "n careful")
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    for words, wanted_of, first, second in pairs(found):
        worlds = sorted(set(first.worlds) & set(second.worlds))
        for outcome in OUTCOMES:
            wanted = wanted_of[outcome[0]]
            values = [first.worlds[w][outcome] - second.worlds[w][outcome] for w in worlds]
            spread, n = spread_of(values), len(worlds)
            if np.isnan(spread):
                continue
            needed = units_for(spread, wanted), units_for(careful_spread(spread, n), wanted)
            cells = [words, " ".join(outcome), n, f"{spread:.2f}", f"{wanted:g}", *needed]
            yield f"| {' | '.join(map(str, cells))} |"


def pairs(found: list[Trial]) -> Iterator[tuple[str, dict[str, float], Trial, Trial]]:
    """(Words, half-widths wanted, first, second): at one rate, then between chosen settings."""
    named = {(trial.method, trial.recipe): trial for trial in found}
    for first, second in PAIRS:
        if (first, EQUAL) in named and (second, EQUAL) in named:
            words = f"{first} - {second}, {EQUAL}"
            yield words, WANTED_EQUAL, named[first, EQUAL], named[second, EQUAL]
    counting = counted()
    best = {}
    for name in {name for pair in PAIRS for name in pair}:
        settings = [one for one in found if one.family == name]
        settings = [one for one in settings if (one.method, one.recipe) in counting]
        if settings:
            best[name] = chosen(settings)[0]
    for first, second in PAIRS:
        if first in best and second in best:
            yield f"{first} - {second}, best of each", WANTED, best[first], best[second]


def worth(found: Iterable[Trial]) -> Iterator[str]:
    """What POINTS of cloze are in nats, learned and forgotten, by rate of plain training."""
    for trial in found:
        if trial.method != "sequential" or trial.recipe not in (EQUAL, "rate-low"):
            continue
        for word, change in (("learned", learned), ("forgotten", forgotten)):
            values = [POINTS * change(world, "loss") / change(world, "cloze")
                      for world in trial.worlds.values()]  # fmt: skip
            low, high = t_interval(values)
            interval = "" if np.isnan(low) else f" [{low:.3f}, {high:.3f}]"
            yield (
                f"Plain training, {trial.recipe}: {POINTS:g} points of cloze {word} go with "
                f"{np.mean(values):.3f} nats of loss{interval} ({len(values)} of the worlds)."
            )


def learned(world: dict[tuple[Measure, Part], float], measure: Measure) -> float:
    """By how much a measure became better on a domain in its own stage."""
    sign = -1 if measure == "loss" else 1
    return sign * (world[measure, "own"] - world[measure, "base"])


def forgotten(world: dict[tuple[Measure, Part], float], measure: Measure) -> float:
    """By how much it became worse later."""
    return world[measure, "forgotten"]


if __name__ == "__main__":
    main()
