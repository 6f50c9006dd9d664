"""What several parts of a report ask for is computed once for the same tables."""

from dataclasses import replace

import pandas as pd

from lethe.longtables.tables import LongTables, once
from lethe.metrics.shown import LINE_COLUMNS, rows_of_lines


def test_a_function_of_the_tables_is_computed_once_for_each_tables():
    asked = []

    @once
    def rows(tables: LongTables) -> int:
        asked.append(tables)
        return len(tables.metrics)

    some = LongTables(pd.DataFrame(), pd.DataFrame({"value": [1, 2]}))
    assert rows(some) == rows(some) == 2
    assert len(asked) == 1
    # Tables that were changed on the way are others.
    assert rows(replace(some, metrics=some.metrics[:1])) == 1
    assert len(asked) == 2


def test_rows_are_parted_by_line_in_their_order():
    frame = pd.DataFrame([dict.fromkeys(LINE_COLUMNS, name) | {"value": place}
                          for place, name in enumerate("abab")])  # fmt: skip
    parts = rows_of_lines(frame)
    assert [list(part["value"]) for part in parts.values()] == [[0, 2], [1, 3]]
    assert list(parts) == [tuple("a" * len(LINE_COLUMNS)), tuple("b" * len(LINE_COLUMNS))]
