"""A table and its three forms: CSV with every number, Markdown and LaTeX for readers.

In a frame the columns x, x_low, x_high are a value and its 95 % interval; the readable forms show
them as one column, `x [low, high]`.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from lethe.artefacts.files import write_atomic
from lethe.errors import one_line

LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
}
MARKDOWN_SPECIAL = re.compile(
    r"""
    [|`*]               # the next cell, code, emphasis
    | (?<!\w) _ (?=\w)  # emphasis; not a word that has an underscore inside
    | ~ (?=~)           # struck out
    | < (?=[A-Za-z/!?]) # a tag of HTML
    | & (?=\#?\w+;)     # a character by its name
    | (?<=\]) \(        # an address behind a text in brackets
    | \\ (?=[!-/:-@\[-`{-~])  # a backslash that would escape what follows it
    """,
    re.VERBOSE,
)
"""What a cell of Markdown must not hold as it is, for a name is shown letter by letter."""
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""How a text begins that a spreadsheet would run as a formula."""
NOTHING = "This study has nothing of this kind."


@dataclass(frozen=True)
class Table:
    """Numbers, a caption, and the decimals of each column (2 by default).

    The other fields are for the readable forms. columns: those shown, in order; empty: all. bold:
    cells by row and column. is_symmetric: intervals are symmetric about their values (Student's t)
    and are shown as `x ± half`. missing: text for a missing number. notes: sentences below.
    """

    frame: pd.DataFrame
    caption: str
    decimals: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    bold: frozenset[tuple[int, str]] = frozenset()
    is_symmetric: bool = False
    missing: str = ""
    notes: tuple[str, ...] = ()


def readable(table: Table) -> pd.DataFrame:
    """The table as text: rounded, intervals beside their values."""
    frame = table.frame
    wanted = [column for column in table.columns if column in frame.columns]
    shown = {}
    for column in wanted or frame.columns:
        if column.endswith(("_low", "_high")) and column.rpartition("_")[0] in frame.columns:
            continue
        decimals = table.decimals.get(column, 2)
        texts = [_text(value, decimals) for value in frame[column]]
        if f"{column}_low" in frame.columns:
            ends = zip(frame[f"{column}_low"], frame[f"{column}_high"], strict=True)
            pairs = zip(texts, ends, strict=True)
            shape = _with_half if table.is_symmetric else _with_interval
            texts = [shape(text, low, high, decimals) for text, (low, high) in pairs]
        if _is_number(frame[column]):
            texts = [text or table.missing for text in texts]
        shown[column] = texts
    return pd.DataFrame(shown, columns=list(shown), index=frame.index)


def markdown(table: Table) -> str:
    """A pipe table under its caption."""
    shown = readable(table)
    caption = one_line(table.caption)
    if not len(shown.columns):
        return f"{caption}\n\n{NOTHING}\n"
    rows = [[*shown.columns], *shown.to_numpy().tolist()]
    rows = [[markdown_text(field) for field in row] for row in rows]
    for row, place in _bold_places(table, shown):
        rows[row + 1][place] = f"**{rows[row + 1][place]}**"
    widths = [max(3, *(len(row[place]) for row in rows)) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {markdown_text(note)}" for note in table.notes]
    below = ["", "Warnings:", "", *notes] if notes else []
    return f"{caption}\n\n" + "\n".join([*lines, *below]) + "\n"


def markdown_text(text: str) -> str:
    """Text on one line that Markdown shows letter by letter."""
    return MARKDOWN_SPECIAL.sub(r"\\\g<0>", one_line(text))


def latex(table: Table) -> str:
    """A booktabs table; needs \\usepackage{booktabs}, and lualatex for letters of other scripts."""
    shown = readable(table)
    if not len(shown.columns):
        return f"% {one_line(table.caption)}\n% {NOTHING}\n"
    numeric = [_is_number(table.frame[name]) for name in shown.columns]
    head = _latex_row([escape(name) for name in shown.columns])
    cells = [[escape(field) for field in row] for row in shown.to_numpy().tolist()]
    for row, place in _bold_places(table, shown):
        cells[row][place] = rf"\textbf{{{cells[row][place]}}}"
    body = [_latex_row(row) for row in cells]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(table.caption)}}}",
        rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numeric)}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        *(f"% {one_line(note)}" for note in table.notes),
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: list[str]) -> str:
    """A row. A bracket or star at its start would be an option of the row before it."""
    row = " & ".join(cells) + r" \\"
    return f"{{}}{row}" if row.startswith(("[", "*")) else row


def escape(text: str) -> str:
    """Text on one line, with LaTeX's special characters escaped."""
    return "".join(LATEX_SPECIAL.get(letter, letter) for letter in one_line(text))


def csv_text(frame: pd.DataFrame) -> str:
    """A table for people as CSV, which a spreadsheet may open.

    A text that it would run as a formula gets an apostrophe before it; numbers stay numbers. The
    long tables, which are read again, are written as they are (`longtables/schema.py`).
    """
    texts = frame.select_dtypes(include=["object", "string"]).columns
    shown = frame.assign(**{name: frame[name].map(_spreadsheet_text) for name in texts})
    shown.columns = [_spreadsheet_text(name) for name in shown.columns]
    return shown.to_csv(index=False, lineterminator="\n")


def _spreadsheet_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = one_line(value)
    is_formula = text.lstrip().startswith(FORMULA) and not _is_written_number(text)
    return f"'{text}" if is_formula else text


def _is_written_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def save(table: Table, directory: Path, name: str) -> list[Path]:
    """Write NAME.csv, NAME.md and NAME.tex."""
    forms = {
        "csv": csv_text(table.frame),
        "md": markdown(table),
        "tex": latex(table),
    }
    return write_forms(forms, directory, name)


def write_forms(forms: dict[str, str], directory: Path, name: str) -> list[Path]:
    """Write NAME.SUFFIX for every text by its suffix."""
    written = []
    for suffix, text in forms.items():
        written.append(Path(directory) / f"{name}.{suffix}")
        write_atomic(written[-1], text)
    return written


def _bold_places(table: Table, shown: pd.DataFrame) -> list[tuple[int, int]]:
    """Row and column numbers of the bold cells that are shown."""
    places = {column: place for place, column in enumerate(shown.columns)}
    return [(row, places[column]) for row, column in table.bold if column in places]


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _text(value, decimals: int) -> str:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{value:z.{decimals}f}"
    return str(value)


def _with_interval(text: str, low: float, high: float, decimals: int) -> str:
    if not text or pd.isna(low):
        return text
    return f"{text} [{low:z.{decimals}f}, {high:z.{decimals}f}]"


def _with_half(text: str, low: float, high: float, decimals: int) -> str:
    if not text or pd.isna(low):
        return text
    return f"{text} ± {(high - low) / 2:z.{decimals}f}"
