"""Cloze and loss of domains in the metrics table: values, intervals over stems, what is missing."""

import numpy as np
import pandas as pd
import pytest
from domain_study import BASE, BASE_LOSS, DOMAINS, STEMS, domain_scores, domain_tables, with_items
from synthetic_study import synthetic_study, typed

from lethe.metrics.clustered import difference, item_score, level
from lethe.metrics.domain_outcomes import MEASURES, PARTS, outcome, run_outcomes
from lethe.metrics.shown import LINE_COLUMNS
from lethe.metrics.study import study_metrics

ONE = {"methods": ["sequential"], "worlds": (1,), "rates": (1e-3,)}


@pytest.fixture(scope="module")
def tables():
    return domain_tables(domain_scores())


def test_means_over_domains_are_those_of_the_outcomes(tables):
    whole = tables.domains[tables.domains["probe"] == ""]
    assert not (
        tables.metrics["axis"] == "domain"
    ).any()  # other tables and figures do not see them
    found = run_outcomes(tables.scores)
    for measure in MEASURES[1:]:
        scale = 100 if measure == "cloze" else 1
        for part in PARTS:
            rows = whole[(whole["metric"] == f"{measure}_{part}") & whole["world_seed"].notna()]
            assert len(rows) == 27
            for line, units in outcome(found, measure, part).items():
                same = np.all([rows[n] == w for n, w in zip(LINE_COLUMNS, line, strict=True)], 0)
                by_world = rows[same].set_index("world_seed")["value"]
                assert {s[0]: v for s, v in units.items()} == pytest.approx(
                    (scale * by_world).to_dict()
                )


def test_what_the_last_stage_taught_has_no_forgetting_and_signs_are_alike(tables):
    rows = tables.domains[tables.domains["world_seed"].eq(1) & tables.domains["method"].eq("kd")]
    rows = rows[rows["recipe"] == "rate-2"].set_index(["metric", "probe"])
    for measure in ("cloze", "loss"):
        assert (f"{measure}_forgotten", f"{measure}_{DOMAINS[-1]}") not in rows.index
        for domain in DOMAINS[:-1]:
            part = {p: rows.loc[(f"{measure}_{p}", f"{measure}_{domain}")]["value"]
                    for p in ("own", "final", "gained", "forgotten")}  # fmt: skip
            assert part["gained"] > part["forgotten"] > 0
            assert part["forgotten"] == pytest.approx(abs(part["own"] - part["final"]))
    # By stage: before its own, a domain is as the base knows it.
    by_stage = rows.loc[("cloze", "cloze_phone")].set_index("stage_index")["value"]
    assert by_stage.loc[[0, 1, 2]].tolist() == pytest.approx([BASE] * 3) and by_stage[3] > BASE
    assert rows.loc[("loss_base", "")]["value"] == pytest.approx(BASE_LOSS)


def test_intervals_of_one_run_are_over_stems():
    scores, items = with_items(domain_scores(**ONE))
    scores, _ = typed(scores, next(iter(items.values())))
    metrics = study_metrics(scores, items, seed=1, resamples=200)
    rows = metrics[(metrics["axis"] == "domain") & (metrics["order"] == "domains")]
    forgotten = rows[(rows["metric"] == "cloze_forgotten") & (rows["probe"] == "cloze_acl")].iloc[0]
    assert (forgotten["unit"], forgotten["n_units"]) == ("item clusters", STEMS)
    assert forgotten["low"] < forgotten["value"] < forgotten["high"]
    # Items of the loss are not in this study: its intervals come of standard errors.
    loss = rows[(rows["metric"] == "loss_own") & (rows["probe"] == "")].iloc[0]
    assert loss["low"] < loss["value"] < loss["high"] and "standard errors" in loss["note"]


