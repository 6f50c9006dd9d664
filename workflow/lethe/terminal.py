"""Text for a terminal: aligned columns, durations, and colours that pipes and NO_COLOR keep away.

Imports nothing heavy: every verb prints through it.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import TextIO

from lethe.errors import one_line

COLOURS = {"bold": "1", "red": "31;1", "green": "32", "yellow": "33", "cyan": "36", "grey": "2"}
GAP = "  "
NARROWEST = 40
"""Letters of a table's last column beside the others; with less it goes below them."""
INDENT = 4


def is_coloured(stream: TextIO | None = None) -> bool:
    """Whether someone sees colours there and NO_COLOR (https://no-color.org) asks for none.

    Args:
        stream: None for standard output.
    """
    stream = sys.stdout if stream is None else stream
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """The text in a colour of COLOURS, or as it is where no colour is wanted."""
    if not text or not is_coloured(stream):
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def duration_words(seconds: float) -> str:
    """A duration as people say it: `42 s`, `3 min 05 s`, `48 min`, `2 h 10 min`."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if whole < 100:
        return f"{whole} s"
    if minutes < 10:
        return f"{minutes} min {rest:02} s"
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def print_any_text() -> None:
    """Let standard output and errors take every letter: one that their encoding lacks is escaped.

    A page of a verb has dashes and signs that a terminal in Latin-1 or ASCII does not know.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Columns with a head above them, names first.

    On a terminal a long last column goes on below itself, or below the row if it is too narrow for
    that; elsewhere a row stays one line.

    Args:
        right: places of columns that end in line, as numbers do.
    """
    lines = [tuple(map(one_line, line)) for line in (head, *rows)]
    right, last = set(right), len(head) - 1
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    before = sum(widths[:last]) + len(GAP) * last
    room = _room(before, widths[last])
    text = []
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        body = GAP.join(cells).rstrip()
        if room is not None:
            body = _over_lines(GAP.join(cells[:last]), line[last], before, room)
        text.append(paint(body, "bold") if number == 0 else body)
    return "\n".join(text)


def _room(before: int, longest: int) -> int | None:
    """Letters that a terminal has for a last column; None if that fits, or is no terminal's."""
    if not sys.stdout.isatty():
        return None
    room = shutil.get_terminal_size().columns - before
    return None if longest <= room else room


def _over_lines(start: str, cell: str, before: int, room: int) -> str:
    """A row whose last cell goes on below itself, or in a narrow terminal below the row."""
    if room < NARROWEST:
        before, room = INDENT, max(before + room - INDENT, NARROWEST)
        start = f"{start.rstrip()}\n{' ' * INDENT}"
    else:
        start += GAP
    wrapped = textwrap.wrap(cell, room, break_on_hyphens=False) or [""]
    return (start + f"\n{' ' * before}".join(wrapped)).rstrip()
