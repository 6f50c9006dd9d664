"""Examples that are made when they are asked for: pieces of joined texts, parts of a mixture."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import index as as_index
from typing import overload

from lethe.data.cuts import Cuts
from lethe.data.encoding import ENCODERS
from lethe.data.examples import NOTES, Example, notes_in_numbers
from lethe.data.streams import Stream
from lethe.errors import UserError


class MadeWhenAsked(Sequence[Example]):
    """A sequence of examples that has only their number."""

    count: int

    def make(self, index: int) -> Example:
        """The example of an index that is within bounds."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self.count

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self.make(place) for place in range(*index.indices(self.count))]
        place = as_index(index)
        if not -self.count <= place < self.count:
            raise IndexError(f"example {place} of {self.count}")
        return self.make(place % self.count)


class Pieces(MadeWhenAsked):
    """Joined texts, cut into pieces of equal length across the borders of texts.

    What is left at the end is a last, shorter piece. It is dropped for masked language models, as
    in Ke et al. 2023, unless it is the only one, and if it is a single token, which predicts
    nothing.

    Attributes:
        length: tokens of every piece but the last.
        dropped: tokens of the last piece if it is dropped, else 0.
        notes: how many documents of the whole stream each note is true of.
    """

    def __init__(self, stream: Stream, source: str, tokenizer, max_length: int, family: str):
        self.stream, self.source, self.notes = stream, source, stream.notes
        self.length, self.example = ENCODERS[family].piece_maker(tokenizer, max_length)
        if self.length < 2:
            raise UserError(
                f"Task {source!r}: expected a recipe whose `max_length` has room for two tokens of "
                f"a text, found {max_length}."
            )
        whole, rest = divmod(len(stream), self.length)
        is_kept = whole == 0 if family == "masked" else rest > 1
        self.count = whole + is_kept
        self.around = max_length - self.length
        self.dropped = 0 if is_kept else rest
        if not self.count or len(stream) < 2:
            raise UserError(
                f"Task {source!r} has {len(stream)} tokens in all: too few to learn from."
            )

    @property
    def longest(self) -> int:
        """Tokens of the longest example, those that stand around its text included."""
        return min(self.length, len(self.stream)) + self.around

    def make(self, index: int) -> Example:
        start = index * self.length
        tokens = self.stream.read(start, min(start + self.length, len(self.stream)))
        return self.example(f"{self.source}-{index + 1}", self.source, tokens)


class Parts(MadeWhenAsked):
    """The examples of several sequences, one after another.

    Attributes:
        cuts: what was left out of them, by task.
        notes: how many examples, or joined documents, each note is true of.
    """

    def __init__(self, parts: list[Sequence[Example]], cuts: Cuts):
        self.parts, self.cuts = parts, cuts
        self.notes = {name: 0 for name in NOTES}
        for part in parts:
            notes = part.notes if isinstance(part, Pieces) else notes_in_numbers(part)
            self.notes = {name: count + notes.get(name, 0) for name, count in self.notes.items()}
        self.ends = list(accumulate(len(part) for part in parts))
        self.count = self.ends[-1] if self.ends else 0

    @property
    def longest(self) -> int:
        """Tokens of the longest example, on the longer side of an encoder-decoder."""
        lengths = (
            part.longest
            if isinstance(part, Pieces)
            else max(max(len(found.tokens), len(found.encoder_tokens)) for found in part)
            for part in self.parts
        )
        return max(lengths, default=0)

    def make(self, index: int) -> Example:
        number = bisect_right(self.ends, index)
        return self.parts[number][index - (self.ends[number - 1] if number else 0)]