def test_a_stem_of_several_domains_is_drawn_once_for_all_of_them():
    """As `clustered` has it, which adds up what every stem brings to the mean."""
    scores, items = with_items(domain_scores(**ONE))
    scores, _ = typed(scores, next(iter(items.values())))
    rows = study_metrics(scores, items, seed=1, resamples=4000)
    rows = rows[(rows["axis"] == "domain") & (rows["order"] == "domains") & (rows["probe"] == "")]
    rows = rows.set_index("metric")
    chain = scores[(scores["order"] == "domains") & (scores["metric"] == "cloze")]
    nodes = chain.drop_duplicates("stage_index").set_index("stage_index")["node"]

    def of(domain, stage):
        found = items[f"cloze_{domain}"]
        found = found[found["node"] == nodes[stage]]
        return item_score(found["value_cloze"].to_numpy(), found["cluster_id"].tolist())

    for part, stages in {"own": (1, 2, 3), "final": (3, 3, 3)}.items():
        wanted = level([of(*place) for place in zip(DOMAINS, stages, strict=True)], 0, 4000)
        row = rows.loc[f"cloze_{part}"]
        assert (row["n_units"], row["unit"]) == (STEMS, "item clusters")
        assert row["value"] == pytest.approx(wanted.value)
        assert row["low"] == pytest.approx(wanted.low, abs=0.01)
        assert row["high"] == pytest.approx(wanted.high, abs=0.01)
    earlier = list(enumerate(DOMAINS[:-1], start=1))
    terms = [(0.5, of(domain, stage)) for stage, domain in earlier]
    terms += [(-0.5, of(domain, len(DOMAINS))) for _, domain in earlier]
    wanted, row = difference(terms, 0, 4000), rows.loc["cloze_forgotten"]
    assert row["n_units"] == STEMS
    width = row["high"] - row["low"]
    assert width == pytest.approx(wanted.high - wanted.low, rel=0.1)


def test_domains_without_a_common_stem_add_up_their_stems():
    scores, items = with_items(domain_scores(**ONE))
    apart = {
        probe: table.assign(cluster_id=[f"{probe} {name}" for name in table["cluster_id"]])
        for probe, table in items.items()
    }
    scores, _ = typed(scores, next(iter(items.values())))
    widths = {}
    for name, tables in (("shared", items), ("apart", apart)):
        rows = study_metrics(scores, tables, seed=1, resamples=400)
        whole = rows[(rows["metric"] == "cloze_own") & (rows["probe"] == "")]
        widths[name] = whole[whole["order"] == "domains"].iloc[0]
    assert widths["apart"]["n_units"] == len(DOMAINS) * STEMS
    assert widths["shared"]["n_units"] == STEMS


def test_a_missing_cell_has_its_name_where_the_number_would_be():
    scores = domain_scores(**ONE)
    gone = (scores["probe"] == "cloze_ai") & (scores["stage_index"] == 3)
    metrics = domain_tables(scores[~gone]).domains.set_index(["metric", "probe"])
    for probe in ("cloze_ai", ""):
        row = metrics.loc[("cloze_final", probe)]
        assert np.isnan(row["value"]) and row["note"] == "the cell (stage 3, cloze_ai) is missing"
    assert metrics.loc[("cloze_own", "")]["value"] > BASE


def test_encoders_and_decoders_of_one_study_do_not_lack_each_other_s_sets():
    decoders, items = synthetic_study()
    both = pd.concat([decoders, domain_scores(**ONE)], ignore_index=True)
    scores, by_set = typed(both, items)
    metrics = study_metrics(scores, by_set, seed=1, resamples=20)
    alone = study_metrics(*typed(decoders, items), seed=1, resamples=20)
    of_decoders = metrics[metrics["model"] != "enc"].reset_index(drop=True)
    assert len(of_decoders) == len(alone) and of_decoders["value"].equals(alone["value"])
    of_encoder = metrics[metrics["model"] == "enc"]
    assert set(of_encoder["axis"]) == {"domain", "evidence", "general"}
    assert not of_encoder["note"].str.contains("missing").any()
