"""Every kind of study gets a report: one seed or several, gaps, one method or many, domains."""

import re
from types import SimpleNamespace

import pytest
from domain_study import domain_scores, domain_tables
from equal_learning_study import equal_study
from figure_studies import STUDIES, study
from report_case import Page
from study_folder_case import small_record

from lethe.report.source import Source

pytestmark = pytest.mark.slow

OTHERS = {
    "domains": lambda: domain_tables(domain_scores()),
    "one method of domains": lambda: domain_tables(domain_scores(methods=("sequential",))),
    "one world of domains": lambda: domain_tables(domain_scores(worlds=(1,))),
    "equal learning": equal_study,
    "nothing but plain training": lambda: equal_study(methods=("sequential",)),
}


def source_of(tables, folder) -> Source:
    """A study that is nowhere but in memory."""
    record = small_record(claims=[])
    made_up = SimpleNamespace(
        record=record, folder=folder, tables={}, long_tables=lambda names=(): tables
    )
    return Source(made_up)


@pytest.mark.parametrize("name", [*STUDIES, *OTHERS])
def test_a_page_says_what_was_run_and_shows_no_number_that_is_none(name, tmp_path):
    tables = OTHERS[name]() if name in OTHERS else study(name)
    found = Page(source_of(tables, tmp_path))
    assert "again" in found.sections
    assert str(tables.scores["model"].iloc[0]) in found.text
    shown = re.sub(r"\(.*?\)", "", found.text)
    assert not re.search(r"\b(nan|None|NaN|<NA>)\b", shown)
    svg = found.bytes.decode().partition("</style>")[2]
    assert not re.search(r'(points|x1|cx|cy|y)="[^"]*(nan|inf)', svg)
