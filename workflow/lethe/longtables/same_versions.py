"""An evaluation task must be the same in all stages of a chain, or scores cannot be compared."""

from collections import Counter
from dataclasses import dataclass

from lethe.errors import UserError

# What must not differ, in words; differences are reported in this order.
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
    """How one evaluation task was scored after one stage.

    Attributes:
        stage: index of the stage, 0 for the base.
        mixture: what the stage trained on; empty for the base.
        again: how to score it again, as the end of a sentence.
        values: by the names of WORDS; absent values are not compared.
    """

    stage: int
    mixture: str
    again: str
    values: dict[str, str]

    @property
    def words(self) -> str:
        return f"stage {self.stage} ({self.mixture or 'base'})"


def require_same(task: str, chain: str, scored: list[Scored]) -> None:
    """Refuse a task that was not scored in the same way after all stages.

    Args:
        chain: words for the chain of checkpoints.
        scored: how the task was scored, in the order of the stages.

    Raises:
        UserError: names the task, the stages, both values and what to score again.
    """
    for name, words in WORDS.items():
        counts = Counter(score.values[name] for score in scored if name in score.values)
        if len(counts) < 2:
            continue
        kept, odd = _kept_and_odd(name, scored, counts)
        same = (None, kept.values[name])
        again = [score.words for score in scored if score.values.get(name) not in same]
        raise UserError(
            f"{chain}: the evaluation task {task!r} has the {words} {_short(odd.values[name])} in "
            f"{odd.words} and {_short(kept.values[name])} in {kept.words}, which cannot be "
            f"compared; score {_listed(again)} again: {odd.again}."
        )


def _kept_and_odd(name: str, scored: list[Scored], counts: Counter) -> tuple[Scored, Scored]:
    """The first score with the commonest value, and the first with another value.

    Of values that are equally common, the one of the latest stage is kept.
    """
    last = {score.values[name]: score.stage for score in scored if name in score.values}
    common = max(counts, key=lambda value: (counts[value], last[value]))
    kept = next(score for score in scored if score.values.get(name) == common)
    return kept, next(score for score in scored if score.values.get(name) not in (None, common))


def _short(value: str) -> str:
    return repr(value if len(value) <= 20 else value[:12])


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
