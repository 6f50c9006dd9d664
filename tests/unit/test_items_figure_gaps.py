"""The figure of items where a set was not scored after every stage."""

from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe.figures import items

LAST = 5


def drawn(gone: tuple[str, ...]):
    """With sets that were scored before the first stage and after the last one only."""
    what = Synthetic(models=(("small", 1000),), orders=("forward",), items=30, sets_an_axis=2)
    scores, rows = synthetic_study(what)
    between = scores["probe"].isin(gone) & scores["stage_index"].between(1, LAST - 1)
    drawing = items.draw(long_tables(scores[~between], rows_of(rows, scores[between])))
    return drawing.plotted[drawing.plotted["measure"] == "lost"], drawing.caption


def rows_of(rows, gone):
    cells = set(zip(gone["node"], gone["probe"], strict=True))
    kept = [cell not in cells for cell in zip(rows["node"], rows["probe"], strict=True)]
    return rows[kept]


def test_a_curve_is_over_the_same_sets_after_every_stage():
    rows, caption = drawn(("know_history", "read_high", "read_middle"))
    for shown in ("line", "control"):
        of_kind = rows[rows["shown"] == shown]
        stages = of_kind.groupby("axis")["stage_index"].agg(sorted).to_dict()
        assert stages["knowledge"] == stages["reading"] == [LAST]
        assert stages["reasoning"] == [1, 2, 3, 4, LAST]
    assert "not all sets of an axis were scored" in caption


def test_where_all_sets_were_scored_nothing_is_left_out():
    rows, caption = drawn(())
    assert rows.groupby(["axis", "shown"])["stage_index"].nunique().eq(LAST).all()
    assert "left out" not in caption
