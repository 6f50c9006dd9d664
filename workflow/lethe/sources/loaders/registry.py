"""The loaders by name, and their base class: from raw rows to prompts and responses.

Their parameters are in `lethe.sources.loaders.parameters`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar
from unicodedata import category

from lethe.artefacts.strict_json import WrittenNumber
from lethe.errors import UserError, shown
from lethe.sources.prompt_sets import PLAIN, PromptSet
from lethe.sources.reading import RawFiles, read_paired_lines, read_raw

ZERO_WIDTH = "Cf"
"""The category of characters that shape a text and are none themselves, as a byte order mark."""
SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Those of that category that are written: signs before numbers (Prepended_Concatenation_Mark)."""
UNSEEN = {
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}
"""Letters and marks of other categories that show nothing: fillers of Hangul, variation selectors
(Unicode's Default_Ignorable_Code_Point)."""
LOADERS: dict[str, type["Loader"]] = {}


@dataclass(frozen=True)
class Form:
    """What a column holds if it is not one text: in words, and as a test of a value."""

    words: str
    fits: Callable[[Any], bool]


def register(name: str) -> Callable[[type["Loader"]], type["Loader"]]:
    """Decorator that adds a loader to `LOADERS`."""

    def add(loader: type["Loader"]) -> type["Loader"]:
        loader.name = name
        LOADERS[name] = loader
        return loader

    return add


