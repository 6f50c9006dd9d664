"""An evaluation task must be the same in every stage of a chain, or its scores tell nothing."""

from collections import Counter
from dataclasses import dataclass

from lethe.errors import UserError

# What must not differ, in words; in the order in which a difference is told.
WORDS = {
    "version": "version",
    "shots": "number of shots",
    "lm_eval_version": "lm-eval version",
    "task_digest": "definition (digest)",
    "engine": "engine",
    "dtype": "precision",
}


@dataclass(frozen=True)
class Scored:
    """One evaluation task as it was scored after one stage.

    Attributes:
        stage: index of the stage, 0 for the base.
        mixture: what the stage trained on; empty for the base.
        again: how to score it once more, for the end of a sentence.
        values: by the names of WORDS; one that is absent is not compared.
    """

    stage: int
    mixture: str
    again: str
    values: dict[str, str]

    @property
    def words(self) -> str:
        return f"stage {self.stage} ({self.mixture or 'base'})"


def require_same(task: str, chain: str, scored: list[Scored]) -> None:
    """Refuse a task that was not scored alike after all stages.

    Args:
        chain: words for the chain of checkpoints.
        scored: the task's scores, in the order of the stages.

    Raises:
        UserError: names the task, the stages, both values and what to score again.
    """
    for name, words in WORDS.items():
        found = Counter(one.values[name] for one in scored if name in one.values)
        if len(found) < 2:
            continue
        kept, odd = _kept_and_odd(name, scored, found)
        again = [one for one in scored if one.values.get(name) not in (None, kept.values[name])]
        raise UserError(
            f"{chain}: the evaluation task {task!r} has the {words} {_short(odd.values[name])} in "
            f"{odd.words} and {_short(kept.values[name])} in {kept.words}, which cannot be "
            f"compared; score {_listed([one.words for one in again])} again: {odd.again}."
        )


def _kept_and_odd(name: str, scored: list[Scored], found: Counter) -> tuple[Scored, Scored]:
    """The first with the commonest value, of ties the latest stage's; the first with another."""
    last = {one.values[name]: one.stage for one in scored if name in one.values}
    common = max(found, key=lambda value: (found[value], last[value]))
    kept = next(one for one in scored if one.values.get(name) == common)
    return kept, next(one for one in scored if one.values.get(name) not in (None, common))


def _short(value: str) -> str:
    return repr(value if len(value) <= 20 else value[:12])


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
