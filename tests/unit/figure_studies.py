"""Made-up studies of every kind that figures are drawn of, and the figures."""

from functools import cache

import pandas as pd
from matplotlib.text import Text
from synthetic_study import FULL, Synthetic, long_tables, synthetic_study, with_gaps

from lethe.commands import figure as command

SMALL = Synthetic(items=12)


@cache
def study(name):
    """Tables of a made-up study by what is special about it."""
    usual = name in ("usual", "gaps")
    small = Synthetic(items=12, orders=("forward",), sets_an_axis=2)
    scores, items = synthetic_study(SMALL if usual else small)
    if name == "three seeds":
        return long_tables(
            *synthetic_study(
                Synthetic((("xs", 7),), (0, 1, 2), ("forward",), items=8, sets_an_axis=2)
            )
        )
    if name in ("all parts", "all parts, one seed"):
        seeds = (0, 1, 2) if name == "all parts" else (0,)
        orders = ("forward", "reverse", "mixed")
        scores, items = synthetic_study(Synthetic(FULL, seeds, orders, items=12, sets_an_axis=2))
        apart = scores[scores["metric"] == "pct_stereotype"]
        apart = apart.assign(metric="likelihood_diff", headline=False)
        return long_tables(pd.concat([scores, apart]), items)
    if name == "one run":
        one = Synthetic((("big", 7),), orders=("forward",), control=False, tasks=("simp", "exp"))
        return long_tables(*synthetic_study(one))
    if name == "gaps":
        return long_tables(with_gaps(scores), items)
    if name == "all equal":
        return long_tables(scores.assign(value=0.25, stderr=0.0), items[:0])
    if name == "gain":
        last = scores["stage_index"] == 5
        return long_tables(scores.assign(value=scores["value"].where(~last, 1.0)), items[:0])
    if name == "two methods":
        other = scores[scores["order"] != "control:general"].assign(method="replay")
        return long_tables(pd.concat([scores, other]), items)
    return long_tables(scores, items)


STUDIES = ["usual", "three seeds", "one run", "gaps", "all equal", "gain", "two methods"]
STUDIES += ["all parts", "all parts, one seed"]


@cache
def drawn(figure, name, width=None):
    """A figure of a study, laid out as it is printed."""
    with command.style():
        return command.draw(figure, study(name), width)


def words(figure):
    """The texts of a figure."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]
