"""How much of a task's examples is left out because they are longer than `max_length`."""

from collections.abc import Iterator, Sequence

from lethe.data.examples import Example
from lethe.errors import counted

Cuts = dict[str, dict[str, dict[str, int]]]
"""By task and kind of text: `of` how many, how many `examples` are cut, how many `tokens` left out.

Kinds are `prompts`, `responses`, `documents`, and `pieces`: the last one of joined texts, if it is
too short to be learned. What was not cut has no entry.
"""


def note(cuts: Cuts, task: str, kind: str, of: int, left_out: Sequence[int]) -> None:
    """Add the tokens that were left out of some of the `of` texts of a kind to those so far."""
    if any(left_out):
        new = {"of": of, "examples": sum(map(bool, left_out)), "tokens": sum(left_out)}
        so_far = cuts.setdefault(task, {}).setdefault(kind, dict.fromkeys(new, 0))
        so_far |= {name: so_far[name] + number for name, number in new.items()}


def note_rows(cuts: Cuts, task: str, examples: Sequence[Example], is_text: bool) -> None:
    """Add the cuts of examples that are all documents (`is_text`), or prompts and responses."""
    of, kind = len(examples), "documents" if is_text else "responses"
    note(cuts, task, "prompts", of, [example.cut_prompt for example in examples])
    note(cuts, task, kind, of, [example.cut_text for example in examples])


def say(cuts: Cuts, max_length: int) -> None:
    """Print what was left out, for the log."""
    for line in lines(cuts, max_length):
        print(line, flush=True)


def lines(cuts: Cuts, max_length: int) -> Iterator[str]:
    """What was left out, a line for every task and kind of text."""
    for task, kinds in cuts.items():
        for kind, cut in kinds.items():
            why = "too short to learn" if kind == "pieces" else f"cut at `max_length` {max_length}"
            yield (
                f"{task}: {cut['examples']} of {cut['of']} {kind} {why}, "
                f"{counted(cut['tokens'], 'token')} left out"
            )
