"""A table as a page of HTML: what a reader is shown, and nothing of a text that is code."""

import re
from html.parser import HTMLParser

import pandas as pd

from lethe.tables.web_page import web_page
from lethe.tables.writing import NOTHING, Table, readable

HOSTILE = "<script>alert(1)</script>\u202e"


class Cells(HTMLParser):
    """The texts of a page's cells row by row, and its tags."""

    def __init__(self, page: str):
        super().__init__()
        self.rows, self.tags, self.bold, self.inside = [], [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data
            self.bold += [data] * (self.tags[-1] == "b")


def table(**more) -> Table:
    frame = pd.DataFrame(
        {
            "method": ["ewc", HOSTILE],
            "kept": [0.5, 0.25],
            "kept_low": [0.4, 0.1],
            "kept_high": [0.6, 0.4],
        }
    )
    return Table(frame, "What was <kept> & lost.", **more)


def test_a_page_shows_the_cells_of_the_readable_table_and_marks_the_bold_ones():
    shown = Cells(web_page(made := table(bold=frozenset({(0, "kept")})), "kept"))
    texts = readable(made)
    assert shown.rows[0] == list(texts.columns) and shown.rows[1] == list(texts.iloc[0])
    assert shown.bold == ["0.50 [0.40, 0.60]"]


def test_names_captions_and_notes_are_shown_letter_by_letter():
    page = web_page(table(notes=(HOSTILE,)), HOSTILE)
    assert "script" not in Cells(page).tags and "\u202e" not in page
    assert "What was &lt;kept&gt; &amp; lost." in page and page.count("&lt;script&gt;") == 3


def test_a_page_asks_nothing_of_the_network_and_an_empty_table_says_so():
    assert not re.search(r"https?:|src=|@import|url\(", web_page(table(), "kept"))
    empty = web_page(Table(pd.DataFrame(), "None."), "kept")
    assert NOTHING in empty and "<table" not in empty
