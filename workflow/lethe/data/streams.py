"""The tokens of many texts as one stream on disk, so that no corpus is ever held in memory.

A stream is two files of little-endian integers: the tokens of all texts, one text after another,
and the place in the stream where each text ends. It is written text by text, and read in parts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lethe.artefacts.files import atomic_path
from lethe.artefacts.jsonlines import iterate_rows
from lethe.data.encoding import ENCODERS
from lethe.data.examples import NOTES, notes_of
from lethe.errors import UserError

TOKENS, ENDS = "tokens.bin", "ends.bin"
END_TYPE = np.dtype("<i8")
# Characters that are tokenized at once: the tokenizer needs some 200 bytes for each.
AT_ONCE = 500_000


def write_stream(texts: Iterable[str], tokenizer, family: str, directory: Path) -> dict[str, Any]:
    """Write the stream of the texts that models of a family learn.

    Returns:
        What its reader has to know: `texts` and `tokens`, how many there are; `dtype`, the type of
        a token; `notes`, how many texts each note of an example is true of.
    """
    largest = max(tokenizer.get_vocab().values(), default=0)
    dtype = np.dtype("<u2" if largest < 2**16 else "<u4")
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = [
            stack.enter_context(open(stack.enter_context(atomic_path(directory / name)), "wb"))
            for name in (TOKENS, ENDS)
        ]
        return _write(texts, tokenizer, family, dtype, *files)


def _write(texts, tokenizer, family: str, dtype, tokens: BinaryIO, ends: BinaryIO):
    count, total, notes = 0, 0, Counter(dict.fromkeys(NOTES, 0))
    for part in _parts(texts):
        encoded = ENCODERS[family].stream_tokens(part, tokenizer)
        lengths = np.fromiter(map(len, encoded), END_TYPE, len(encoded))
        ends.write((total + lengths.cumsum()).astype(END_TYPE).tobytes())
        for text in encoded:
            tokens.write(np.asarray(text, dtype).tobytes())
        count, total = count + len(encoded), total + int(lengths.sum())
        for found in notes_of(tokenizer, part, encoded):
            notes.update(found)
    return {"texts": count, "tokens": total, "dtype": dtype.str, "notes": dict(notes)}


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in lists of some AT_ONCE characters; a longer text is alone."""
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


def texts_of(path: Path) -> Iterator[str]:
    """The texts of a jsonl file, one by one.

    Raises:
        UserError: the file has no text, or a row of another kind.
    """
    number = 0
    for number, row in enumerate(iterate_rows(path), start=1):
        if not isinstance(row.get("text"), str):
            raise UserError(
                f"{path}, example {number}: a task with `joined: true` expected a `text`, found "
                f"{', '.join(sorted(row)) or 'nothing'}; prompts and responses cannot be joined, "
                "so set the task's `joined` to false."
            )
        yield row["text"]
    if not number:
        raise UserError(f"{path} holds no examples: expected one JSON object a line.")


class Stream:
    """The tokens of a stream, or of some of its texts joined in their order.

    Only the part that is asked for is mapped and copied: what is in memory does not grow with the
    corpus, not even as pages of the file.

    Args:
        facts: as `write_stream` returned them.
        chosen: indices of texts in ascending order; None: all of them.
    """

    def __init__(self, directory: Path, facts: dict[str, Any], chosen: np.ndarray | None = None):
        self.notes = facts["notes"]
        self.path, self.dtype = directory / TOKENS, np.dtype(facts["dtype"])
        if chosen is None:
            self.starts, self.ends = np.zeros(1, END_TYPE), np.array([facts["tokens"]])
        else:
            ends = np.memmap(directory / ENDS, END_TYPE, "r")
            self.starts = np.where(chosen > 0, ends[chosen - 1], 0)
            self.ends = (ends[chosen] - self.starts).cumsum()

    def __len__(self) -> int:
        return int(self.ends[-1])

    def read(self, start: int, stop: int) -> tuple[int, ...]:
        """Tokens start to stop of the texts, joined; `stop` is at most the length."""
        parts, place = [], start
        number = int(np.searchsorted(self.ends, start, side="right"))
        while place < stop:
            before = int(self.ends[number - 1]) if number else 0
            end = min(stop, int(self.ends[number]))
            parts += self._mapped(int(self.starts[number]) + place - before, end - place)
            number, place = number + 1, end
        return tuple(parts)

    def _mapped(self, first: int, count: int) -> list[int]:
        offset = first * self.dtype.itemsize
        return np.memmap(self.path, self.dtype, "r", offset, (count,)).tolist() if count else []
