"""A table whose columns are separated by something else is named as that."""

import pytest

from lethe.errors import UserError
from lethe.sources.broken_files import table_rows


@pytest.mark.parametrize(
    ("name", "mark", "wanted"),
    [("a.csv", ";", "commas"), ("a.csv", "\t", "commas"), ("a.csv", "|", "commas"),
     ("a.tsv", ",", "tabs"), ("a.tsv", ";", "tabs")],
)  # fmt: skip
def test_another_separator_is_named(tmp_path, name, mark, wanted):
    file = tmp_path / name
    file.write_text(f"prompt{mark}response\nWhen, please?{mark}2011\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"separated by {wanted}") as told:
        list(table_rows(file, "sources.mine"))
    assert repr(mark) in str(told.value) and name in str(told.value)


def test_a_single_column_needs_no_separator(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('text\none; two\n"three, four"\n', encoding="utf-8")
    assert list(table_rows(file, "w")) == [{"text": "one; two"}, {"text": "three, four"}]
