"""Text for a terminal: tables of aligned columns, and colours that pipes and NO_COLOR keep away.

Imports nothing heavy: every verb prints through it.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TextIO

from lethe.errors import one_line

COLOURS = {"bold": "1", "red": "31;1", "green": "32", "yellow": "33", "cyan": "36", "grey": "2"}
GAP = "  "
NARROWEST = 24
"""Letters of the last column of a table, however narrow the terminal is."""


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


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Columns with a head above them, names first.

    On a terminal a long last column goes on below itself; elsewhere a row stays one line.

    Args:
        right: places of columns that end in line, as numbers do.
    """
    lines = [tuple(map(one_line, line)) for line in (head, *rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    right = set(right)
    last = len(head) - 1
    if last not in right:
        widths[last] = 0
    before = sum(widths[:last]) + len(GAP) * last
    text = []
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        cells[last:] = _wrapped(cells[last], before)
        body = f"\n{' ' * before}".join([GAP.join(cells[: last + 1]).rstrip(), *cells[last + 1 :]])
        text.append(paint(body, "bold") if number == 0 else body)
    return "\n".join(text)


def _wrapped(cell: str, before: int) -> list[str]:
    """The lines of a last cell, `before` letters from the left edge."""
    room = shutil.get_terminal_size().columns - before
    if not sys.stdout.isatty() or len(cell) <= room:
        return [cell]
    return textwrap.wrap(cell, max(room, NARROWEST), break_on_hyphens=False) or [""]
