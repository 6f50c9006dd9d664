r"""A table in LaTeX that fits a text block of 6.5 inches.

What all rows share is said once in the caption, notes stand below, intervals are small. If a table
is still too wide, intervals go below their values, and then the columns are divided over several
parts that repeat the first ones. A table longer than a page is a `longtable`. The file needs
\usepackage{booktabs,longtable}; letters of other scripts need lualatex.
"""

from lethe.errors import one_line
from lethe.tables.heads import head
from lethe.tables.latex_layout import (
    SEPARATION,
    SIZE,
    SMALL,
    Cell,
    Printed,
    head_lines,
    height,
    laid_out,
    mark_of,
    without_notes,
    without_shared,
)
from lethe.tables.latex_text import breakable, escape
from lethe.tables.writing import NOTHING, Column, Table, shown_columns

FONT = rf"\fontsize{{{SIZE}}}{{9.6}}\selectfont\setlength{{\tabcolsep}}{{{SEPARATION:g}pt}}"
LONGEST = 50
"""Lines of a table on one page, beside its caption."""
MATHS = {"R_o": "$R_o$", "R_-1": "$R_{-1}$"}


def latex(table: Table) -> str:
    """The table as LaTeX."""
    columns = shown_columns(table)
    if not columns:
        return f"% {one_line(table.caption)}\n% {NOTHING}\n"
    shared, columns = without_shared(columns)
    marks, notes, columns = without_notes(columns)
    is_below, parts = laid_out(columns, table, marks)
    rows = len(table.frame)
    is_long = sum(height(part, is_below) for part in parts) > LONGEST
    bodies = [_part(part, rows, is_below, is_long) for part in parts]
    caption = _caption(table.caption, columns, shared)
    forms = _pages if is_long else _float
    lines = [
        *(f"% {one_line(note)}" for note in table.notes),
        *forms(caption, bodies, _below(notes)),
    ]
    return "\n".join(lines) + "\n"


def _part(columns: list[Printed], rows: int, is_below: bool, is_long: bool) -> list[str]:
    """The lines of one tabular; a name that the row before has too is not repeated."""
    heads = _row([_stacked([MATHS.get(line, escape(line)) for line in head_lines(column.head)],
                           column.is_number, "b") for column in columns])  # fmt: skip
    body: list[str] = []
    before: list[str] | None = None
    for row in range(rows):
        names = [" ".join(column.cells[row].lines) for column in columns if column.is_key]
        same = _same(names, before)
        if before is not None and len(names) > 1 and same == 0:
            body.append(r"\addlinespace")
        # The last name stays: a row without any would be hard to find.
        body += _lines(columns, row, min(same, len(names) - 1), is_below)
        before = names
    end = [r"\endhead"] if is_long else []
    kind = "longtable" if is_long else "tabular"
    letters = "".join("r" if column.is_number else "l" for column in columns)
    return [
        rf"\begin{{{kind}}}{{@{{}}{letters}@{{}}}}",
        r"\toprule",
        heads,
        r"\midrule",
        *end,
        *body,
        r"\bottomrule",
        rf"\end{{{kind}}}",
    ]


def _same(names: list[str], before: list[str] | None) -> int:
    """How many of the first names are those of the row before."""
    count = 0
    while before is not None and count < len(names) and names[count] == before[count]:
        count += 1
    return count


def _lines(columns: list[Printed], row: int, left_out: int, is_below: bool) -> list[str]:
    """One row, and if intervals are below their values, a second one with these."""
    cells = [
        "" if place < left_out else _cell_text(column, column.cells[row], is_below)
        for place, column in enumerate(columns)
    ]
    small = [_small(column.cells[row].interval) for column in columns]
    if not (is_below and any(small)):
        return [_row(cells)]
    return [_row(cells).removesuffix(r"\\") + r"\\*[-2.5pt]", _row(small)]


def _cell_text(column: Printed, cell: Cell, is_below: bool) -> str:
    lines = [escape(line) for line in cell.lines]
    if cell.is_bold:
        lines = [rf"\textbf{{{line}}}" if line else "" for line in lines]
    if cell.mark:
        lines[-1] += rf"\textsuperscript{{{cell.mark}}}"
    text = _stacked(lines, column.is_number, "t")
    return text if is_below or not cell.interval else f"{text} {_small(cell.interval)}"


def _small(interval: str) -> str:
    return rf"{{\fontsize{{{SMALL}}}{{7}}\selectfont {escape(interval)}}}" if interval else ""


def _stacked(lines: list[str], is_number: bool, place: str) -> str:
    """Several lines in one cell."""
    if len(lines) == 1:
        return lines[0]
    letter = "r" if is_number else "l"
    inner = r"\\".join(f"{{}}{line}" if line.startswith(("[", "*")) else line for line in lines)
    return rf"\begin{{tabular}}[{place}]{{@{{}}{letter}@{{}}}}{inner}\end{{tabular}}"


def _row(cells: list[str]) -> str:
    """A row. A bracket or star at its start would be an option of the row before it."""
    row = " & ".join(cells) + r" \\"
    return f"{{}}{row}" if row.startswith(("[", "*")) else row


def _caption(caption: str, columns: list[Column], shared: list[str]) -> str:
    """The caption with names as in print, and with what all rows share."""
    words = one_line(caption).replace("`", "")
    for column in columns:
        if "_" in column.name:
            words = words.replace(f"{column.name}:", f"{head(column.name)}:")
    short = words.partition(". ")[0].removesuffix(".")
    words = f"{words} All rows: {'; '.join(shared)}." if shared else words
    return rf"\caption[{{{breakable(short)}}}]{{{breakable(words)}}}"


def _float(words: str, bodies: list[list[str]], below: list[str]) -> list[str]:
    """Parts of a table that together fit on a page, under one caption."""
    inner = [line for body in bodies for line in (*body, r"\par\medskip")][:-1]
    first = r"\sloppy\centering\setlength{\belowcaptionskip}{4pt}"
    return [r"\begin{table*}", first, words, FONT, *inner, *below, r"\end{table*}"]


def _pages(words: str, bodies: list[list[str]], below: list[str]) -> list[str]:
    """Parts that go over several pages; the first one has the caption."""
    first, *others = bodies
    inner = [first[0], rf"{words}\\", *first[1:], *(line for body in others for line in body)]
    start = r"\begingroup\sloppy\setlength{\LTcapwidth}{\textwidth}"
    return [start, FONT, *inner, *below, r"\endgroup"]


def _below(notes: list[str]) -> list[str]:
    """What the marks of rows mean."""
    if not notes:
        return []
    marked = (
        rf"\textsuperscript{{{mark_of(place)}}}~{breakable(note)}"
        for place, note in enumerate(notes)
    )
    font = rf"\sloppy\fontsize{{{SIZE - 1}}}{{8.4}}\selectfont"
    box = r"\par\smallskip\noindent\parbox{\textwidth}"
    return [f"{box}{{{font} {'; '.join(marked)}}}"]
