"""The one exception that is shown to users as a sentence instead of a traceback."""

import datetime
import difflib
import os
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

LONGEST = 300
"""Characters of a message."""

LONGEST_VALUE = 60
"""Characters of a value that a message shows."""

SHOWN_ENTRIES = 4
"""Entries of a list or mapping that a message shows."""

LONG_PATH = re.compile(r"/[^\s:;,'\"]*(/[^\s:;,'\"/]+/[^\s:;,'\"/]+/[^\s:;,'\"/]+)")
"""A path of more than three parts; the group is its last three."""


BREAK = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
"""A break between lines, and the blanks around it."""

JOINERS = "\u200c\u200d"
"""Characters that cannot be seen, but without which words and emoji fall apart."""


class UserError(Exception):
    """A mistake that a user can fix: says what was expected, what was found and where to fix it.

    The message is always one line of at most `LONGEST` characters.
    """

    def __init__(self, message: str):
        super().__init__(_of_bounded_length(one_line(message.strip())))


class Stopped(KeyboardInterrupt):
    """A job was asked to end: it has saved what it had, and goes on when it is run again.

    Like Ctrl-C it is no `Exception`, so no library that tries something catches it.
    """

    STATUS = os.EX_TEMPFAIL


def one_line(text: str) -> str:
    """Line breaks become spaces; other characters that cannot be seen are escaped.

    So no text of a user moves a terminal's cursor, turns the order of what follows it, or ends a
    row of a table.
    """
    return _escaped(BREAK.sub(" ", text))


def _of_bounded_length(text: str) -> str:
    """Of a message that is too long, only the ends of long paths are kept.

    If it is still too long, it is cut in the middle: its start names the key or file, and its end
    says what to do.
    """
    if len(text) > LONGEST:
        text = LONG_PATH.sub(r"…\1", text)
    if len(text) <= LONGEST:
        return text
    head = LONGEST * 2 // 3
    return f"{text[:head]} … {text[head + 3 - LONGEST :]}"


def _escaped(text: str) -> str:
    return "".join(
        letter
        if letter.isprintable() or letter in JOINERS
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def shown(value: Any) -> str:
    """A value that was found, as YAML writes it: on one line, and shortened if it is long."""
    text = _written(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first of some names in one line, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def guess(name: str, known: Iterable[str]) -> str:
    """What was probably meant, to follow what was found: `; did you mean 'x'?`, or nothing."""
    by_letters: dict[str, list[str]] = {}
    for one in known:
        by_letters.setdefault(one.lower(), []).append(one)
    near = difflib.get_close_matches(name.lower(), by_letters, n=1)
    if not near:
        return ""
    # Of names that differ in their capitals alone, the one with most of these.
    return f"; did you mean {difflib.get_close_matches(name, by_letters[near[0]], 1, 0.0)[0]!r}?"


def counted(count: int, noun: str) -> str:
    """A number of things in words: `1 row`, `2 rows`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def sought(path: object) -> str:
    """A path that is not there, and of a relative one the folder from which it was looked for."""
    is_relative = not os.path.isabs(str(path))
    return f"{path} (looked for from {os.getcwd()})" if is_relative else str(path)


def _written(value: Any, levels: int = 2) -> str:
    """The value; of a list or mapping the first entries, nested `levels` deep."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value[:LONGEST_VALUE])
    if isinstance(value, int) and abs(value) >= 10**LONGEST_VALUE:
        return f"a number of more than {LONGEST_VALUE} digits"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime.date):
        return f"the date {value.isoformat()}"
    if not isinstance(value, dict | list | tuple):
        return f"a value of the type {type(value).__name__}"
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    inside = [
        f"{_written(key, 0)}: {_written(value[key], levels - 1)}"
        if isinstance(value, dict)
        else _written(key, levels - 1)
        for key in (islice(value, SHOWN_ENTRIES) if levels else ())
    ]
    more = ["…"] if len(value) > len(inside) else []
    return opening + ", ".join([*inside, *more]) + closing
