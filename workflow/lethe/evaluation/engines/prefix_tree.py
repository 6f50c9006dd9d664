"""Rows of tokens arranged as a tree, so that shared prefixes are computed once.

Rows in alphabetical order are the leaves of their prefix tree from left to right, and the tree is
fully described by how many tokens every row shares with the one before it. A part of the tree is
computed in the cheapest of three ways: *packed* into one row, in which every token sees only its
ancestors; *split* at its fork, each branch with the shared tokens again; or *kept*, the shared
tokens once with their keys and values, and the branches after them.
"""

from bisect import bisect_left
from dataclasses import dataclass, field


@dataclass
class Wanted:
    """One request: its continuation's tokens, and the row positions whose outputs predict them."""

    request: int
    targets: list[int]
    sources: list[int]


@dataclass
class Row:
    """Input tokens, and the requests whose scores come from them."""

    tokens: list[int]
    wanted: list[Wanted] = field(default_factory=list)


def rows_of(requests: list[tuple], max_length: int) -> list[Row]:
    """Distinct rows of context and continuation, truncated on the left to `max_length` tokens.

    Continuations that differ only in their last token share a row, as in lm-eval's cache.

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


# Keeping has a price: one more forward pass, and separate batches for the rows that follow.
LEAST_KEPT = 8  # shared tokens
PRICE_OF_KEEPING = 256  # in tokens


@dataclass
class Pack:
    """A part of the tree as one row of a batch; indices count from the start of the pack.

    Attributes:
        tokens: tokens of its rows, depth first, shared ones once; without the kept ones.
        positions: the position of each token in its own text.
        ends: token j is seen by the tokens j .. ends[j] - 1, its descendants.
        wanted: the requests, with their positions in the pack.
    """

    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)

    @property
    def forks(self) -> bool:
        """Whether some token does not see all tokens before it."""
        return any(end < len(self.tokens) for end in self.ends)


@dataclass
class Branch:
    """Tokens that are computed once for everything that follows them; the root has none.

    Attributes:
        tokens: the tokens, after those of the branches above.
        start: number of tokens in the branches above.
        packs: rows that follow these tokens directly.
        branches: further kept tokens.
    """

    tokens: list[int]
    start: int
    packs: list[Pack] = field(default_factory=list)
    branches: list["Branch"] = field(default_factory=list)


def grow(rows: list[Row], width: int, longest: int) -> Branch:
    """The tree of distinct rows, divided so as to save computation.

    Args:
        width: width of the hidden states: a token costs as much in matrix products as in attention
            to 6 * width others (12 width^2 against 2 width multiplications per layer).
        longest: largest number of tokens in a pack, unless a single row has more.
    """
    return _Tree(rows, 6 * width, longest).root if rows else Branch([], 0)


class _Tree:
    def __init__(self, rows: list[Row], per_token: int, longest: int) -> None:
        self.rows = sorted(rows, key=lambda row: row.tokens)
        self.per_token, self.longest = per_token, longest
        pairs = zip(self.rows, self.rows[1:], strict=False)
        self.common = [0] + [_shared(row.tokens, after.tokens) for row, after in pairs]
        self.sums = [0]
        for row, common in zip(self.rows, self.common, strict=True):
            self.sums.append(self.sums[-1] + len(row.tokens) - common)
        self.root = Branch([], 0)
        waiting = [(0, len(self.rows), self.root)]
        while waiting:
            first, last, branch = waiting.pop()
            waiting += self._divide(first, last, branch)

    def _divide(self, first: int, last: int, branch: Branch) -> list[tuple[int, int, Branch]]:
        """Pack rows first .. last - 1 after the kept tokens, or return the parts to divide."""
        start = branch.start + len(branch.tokens)
        size = self._size(first, last, start)
        if last - first == 1:
            branch.packs.append(self._pack(first, last, start))
            return []
        fork = min(self.common[first + 1 : last])
        edges = [k for k in range(first + 1, last) if self.common[k] == fork]
        parts = list(zip([first, *edges], [*edges, last], strict=True))
        sizes = [self._size(*part, start) for part in parts]
        # Tokens whose outputs are read are never among the kept ones.
        sources = (request.sources[0] for row in self.rows[first:last] for request in row.wanted)
        kept = min(fork, *sources)
        kept = max(kept - start, 0)
        packed = self._cost(size, start + size)
        split = sum(self._cost(part, start + part) for part in sizes)
        keeping = self._cost(kept, start + kept) + PRICE_OF_KEEPING
        keeping += sum(self._cost(part - kept, start + part) for part in sizes)
        path = max(len(row.tokens) for row in self.rows[first:last]) - start
        if packed <= min(split, keeping) and size <= max(self.longest, path):
            branch.packs.append(self._pack(first, last, start))
            return []
        if kept >= LEAST_KEPT and keeping < split:
            tokens = self.rows[first].tokens[start : start + kept]
            branch.branches.append(Branch(tokens, start))
            branch = branch.branches[-1]
        return [(*part, branch) for part in parts]

    def _cost(self, tokens: int, seen: int) -> float:
        return tokens * (1 + seen / self.per_token)

    def _size(self, first: int, last: int, start: int) -> int:
        """Distinct tokens of rows first .. last - 1 after their `start` shared ones."""
        return self.sums[last] - self.sums[first] + self.common[first] - start

    def _pack(self, first: int, last: int, start: int) -> Pack:
        pack = Pack()
        path: list[int] = []  # indices of the current row's tokens, by depth after `start`
        for k in range(first, last):
            row, common = self.rows[k], start if k == first else self.common[k]
            place = len(pack.tokens)
            for left in path[common - start :]:
                pack.ends[left] = place
            path[common - start :] = range(place, place + len(row.tokens) - common)
            pack.tokens += row.tokens[common:]
            pack.positions += range(common, len(row.tokens))
            pack.ends += [0] * (len(row.tokens) - common)
            for request in row.wanted:
                sources = [path[depth - start] for depth in request.sources]
                pack.wanted.append(Wanted(request.request, request.targets, sources))
        for left in path:
            pack.ends[left] = len(pack.tokens)
        return pack


def _shared(first: list[int], second: list[int]) -> int:
    """Length of the longest common prefix of two rows."""
    most = min(len(first), len(second))
    lengths = range(1, most + 1)
    return bisect_left(lengths, True, key=lambda length: first[:length] != second[:length])
