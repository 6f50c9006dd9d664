"""A study as its file plans it, against which parts that were run apart are held."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from lethe.errors import UserError
from lethe.longtables.run import RUN_COLUMNS, SEEDS, Run, method_words


@dataclass(frozen=True)
class PlannedWhole:
    """What the parts must hold together.

    Attributes:
        file: the study's file, by the name that the user gave.
        runs: every chain with its seeds.
        settings: the digest of every chain's settings by its words (`settings.chain_settings`).
    """

    file: str
    runs: list[Run]
    settings: dict[str, str]

    def require_runs(self, parts: Mapping[str, pd.DataFrame]) -> None:
        """Refuse parts that lack a planned run, or hold one that is not planned.

        Args:
            parts: the scores of every part, by words that name it.

        Raises:
            UserError: names the first such run, and how many there are.
        """
        planned = {tuple(run.row()[word] for word in RUN_COLUMNS) for run in self.runs}
        found: dict[tuple, str] = {}
        for part, frame in parts.items():
            found |= dict.fromkeys(_runs(frame), part)
        if missing := planned - found.keys():
            raise UserError(
                f"{self.file}: expected all of its {len(planned)} runs in the parts, but "
                f"{_named(missing)} in none of them; run the missing part, or leave it out of the "
                "study's file."
            )
        if others := found.keys() - planned:
            part = found[min(others, key=str)]
            raise UserError(
                f"{self.file}: {_named(others)} not planned there but in {part}; leave that part "
                "out, or add to the study's file what it holds."
            )

    def require_settings(self, settings: Mapping[str, str]) -> None:
        """Refuse parts that were trained with other settings; UserError names the first chain."""
        other = [chain for chain, digest in settings.items() if self.settings.get(chain) != digest]
        if other:
            raise UserError(
                f"{self.file}: {len(other)} of the parts' chains were trained with other settings, "
                f"the first is {min(other)}; run them again with this file, or name theirs."
            )


def _runs(frame: pd.DataFrame) -> list[tuple]:
    """The runs of scores, with None for a seed that a run does not have."""
    rows = frame[RUN_COLUMNS].drop_duplicates()
    rows = rows.astype({seed: object for seed in SEEDS})
    rows = rows.where(rows.notna(), None)
    return list(rows.itertuples(index=False, name=None))


def _named(runs: Iterable[tuple]) -> str:
    """The first of some runs in words, with their number and a verb."""
    runs = sorted(runs, key=str)
    words = dict(zip(RUN_COLUMNS, runs[0], strict=True))
    method = method_words(words["method"], words["parametrisation"])
    seeds = [f"{name.replace('_', ' ')} {words[name]}" for name in SEEDS if words[name] is not None]
    first = ", ".join([words["model"], method, words["order"], words["recipe"], *seeds])
    return f"({first}) is" if len(runs) == 1 else f"{len(runs)} runs, the first ({first}), are"
