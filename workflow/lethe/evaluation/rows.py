"""Texts of a model's input, and where the scored tokens are predicted."""

from dataclasses import dataclass, field


@dataclass
class Wanted:
    """One request: its continuation's tokens and the row positions whose output predicts them."""

    request: int
    targets: list[int]
    sources: list[int]


@dataclass
class Row:
    """Input tokens, and the requests that are read off them."""

    tokens: list[int]
    wanted: list[Wanted] = field(default_factory=list)


def rows_of(requests: list[tuple], max_length: int) -> list[Row]:
    """Distinct rows of context and continuation, cut on the left to `max_length` tokens.

    Continuations that differ in their last token only share a row, as lm-eval's cache does.

    Args:
        requests: (texts, context tokens, continuation tokens).
    """
    rows: dict[tuple[int, ...], Row] = {}
    for number, (_, context, continuation) in enumerate(requests):
        tokens = (context + continuation)[-(max_length + 1) :][:-1]
        row = rows.setdefault(tuple(tokens), Row(tokens))
        sources = list(range(len(tokens) - len(continuation), len(tokens)))
        row.wanted.append(Wanted(number, continuation, sources))
    return list(rows.values())
