"""Prompts and responses of one split: from raw rows, or from files prepared by the authors."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe.errors import UserError, counted, some_of
from lethe.parameters.prompt_templates import wrapped
from lethe.sources.loaders.registry import Loader, is_blank
from lethe.sources.named_rows import named_rows
from lethe.sources.prompt_sets import PROMPT_SEED, PromptSet
from lethe.sources.reading import read_parallel_lists

if TYPE_CHECKING:
    import numpy as np

KEPT_FIELDS = ("references", "source", "constraint", "cluster")
TEXT_FIELDS = ("id", "text", "label", "cluster")
"""Of texts; a text without an `id` of its own is named by its split and place."""

FIRST_ROWS = 3
"""Rows without an example that are named, of each reason."""


@dataclass(frozen=True)
class Split:
    """One prepared split.

    Attributes:
        name: train, validation or test.
        raw: the raw split that it is taken from.
        parts: the raw split's files by part.
        start, stop: range of the raw split's examples, as in a slice.
        count: largest number of examples over all prompt sets, or None.
        seed: seed for choosing `count` examples.
        wrapper: text with `{prompt}` that surrounds every prompt.
        columns: raw columns with other names than the loader's.
    """

    name: str
    raw: str
    parts: dict[str, list[Path]]
    start: int | None = None
    stop: int | None = None
    count: int | None = None
    seed: int = 0
    wrapper: str = "{prompt}"
    columns: dict[str, str] = field(default_factory=dict)


@dataclass
class Counts:
    """Numbers of rows read, examples kept, rows dropped by reason, rows written by prompt set.

    `kept` counts examples: one row may give several examples, or several rows give one. `first`
    has the numbers of the first dropped rows by reason, where a loader drops row by row.
    """

    read: int = 0
    kept: int = 0
    dropped: Counter = field(default_factory=Counter)
    written: Counter = field(default_factory=Counter)
    first: dict[str, list[int]] = field(default_factory=dict)

    def note_row(self) -> None:
        """Note the number of the row that was read last under the reason that dropped it, if any.

        More than `FIRST_ROWS` of a reason are not noted.
        """
        for reason, count in self.dropped.items():
            noted = self.first.setdefault(reason, [])
            if len(noted) < min(count, FIRST_ROWS):
                noted.append(self.read)


def left_out(counts: Counts, of: str = "") -> str:
    """Why rows give no example, in words; empty if all do. of: all rows, in words."""
    if not counts.dropped:
        return ""
    of = of or counted(counts.read, "row")
    total = counts.dropped.total()
    reasons = []
    for reason, count in counts.dropped.items():
        rows = counts.first.get(reason, [])
        named = f"row {rows[0]}" if len(rows) == 1 else f"rows {', '.join(map(str, rows))}"
        more = ", …" if count > len(rows) else ""
        reasons.append(f"{count} {reason}" + (f": {named}{more}" if rows else ""))
    verbs = ("gives", "is") if total == 1 else ("give", "are")
    return f"{total} of {of} {verbs[0]} no example and {verbs[1]} left out ({'; '.join(reasons)})"


def prepared_rows(loader: Loader, split: Split, counts: Counts) -> Iterator[dict]:
    """Rows of a split: {id, prompt, response, ...}, {id, text}, or {id, text, label, ...}.

    Raises:
        UserError: missing columns, or a split without examples.
    """
    sets = loader.prompt_sets(split.name)
    if split.parts.keys() & sets.keys():
        rows = _prepared_elsewhere(loader, split, sets, counts)
    else:
        rows = _from_raw(loader, split, sets, counts)
    yield from rows
    if not counts.written:
        raise no_examples(loader.where, split, counts)


def no_examples(where: str, split: Split, counts: Counts) -> UserError:
    """A split of which nothing is left; `where` is the key of its source."""
    reasons = ", ".join(f"{n} {reason}" for reason, n in counts.dropped.items())
    files = some_of([str(file) for files in split.parts.values() for file in files])
    return UserError(
        f"{where}: the split {split.name} has no examples: {counted(counts.read, 'row')} read"
        f"{', left out: ' + reasons if reasons else ''} ({files})."
    )


def rows_written(split: Split, sets: int, kept: int) -> int:
    """Rows of a prepared split, of whose raw split `kept` rows are examples.

    sets: how many prompts every example gets; 1 for texts.
    """
    first, last, _ = slice(split.start, split.stop).indices(kept)
    taken = max(0, last - first)
    most = taken if split.count is None else split.count // sets
    return min(taken, most) * sets


def chosen_examples(total: int, most: int | None, seed: int) -> "np.ndarray":
    """Which of `total` examples are taken, [total] of bool: all, or `most` drawn at random.

    The released code of Luo et al. 2023 does the same (train.py, minus_data): numpy's generator
    with seed 0 shuffles, and the first int(100000 / prompt sets) are kept, or all if there are
    fewer.
    """
    import numpy as np  # not needed to check a study, and as slow to import as all of the check

    order = np.arange(total)
    np.random.RandomState(seed).shuffle(order)
    chosen = np.zeros(total, dtype=bool)
    chosen[order[:most]] = True
    return chosen


def _share(split: Split, sets: dict[str, PromptSet]) -> int | None:
    return None if split.count is None else split.count // len(sets)


def _from_raw(
    loader: Loader, split: Split, sets: dict[str, PromptSet], counts: Counts
) -> Iterator[dict]:
    # Two passes, so that a table of millions of rows is never held in memory.
    total = sum(1 for _ in examples(loader, split, counts))
    first, last, _ = slice(split.start, split.stop).indices(total)
    counts.kept = max(0, last - first)
    taken = chosen_examples(counts.kept, _share(split, sets), split.seed)
    generators = {name: random.Random(PROMPT_SEED) for name in sets}
    kept = islice(examples(loader, split, Counts()), first, max(first, last))
    for place, example in enumerate(kept):
        if "text" in example and "response" not in example:
            if taken[place]:
                counts.written["text"] += 1
                columns = {key: example[key] for key in TEXT_FIELDS if key in example}
                yield {"id": f"{split.name}-{place}", **columns}
            continue
        for name, prompts in sets.items():
            # Drawn for every example, so that a smaller `count` does not change the prompts.
            prompt, extra = prompts.render(example, generators[name])
            if taken[place]:
                counts.written[name] += 1
                yield _row(split, name, place, prompt, {**example, **extra})


def examples(
    loader: Loader, split: Split, counts: Counts, most: int | None = None
) -> Iterator[dict]:
    """The loader's examples from the rows of a raw split; updates `read` and `dropped`.

    most: how many rows are read; None: all.

    Raises:
        UserError: missing columns, or a value that is no text where the loader expects one.
    """

    def rows_read() -> Iterator[dict]:
        for row in named_rows(loader, split.raw, split.parts, split.columns, most):
            counts.read += 1
            yield row
            if loader.by_row:
                counts.note_row()

    yield from loader.fields(rows_read(), counts.dropped)


def _prepared_elsewhere(
    loader: Loader, split: Split, sets: dict[str, PromptSet], counts: Counts
) -> Iterator[dict]:
    """Rows of files of parallel lists with rendered prompts, one file per prompt set."""
    missing = [name for name in sets if name not in split.parts]
    if missing:
        raise UserError(
            f"{loader.where}.files: {split.raw}.{missing[0]} is missing; it is needed with "
            f"{', '.join(f'{split.raw}.{part}' for part in split.parts)}."
        )
    for name, prompts in sets.items():
        (file,) = split.parts[name]
        kept = []
        for row in read_parallel_lists(file, loader.where):
            counts.read += 1
            first = row["tgt"][:1] if isinstance(row["tgt"], list) else [row["tgt"]]
            if is_blank(row["src"]) or all(is_blank(text) for text in first):
                counts.dropped["prompt or response is empty or blank"] += 1
                continue
            kept.append(row)
        kept = kept[split.start : split.stop]
        counts.kept += len(kept)
        taken = chosen_examples(len(kept), _share(split, sets), split.seed)
        for place in taken.nonzero()[0].tolist():
            row = kept[place]
            example = _parallel_example(loader, split, name, prompts, row, file)
            counts.written[name] += 1
            yield _row(split, name, place, row["src"], example)


def _parallel_example(
    loader: Loader, split: Split, name: str, prompts: PromptSet, row: dict, file: Path
) -> dict[str, Any]:
    targets = row["tgt"] if isinstance(row["tgt"], list) else [row["tgt"]]
    example = {"response": loader.target(row["tgt"]), "references": targets}
    if split.name == "train":
        return example
    values = prompts.read(row["src"])
    if not values:
        raise UserError(
            f"{loader.where}: {file}: expected prompts of {name}, found {row['src'][:60]!r}."
        )
    return {**example, **loader.reread(values)}


def _row(split: Split, name: str, place: int, prompt: str, example: dict) -> dict:
    row = {
        "id": f"{split.name}-{place}-{name}",
        "prompt": wrapped(split.wrapper, prompt),
        "response": example["response"],
    }
    if split.name == "train":
        return row
    known_fields = {"references": [example["response"]], "source": "", **example}
    return row | {key: known_fields[key] for key in KEPT_FIELDS if key in known_fields}
