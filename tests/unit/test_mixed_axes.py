"""An axis whose sets have several metrics says that its score is their plain mean."""

import pandas as pd

from lethe.metrics.axis_scores import mixed_words


def rows(*sets: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(sets, columns=["axis", "probe", "metric"])
    return frame.assign(subset="")


def test_axes_of_one_metric_need_no_word():
    assert mixed_words(rows(("facts", "a", "score_acc"), ("own", "b", "score_sari"))) == ""
    assert mixed_words(rows(("facts", "a", "score_acc"), ("facts", "a", "drop_points"))) == ""
    assert mixed_words(rows()) == ""


def test_an_axis_of_several_metrics_is_named_with_them():
    said = mixed_words(
        rows(("facts", "a", "score_acc"), ("own", "b", "score_sari"), ("own", "c", "score_acc"))
    )
    assert "own: acc, sari" in said and "facts" not in said
