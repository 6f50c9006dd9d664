"""An evaluation task must be the same in all stages of a chain, or scores cannot be compared."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from lethe.errors import UserError, shown

# What must not differ, in words; differences are reported in this order.
WORDS = {
    "version": "version",
    "shots": "number of shots",
    "n": "number of items",
    "lm_eval_version": "lm-eval version",
    "task_digest": "definition (digest)",
    "engine": "engine",
    "dtype": "precision",
    "backend": "backend",
    "chat_template": "chat template",
    "system_instruction": "system instruction",
    "fewshot_as_multiturn": "`fewshot_as_multiturn`",
    "max_length": "longest input (`max_length`)",
    "gen_kwargs": "`gen_kwargs`",
    "limit": "limit of items",
    "fewshot_seed": "few-shot seed",
    "random_seed": "random seed",
    "numpy_seed": "numpy seed",
    "torch_seed": "torch seed",
    "bos_token": "first token (`tokenizer_bos_token`)",
    "eos_token": "end token (`tokenizer_eos_token`)",
    "eot_token_id": "end token (`eot_token_id`)",
    "transformers_version": "transformers version",
    "scale": "scale",
}
NEVER_HARMLESS = ("shots", "n", "engine")
DECLARABLE = tuple(name for name in WORDS if name not in NEVER_HARMLESS)
"""What a user may declare to change no score, beside single arguments (`model_args.NAME`) and
single keys of a task's configuration (`task.NAME`)."""

NOT_ALIKE = "; not alike over the stages, declared harmless: "


@dataclass(frozen=True)
class Scored:
    """How one evaluation task was scored after one stage.

    Attributes:
        stage: index of the stage, 0 for the base.
        mixture: what the stage trained on; empty for the base.
        again: how to score it again, as the end of a sentence.
        values: by the names of WORDS, or a name with a dot; absent values are not compared.
        file: where the score was read, in few words; empty if it was made here.
    """

    stage: int
    mixture: str
    again: str
    values: dict[str, str]
    file: str = ""

    @property
    def words(self) -> str:
        return f"stage {self.stage} ({self.mixture or 'base'})"


def differing(scored: list[Scored]) -> list[str]:
    """The names of the values that are not the same in all stages, in the order of WORDS."""
    others = {name for score in scored for name in score.values} - WORDS.keys()
    return [name for name in [*WORDS, *sorted(others)] if len(_counts(name, scored)) > 1]


def require_same(
    task: str, chain: str, scored: list[Scored], harmless: Collection[str] | None = None
) -> None:
    """Refuse a task that was not scored in the same way after all stages.

    Args:
        chain: words for the chain of checkpoints.
        scored: how the task was scored, in the order of the stages.
        harmless: names of values that may differ; None where they cannot be declared.

    Raises:
        UserError: names the task, the stages, both values and what to score again.
    """
    names = [name for name in differing(scored) if name not in (harmless or ())]
    if not names:
        return
    first, *others = names
    kept, odd = _kept_and_odd(first, scored)
    same = (None, kept.values[first])
    again = [score.words for score in scored if score.values.get(first) not in same]
    files = f" ({odd.file}, {kept.file})" if odd.file and kept.file else ""
    raise UserError(
        f"{chain}: the evaluation task {task!r} has the {WORDS.get(first, f'`{first}`')} "
        f"{_short(odd.values[first])} in {odd.words} and {_short(kept.values[first])} in "
        f"{kept.words}{files}; score {_listed(again)} again"
        f"{_way_out(names, odd.again, harmless)}."
    )


def _way_out(names: list[str], again: str, harmless: Collection[str] | None) -> str:
    if harmless is None:
        return f": {again}"
    if set(names) & set(NEVER_HARMLESS):
        return f" (what differs: {', '.join(names)})" if len(names) > 1 else ""
    return f", or declare `harmless: [{', '.join([*harmless, *names])}]`"


def with_differences(engine: str, names: list[str]) -> str:
    """The engine of a chain in the scores table, with what differs and was declared harmless."""
    return f"{engine}{NOT_ALIKE}{', '.join(names)}" if names else engine


def differences_note(engine: str) -> str:
    """The note for the metrics of a chain with such an engine; empty for others."""
    names = engine.partition(NOT_ALIKE)[2]
    return f"stages scored with other values of {names} (declared harmless)" if names else ""


def _counts(name: str, scored: list[Scored]) -> Counter:
    return Counter(score.values[name] for score in scored if name in score.values)


def _kept_and_odd(name: str, scored: list[Scored]) -> tuple[Scored, Scored]:
    """The first score with the commonest value, and the first with another value.

    Of values that are equally common, the one of the latest stage is kept.
    """
    counts = _counts(name, scored)
    last = {score.values[name]: score.stage for score in scored if name in score.values}
    common = max(counts, key=lambda value: (counts[value], last[value]))
    kept = next(score for score in scored if score.values.get(name) == common)
    return kept, next(score for score in scored if score.values.get(name) not in (None, common))


def _short(value: str) -> str:
    return shown(value if len(value) <= 20 else f"{value[:12]}")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
