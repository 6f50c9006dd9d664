"""Which rate and strength does each method take? `python benchmarks/tuned_settings.py STUDY ...`.

Reads the dev scores of `mini-tuning-ke`: folders of studies that were run or kept, together of all
its worlds, or of some. Prints a row for each trial, with cloze and masked-LM loss as means over
domains and worlds: within a method those with more worlds first, then the best first. Marked are
the trials that go on to more worlds, or, of those with all worlds, the one that is chosen. The
rules are in the head of `config/mini-tuning-ke.yaml`. Nothing is trained.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from domain_gates import on_dev

from lethe.config.reading import read_catalogue, read_study
from lethe.errors import UserError
from lethe.longtables.study_folder import open_study
from lethe.metrics.domain_outcomes import Measure, Part, run_outcomes
from lethe.metrics.shown import LINE_COLUMNS
from lethe.planning.plan import chains

CONFIG = Path(__file__).resolve().parents[1] / "config" / "mini-tuning-ke.yaml"
WORLDS = (1, 3, 5)
"""How many worlds a trial has been run on when some are given up, and when one is chosen."""
SPREAD = ("sequential", "ewc", "das", "das-update")
"""Methods whose spread decides on n: one is chosen on five worlds, of others on three."""
RATES = ("rate-lowest", "rate-low", "rate-mid", "rate-high")
ORDER = "domains"
FACTORS = ("rate-mid-epsilon", "rate-mid-held")
"""Recipes that are no trials but rows of their own."""
TIE = 1.0
"""Points of final cloze within which the higher own cloze decides, then the lower rate."""
SHOWN: tuple[tuple[Measure, Part], ...] = (
    ("cloze", "own"),
    ("cloze", "final"),
    ("loss", "own"),
    ("loss", "final"),
)


@dataclass(frozen=True)
class Trial:
    """One setting of a method. worlds: its numbers by world and outcome, in points or nats."""

    family: str
    method: str
    recipe: str
    worlds: dict[int, dict[tuple[Measure, Part], float]]

    def mean(self, measure: Measure, part: Part, worlds: Iterable[int]) -> float:
        """Over some worlds; nan if one of them is missing."""
        numbers = [self.worlds.get(world, {}).get((measure, part), np.nan) for world in worlds]
        return float(np.mean(numbers)) if numbers else np.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("study", nargs="+", type=Path, help="folders of studies run or kept")
    arguments = parser.parse_args()
    try:
        scores = [open_study(folder).frame("scores") for folder in arguments.study]
        print(report(trials(pd.concat(scores), families()), counted()))
    except UserError as error:
        raise SystemExit(str(error)) from None


def families() -> dict[str, str]:
    """The method that each trial is a setting of, by the name that the study gives the trial."""
    methods = read_catalogue(read_study([CONFIG])).methods
    # The others are settings of the method that they name; these two are rows of their own.
    own = {name: name for name in methods if name == "das-update"}
    own |= {name: "hat-all" for name in methods if name.startswith("hat-all")}
    return {name: own.get(name, entry.method) for name, entry in methods.items()}


def counted() -> set[tuple[str, str]]:
    """(Trial's method, recipe) of every trial that counts: those that the study itself lists."""
    study = read_study([CONFIG])
    chains_of = [chain for model in study.models for chain in chains(study, model)]
    return {
        (chain.method, chain.recipe)
        for chain in chains_of
        if chain.order == ORDER and chain.recipe not in FACTORS
    }


def trials(scores: pd.DataFrame, family_of: dict[str, str]) -> list[Trial]:
    """Every setting of the order `domains`, from the rows on dev sets."""
    found: dict[tuple[str, str], dict[int, dict[tuple[Measure, Part], float]]] = defaultdict(dict)
    for run in run_outcomes(on_dev(scores)):
        line = dict(zip(LINE_COLUMNS, run.line, strict=True))
        if line["order"] == ORDER:
            found[line["method"], line["recipe"]][int(run.seeds[0] or 0)] = run.values
    return [
        Trial(family_of[method], method, recipe, worlds)
        for (method, recipe), worlds in found.items()
    ]


def chosen(family: list[Trial]) -> list[Trial]:
    """The trials of a method that are marked, of those that count.

    Compared are those with the most worlds, on the worlds that all of these have. On one world the
    best three of six or more are marked, and the best two of fewer; on three worlds the best two
    of a method of SPREAD; then the one that is taken.
    """
    most = max(len(trial.worlds) for trial in family)
    ahead = [trial for trial in family if len(trial.worlds) == most]
    worlds = sorted(set.intersection(*(set(trial.worlds) for trial in ahead)))
    ranked = sorted(ahead, key=lambda trial: -trial.mean("cloze", "final", worlds))
    if most < WORLDS[1]:
        return ranked[: 3 if len(family) >= 6 else 2]
    if most < WORLDS[2] and family[0].family in SPREAD:
        return ranked[:2]
    # A third trial has all worlds where a setting was run for its spread alone; it is no finalist.
    before = sorted(ahead, key=lambda trial: -trial.mean("cloze", "final", worlds[: WORLDS[1]]))[:2]
    best = max(trial.mean("cloze", "final", worlds) for trial in before)
    tied = [trial for trial in before if trial.mean("cloze", "final", worlds) >= best - TIE]
    rank = {recipe: place for place, recipe in enumerate(RATES)}
    return [max(tied, key=lambda trial: (trial.mean("cloze", "own", worlds), -rank[trial.recipe]))]


def report(found: list[Trial], counting: set[tuple[str, str]]) -> str:
    """The table of all trials, then that of the factors. counting: (trial, recipe) that may win."""
    by_family: dict[str, list[Trial]] = defaultdict(list)
    for trial in found:
        if trial.recipe not in FACTORS:
            by_family[trial.family].append(trial)
    lines = head()
    for family in by_family.values():
        marked = chosen([trial for trial in family if (trial.method, trial.recipe) in counting])
        best_first = sorted(
            family,
            key=lambda trial: (
                -len(trial.worlds),
                -trial.mean("cloze", "final", sorted(trial.worlds)),
            ),
        )
        lines += [row(trial, trial in marked) for trial in best_first]
    factors = [trial for trial in found if trial.recipe in FACTORS]
    if factors:
        lines += ["", *head(), *(row(trial, False) for trial in factors)]
    return "\n".join(lines)


def head() -> list[str]:
    """The first two lines of a table."""
    names = ["method", "recipe", "worlds", *(" ".join(place) for place in SHOWN), ""]
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def row(trial: Trial, is_marked: bool) -> str:
    """A trial's numbers, means over its worlds."""
    worlds = sorted(trial.worlds)
    cells = [trial.method, trial.recipe, ", ".join(map(str, worlds))]
    for measure, part in SHOWN:
        number = trial.mean(measure, part, worlds)
        cells.append(f"{number:.1f}" if measure == "cloze" else f"{number:.2f}")
    return f"| {' | '.join(cells)} | {'x' if is_marked else ''} |"


if __name__ == "__main__":
    main()
