"""Text for a terminal: columns that align, and colours where someone sees them."""

import io
from types import SimpleNamespace

import pytest

from lethe import terminal
from lethe.terminal import paint, table

HEAD = ("name", "n", "what")
ROWS = [("a", "10", "short"), ("longer", "9", "a sentence of many words that go on and on " * 4)]


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """Standard output is a terminal of 100 columns."""
    # Not in `sys` itself, where pytest puts its own again before the test begins.
    monkeypatch.setattr(terminal, "sys", SimpleNamespace(stdout=Screen()))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_columns_align_and_a_row_is_a_line_where_no_terminal_is():
    lines = table(HEAD, ROWS, right=[1]).splitlines()
    starts = zip(lines, ("what", "short", "a sentence"), strict=True)
    assert [line.index(word) for line, word in starts] == [12, 12, 12]
    assert lines[1][8:10] == "10" and lines[2][8:10] == " 9"
    assert len(lines) == 3 and not any(line != line.rstrip() for line in lines)


def test_on_a_terminal_no_line_is_wider_and_no_word_is_lost(screen, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    for columns in ("100", "60", "30"):
        monkeypatch.setenv("COLUMNS", columns)
        text = table(HEAD, ROWS, right=[1])
        assert text.split().count("words") == 4
        assert max(map(len, text.splitlines())) <= max(int(columns), terminal.NARROWEST + 4)


def test_a_break_in_a_cell_breaks_no_row():
    assert len(table(HEAD, [("a\nb", "1", "c\x1b[31m")]).splitlines()) == 2
    assert "\x1b" not in table(HEAD, [("a", "1", "c\x1b[31m")])


def test_colours_are_for_terminals(screen):
    assert paint("x", "red") == "\x1b[31;1mx\x1b[0m"
    assert paint("x", "red", io.StringIO()) == "x"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_color_and_a_dumb_terminal_have_none(screen, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert paint("x", "red") == "x"


def test_an_empty_no_color_asks_for_nothing(screen, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "")
    assert paint("x", "red") != "x"
