"""Questions in fours that share their choices: the answers of the other three are the wrong ones.

Every choice is right exactly once among the questions that offer it. So whatever looks at choices
alone (their length, how common they are, a classifier trained on them) is right in one of four,
whichever items are drawn.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lethe.sources.world.parts import content_id

SIZE = 4
# Candidates that are looked at for one place of a four, before its first one is given up.
PATIENCE = 400


@dataclass(frozen=True)
class Asked:
    """A question with its answer.

    subjects: the words or sentences that it is about, which no task may teach.
    told: texts of which no task may have all, since together they tell the answer.
    about: what `fit` looks at.
    group: fours of one group are one cluster; None: a four is a cluster of its own.
    """

    context: str
    answer: str
    subjects: tuple[str, ...]
    told: tuple[str, ...] = ()
    about: Any = None
    group: str | None = None


def fours(
    pool: Sequence[Asked], fit: Callable[[Asked, Asked], bool], most: int
) -> list[tuple[Asked, ...]]:
    """Disjoint fours of a pool, in its order, whose questions all fit each other.

    Args:
        fit: whether neither's answer is right for the other, and both may share choices.
        most: how many fours at most.
    """
    left, made = list(pool), []
    while len(left) >= SIZE and len(made) < most:
        four = [left.pop(0)]
        for other in left[:PATIENCE]:
            if all(_differ(one, other) and fit(one, other) for one in four):
                four.append(other)
                if len(four) == SIZE:
                    break
        if len(four) == SIZE:
            made.append(tuple(four))
            taken = {id(one) for one in four}
            left = [one for one in left if id(one) not in taken]
    return made


def _differ(one: Asked, other: Asked) -> bool:
    return one.answer.lower() != other.answer.lower() and one.context != other.context


def rows_of(rng: np.random.Generator, name: str, groups: Iterable[Sequence[Asked]]) -> list[dict]:
    """Rows of a set, four by four; each of the four places holds an answer once."""
    rows = []
    for number, four in enumerate(groups):
        answers = [one.answer for one in four]
        for place, index in enumerate(rng.permutation(SIZE)):
            others = [answers[i] for i in rng.permutation(SIZE) if i != index]
            one = four[index]
            choices = [*others[:place], one.answer, *others[place:]]
            rows.append(
                {
                    "id": content_id(one.context, *sorted(choices)),
                    "cluster": one.group or f"{name}-{number}",
                    "context": one.context,
                    "choices": choices,
                    "answer": place,
                    "subjects": list(one.subjects),
                    "told": list(one.told),
                }
            )
    return rows
