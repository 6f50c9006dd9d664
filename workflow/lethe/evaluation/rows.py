"""Which tokens go through the model together, and where the scored tokens are predicted.

`plain_rows` is lm-eval's way: one row a (context, continuation). `packed_rows` puts all
continuations of a context behind it in one row; each sees the context and itself alone, so that
the context is computed once.
"""

from dataclasses import dataclass, field


@dataclass
class Wanted:
    """One request: its continuation's tokens and the row positions whose output predicts them."""

    request: int
    targets: list[int]
    sources: list[int]


@dataclass
class Row:
    """One row of a batch.

    Attributes:
        tokens: input tokens.
        positions: the place of each token in its own text.
        segments: 0 for the context, k for the k-th continuation.
    """

    tokens: list[int]
    positions: list[int]
    segments: list[int]
    wanted: list[Wanted] = field(default_factory=list)


def plain_rows(requests: list[tuple], max_length: int) -> list[Row]:
    """Rows of context and continuation, longest first, cut on the left to `max_length` tokens.

    Continuations that differ in their last token only share a row, as lm-eval's cache does.

    Args:
        requests: (texts, context tokens, continuation tokens).
    """
    rows: dict[tuple[int, ...], Row] = {}
    for number, (_, context, continuation) in enumerate(requests):
        tokens = (context + continuation)[-(max_length + 1) :][:-1]
        end = len(tokens)
        row = rows.setdefault(tuple(tokens), Row(tokens, list(range(end)), [0] * end))
        sources = list(range(end - len(continuation), end))
        row.wanted.append(Wanted(number, continuation, sources))
    return _longest_first(rows.values())


def packed_rows(requests: list[tuple], max_length: int) -> list[Row]:
    """Rows of one context and its continuations, longest first; none is longer than `max_length`.

    Requests that follow each other with the same context share a row while it has room. Every
    context with its continuation must fit into `max_length + 1` tokens.
    """
    rows: list[Row] = []
    last: list[int] | None = None
    for number, (_, context, continuation) in enumerate(requests):
        length = len(continuation) - 1
        if context != last or len(rows[-1].tokens) + length > max_length:
            size = len(context)
            rows.append(Row(list(context), list(range(size)), [0] * size))
            last = context
        row = rows[-1]
        start = len(row.tokens)
        row.tokens += continuation[:-1]
        row.positions += range(len(context), len(context) + length)
        row.segments += [len(row.wanted) + 1] * length
        sources = [len(context) - 1, *range(start, start + length)]
        row.wanted.append(Wanted(number, continuation, sources))
    return _longest_first(rows)


def _longest_first(rows) -> list[Row]:
    return sorted(rows, key=lambda row: (-len(row.tokens), row.tokens))
