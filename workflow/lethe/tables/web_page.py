"""A table as a page of HTML by itself, for browsers and reports; every text is escaped."""

from html import escape

from lethe.errors import one_line
from lethe.tables.writing import NOTHING, Table, shown_columns

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;color:#1c1c1c;background:#fff;margin:1.5rem}"
    "p,ul{max-width:46rem}table{border-collapse:collapse;font-size:14px}"
    "div{overflow-x:auto}th,td{padding:.25rem .7rem;text-align:left;white-space:nowrap;"
    "border-bottom:1px solid #ddd}th{border-bottom:2px solid #444}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}"
)


def web_page(table: Table, name: str) -> str:
    """A page with the caption, the table as a reader is shown it, and the notes below it."""
    columns = shown_columns(table)
    texts = [column.texts() for column in columns]
    head = [_cell("th", column.name, column.is_number) for column in columns]
    rows = [
        [
            _cell("td", text[row], column.is_number, (label, column.name) in table.bold)
            for column, text in zip(columns, texts, strict=True)
        ]
        for row, label in enumerate(table.frame.index)
    ]
    lines = ["".join(cells) for cells in (head, *rows)]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    shown = f"<div><table>\n{body}\n</table></div>" if columns else f"<p>{escape(NOTHING)}</p>"
    notes = "\n".join(f"<li>{_text(note)}</li>" for note in table.notes)
    below = f"<p>Warnings:</p>\n<ul>\n{notes}\n</ul>\n" if notes else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(name)}</title><style>{STYLE}</style></head><body>\n"
        f"<p>{_text(table.caption)}</p>\n{shown}\n{below}</body></html>\n"
    )


def _cell(tag: str, text: str, is_number: bool, is_bold: bool = False) -> str:
    shown = f"<b>{_text(text)}</b>" if is_bold else _text(text)
    return f"<{tag}{' class=n' if is_number else ''}>{shown}</{tag}>"


def _text(text: str) -> str:
    return escape(one_line(text))
