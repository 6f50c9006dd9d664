"""Learned and kept on domains: worked numbers, the table and the frontier of a made-up study."""

import numpy as np
import pandas as pd
import pytest
from domain_study import DOMAINS, RATES, WORLDS, domain_scores, domain_tables
from domain_study import usual_kept as kept_share
from domain_study import usual_learned as learned_share
from figure_checks import problems

from lethe.commands import figure as command
from lethe.errors import UserError
from lethe.longtables.axes import DOMAIN
from lethe.metrics.equal_learning import BELOW, kept_of_earlier
from lethe.metrics.learning_curves import curves
from lethe.metrics.learning_points import points
from lethe.tables import equal_learning


@pytest.fixture(scope="module")
def tables():
    return domain_tables(domain_scores())


def test_what_is_kept_is_a_share_of_sums_so_that_a_domain_hardly_learned_weighs_little():
    # Learned .6 and .01; left .3 and -.1: (.3 - .1) / .61, where a mean of shares would be -4.75.
    share = kept_of_earlier([0.9, 0.31], [0.6, 0.2], [0.3, 0.3], ["a", "b"])
    assert share == pytest.approx(0.2 / 0.61)
    assert kept_of_earlier([0.9], [0.9], [0.3], ["a"]) == 1
    assert kept_of_earlier([0.9], [0.3], [0.3], ["a"]) == 0
    with pytest.raises(UserError, match="4 points were learned, too few"):
        kept_of_earlier([0.34], [0.33], [0.3], ["a"])
    with pytest.raises(UserError, match="one stage"):
        kept_of_earlier([], [], [], [])
    with pytest.raises(UserError, match=r"the score of a \(last\) is missing"):
        kept_of_earlier([0.9], [np.nan], [0.3], ["a"])


def test_points_are_the_shares_that_the_study_was_made_with(tables):
    frame = points(tables)
    assert len(frame) == 3 * 3 * 3 and set(frame["of"]) == {DOMAIN}
    for row in frame.to_dict("records"):
        place, world = int(row["recipe"][-1]), WORLDS.index(row["world_seed"])
        assert row["rate"] == RATES[place]
        assert row["learned"] == pytest.approx(learned_share(row["method"], place, world))
        assert row["kept evidence"] == pytest.approx(0.8)
        if row["method"] == "weak":
            assert np.isnan(row["kept"]) and "too few to be kept or lost" in row["note"]
        else:
            assert row["kept"] == pytest.approx(kept_share(row["method"], place, world))
            assert not row["note"]


def test_each_world_is_interpolated_between_the_rates_that_bracket_the_level(tables):
    plain, kd, weak = curves(tables)
    for number, world in enumerate(WORLDS):
        for curve in (plain, kd):
            x = [learned_share(curve.method, place, number) for place in range(3)]
            y = [kept_share(curve.method, place, number) for place in range(3)]
            assert curve.at()[world] == pytest.approx(np.interp(0.9, x, y))
    # Nothing learned is not reaching the level, though nothing is known of what was kept.
    assert weak.reasons() == {BELOW: list(WORLDS)}


def test_the_table_holds_methods_against_plain_training_and_says_what_kept_is(tables):
    table = equal_learning.build(tables)
    rows = table.frame.set_index("method")
    assert list(rows.index) == ["sequential", "kd", "weak"]
    assert rows.loc["kd", "less_plain"] > 15 and rows.loc["kd", "pairs"] == 3
    assert rows.loc["kd", "kept_evidence"] == "80 / 80 / 80"
    assert equal_learning.NO_LEARNING in rows.loc["weak", "note"]
    assert "kept, of domains: mean over all domains but the last of (cloze" in table.caption
    assert "mean over axes and their sets" not in table.caption


def test_a_domain_that_is_not_learned_alone_leaves_no_number_and_is_named():
    scores = domain_scores(methods=["sequential"], worlds=(1,))
    flat = scores["order"].eq("alone:ai") & scores["stage_index"].eq(1)
    found = points(domain_tables(scores.assign(value=scores["value"].mask(flat, 0.3))))
    assert found["learned"].isna().all()
    assert found["note"].str.contains("cloze_ai is not learned alone").all()


@pytest.mark.parametrize("width", ["column", "text", "page"])
def test_the_frontier_shows_shares_of_domains_beside_f1_and_is_readable(tables, width):
    with command.style():
        result = command.draw("frontier", tables, width)
        assert problems(result.figure) == []
    plotted = result.plotted
    shares = plotted[plotted["of"] == "equal_domains"]
    assert len(shares) == 6 and set(shares["method"]) == {"sequential", "kd"}
    assert "end_task" in set(plotted["of"])
    for curve in curves(tables)[:2]:
        of_method = shares[shares["method"] == curve.method].sort_values("rate")
        assert of_method["learned_value"].tolist() == pytest.approx(list(100 * curve.learned))
        assert of_method["kept_value"].tolist() == pytest.approx(list(100 * curve.kept))
    assert "what was learned of earlier domains" in result.caption
    assert "general ability above chance" not in result.caption


def test_a_pool_of_all_domains_has_nothing_earlier_to_keep():
    scores = domain_scores(methods=["sequential"], worlds=(1,), rates=RATES[:1])
    chain = scores["order"].eq("domains")
    last = scores[chain & scores["stage_index"].isin([0, len(DOMAINS)])]
    pool = last.assign(
        order="pool",
        node=last["node"] + last["stage_index"].map({0: ""}).fillna("-pool"),
        stage_task=last["stage_index"].map({0: ""}).fillna("&".join(DOMAINS)),
        stage_index=last["stage_index"].clip(upper=1),
    )
    alone = scores[~chain]
    found = points(domain_tables(pd.concat([alone, pool], ignore_index=True)))
    assert np.isnan(found["kept"]).all() and found["learned"].notna().all()
    assert found["note"].str.contains("no domain is an earlier one").all()
