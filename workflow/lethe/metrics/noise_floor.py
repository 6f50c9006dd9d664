"""The noise floor of item changes: what changes where nothing should be forgotten.

Items flip under the control, as many steps on general data, and between train seeds of one chain.
"""

import pandas as pd

from lethe.longtables.change_columns import BASE, SEEDS
from lethe.metrics.shown import LINE_COLUMNS, PLAIN, Line, is_control, lines, shown

ALIKE = ("method", "parametrisation", "recipe")


def control_of(line: Line, candidates: list[Line]) -> Line | None:
    """The control to hold a line against: of its model and of ALIKE; else plain training's.

    None if its model has none, and for controls themselves.
    """
    words = dict(zip(LINE_COLUMNS, line, strict=True))
    controls = []
    for candidate in candidates:
        other = dict(zip(LINE_COLUMNS, candidate, strict=True))
        if is_control(candidate) and other["model"] == words["model"]:
            alike = [other[name] == words[name] for name in ALIKE]
            if alike[0] or other["method"] == PLAIN:
                controls.append(([not same for same in alike], candidate))
    return None if is_control(line) else min(controls, default=(None, None))[1]


def of_control(changes: pd.DataFrame) -> pd.DataFrame:
    """Rows of the lines' controls against the base, with the column `line` of the line held."""
    rows = shown(changes[changes["against"] == BASE])
    candidates = lines(rows) if len(rows) else []
    held = {line: control_of(line, candidates) for line in candidates}
    parts = [
        rows[[other == control for other in rows["line"]]].assign(line=[line] * count)
        for line, control in held.items()
        if control is not None and (count := sum(other == control for other in rows["line"]))
    ]
    return pd.concat(parts) if parts else rows[:0]


def of_seeds(changes: pd.DataFrame) -> pd.DataFrame:
    """Rows that compare the train seeds of one chain, over bases where there are several."""
    return shown(changes[(changes["against"] == SEEDS) & (changes["sets"] > 0)])