class Loader:
    """A dataset: its columns, its prompt sets, and how a row becomes an example.

    Attributes:
        layouts: the known layouts of its raw table, each {own name: raw column}; the first layout
            whose columns are all present is used.
        optional: further columns, taken where a table has them.
        train_sets, test_sets: prompt sets by name; every example gets a prompt from each.
        needed: splits that a source must have, among train, validation and test.
        process: function of `lethe.evaluation.text_metrics` that scores a generated response.
        max_new_tokens: longest response generated in testing, in tokens.
        forms: columns that hold something else than one text or null, by their own name.
        by_row: whether a row is dropped before the next one is read, and numbered from 1.
        ruled: whether `lethe.sources.ruled_splits` moves its rows (labelled texts) between splits.
    """

    name: ClassVar[str]
    layouts: ClassVar[tuple[dict[str, str], ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    train_sets: ClassVar[dict[str, PromptSet]] = {"plain": PLAIN}
    test_sets: ClassVar[dict[str, PromptSet] | None] = None
    needed: ClassVar[tuple[str, ...]] = ("train", "test")
    process: ClassVar[str] = "process_exp"
    max_new_tokens: ClassVar[int] = 64
    forms: ClassVar[dict[str, Form]] = {}
    by_row: ClassVar[bool] = True
    ruled: ClassVar[bool] = False

    def __init__(self, where: str, values: dict[str, Any]) -> None:
        """`where` is the key of the source, for messages; `values` are all of its parameters."""
        self.where = where
        self.values = values

    def prompt_sets(self, split: str) -> dict[str, PromptSet]:
        """The prompt sets of a split."""
        return self.train_sets if split == "train" or self.test_sets is None else self.test_sets

    def regrouped(self, raw: RawFiles) -> RawFiles:
        """The files of each split, changed if a dataset has fewer files than splits."""
        return raw

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        """Raw rows of a split's files."""
        if parts.keys() - {""}:
            unknown = ", ".join(sorted(parts.keys() - {""}))
            raise UserError(
                f"{self.where}.files: expected {split} or numbered parts such as {split}.1, found "
                f"the part {unknown!r}."
            )
        return read_raw(parts[""], self.where)

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        """The fields of prompts and responses, one dictionary per example.

        It has `response` and the prompt sets' fields, and may have `references` (all right
        responses), `source` (the text to rewrite) and `cluster` (a name that dependent examples
        share). Skipped rows are counted in `dropped`, by reason.
        """
        raise NotImplementedError

    def target(self, response: Any) -> str:
        """The response of an example that was prepared elsewhere."""
        return response[0] if isinstance(response, list) and response else str(response)

    def reread(self, values: dict[str, Any]) -> dict[str, Any]:
        """Columns that testing needs besides the prompt, from the fields of a parsed prompt."""
        return {}


class PairedText(Loader):
    """A loader whose local files may be SPLIT.src and SPLIT.dst, one sentence per line."""

    line_columns: ClassVar[tuple[str, str]]

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        if not parts.keys() & {"src", "dst"}:
            return super().raw_rows(split, parts)
        if parts.keys() != {"src", "dst"}:
            raise UserError(
                f"{self.where}.files: expected {split}.src and {split}.dst together, "
                f"found {', '.join(f'{split}.{part}' for part in sorted(parts))}."
            )
        (first,), (second,) = parts["src"], parts["dst"]
        return read_paired_lines(first, second, self.line_columns, self.where)


def checked_value(value: Any, form: Form | None, place: str) -> Any:
    """A value of a raw table as its loader expects it: text, null, or what the form says.

    Raises:
        UserError: anything else; `place` names file, row and column.
    """
    if form is not None:
        if not form.fits(value):
            raise UserError(f"{place}: expected {form.words}, found {shown(value)}.{lost(value)}")
        return value
    if value is None:
        return None
    if not is_text(value):
        raise UserError(f"{place}: expected text, found {shown(value)}.{lost(value)}")
    return text_of(value)


def is_text(value: Any) -> bool:
    """Whether a value is a text, or a number of which the file says how it is written.

    A decimal number of a parquet file is none: 420 and 420.0 are the same there.
    """
    return isinstance(value, str | int | WrittenNumber | Decimal) and not isinstance(value, bool)


def is_blank(value: Any) -> bool:
    """Whether a value is no text, or one without a character that can be seen."""
    if not isinstance(value, str):
        return value is None
    return all(
        letter.isspace()
        or ord(letter) in UNSEEN
        or (category(letter) == ZERO_WIDTH and letter not in SIGNS)
        for letter in value
    )


def text_of(value: Any) -> str:
    """The text of a value that `is_text`, or of true and false, as the file writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def lost(value: Any) -> str:
    """What to do about a number of which the file does not say how it was written, or nothing."""
    if isinstance(value, float) and isfinite(value) and not isinstance(value, WrittenNumber):
        return " A table does not keep how a decimal number was written: store it as text."
    return ""


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def with_optional(
    layout: dict[str, str], loader: Loader, renamed: dict[str, str], found: list[str]
) -> dict[str, str]:
    """The layout with the optional columns that the table has.

    Raises:
        UserError: one was given another name, which is not in the table.
    """
    for name in loader.optional:
        if name in renamed and renamed[name] not in found:
            raise UserError(
                f"{loader.where}.parameters.columns.{name}: expected a column of the table "
                f"({', '.join(found)}), found {shown(renamed[name])}."
            )
    wanted = {name: renamed.get(name, name) for name in loader.optional}
    return layout | {name: column for name, column in wanted.items() if column in found}


def choose_layout(
    layouts: tuple[dict[str, str], ...], renamed: dict[str, str], found: list[str], where: str
) -> dict[str, str]:
    """The first layout whose columns are all in `found`, with `renamed` columns replaced.

    Raises:
        UserError: no layout fits; the message names the missing columns of the nearest one, or if
            none has any of its columns, those of all.
    """
    fewest: list[str] | None = None
    absent = []
    for layout in layouts:
        named = {**layout, **{k: v for k, v in renamed.items() if k in layout}}
        missing = [column for column in named.values() if column not in found]
        if not missing:
            return named
        if len(missing) == len(named):
            absent.append(" and ".join(missing))
        if fewest is None or len(missing) < len(fewest):
            fewest = missing
    expected = f"the column {', '.join(fewest)}"
    if len(absent) == len(layouts) > 1:
        expected = f"the columns {', or '.join(absent)}"
    raise UserError(
        f"{where}: expected {expected}, found {', '.join(found) or 'none'}; if columns have other "
        f"names, map them in {where}.parameters.columns."
    )
