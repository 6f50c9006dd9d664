"""Held-out texts of no domain: their loss, its rise with a paired interval, and their table."""

import numpy as np
import pandas as pd
import pytest
from synthetic_study import typed

from lethe.longtables.tables import LongTables
from lethe.metrics.intervals import cluster_weights, item_generator
from lethe.metrics.study import study_metrics
from lethe.report.headlines import tiles
from lethe.tables import bases, fg, texts

STAGES, ITEMS = ("", "simp", "emdg", "exp"), 40
RESAMPLES = 300


def scored(
    between: bool = True, seeds: tuple[int, ...] = (0,)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A decoder on two sets of texts of 3 to 400 tokens, whose losses rise by 0.2 with noise."""
    scores, items = [], []
    for seed in seeds:
        for stage, task in enumerate(STAGES):
            if between or stage in (0, len(STAGES) - 1):
                for probe in ("lm_novel", "prose_talks"):
                    losses, tokens = losses_of(probe, seed, stage)
                    run = {"node": f"n{seed}-{stage}", "stage_index": stage, "stage_task": task}
                    scores += rows_of({**run, "train_seed": seed}, probe, losses, tokens)
                    items += [
                        {
                            "node": run["node"], "probe": probe, "subset": "",
                            "item_id": f"{probe}-{n}", "cluster_id": f"{probe}-{n}",
                            "correct": 0.5, "gold_logprob": -loss, "margin": None,
                            "predicted": "", "value_lm_loss": loss, "value_tokens": count,
                        }
                        for n, (loss, count) in enumerate(zip(losses, tokens, strict=True))
                    ]  # fmt: skip
    return typed(pd.DataFrame(scores), pd.DataFrame(items))


def losses_of(probe: str, seed: int, stage: int) -> tuple[np.ndarray, np.ndarray]:
    own = np.random.default_rng(len(probe))
    tokens = own.integers(3, 400, ITEMS).astype(float)
    level = own.normal(3.0, 0.5, ITEMS)
    noise = np.random.default_rng([len(probe), seed, stage]).normal(0, 0.02, ITEMS)
    return level + 0.2 * (stage > 0) + noise * (stage > 0), tokens


def rows_of(run: dict, probe: str, losses: np.ndarray, tokens: np.ndarray) -> list[dict]:
    mean = float(np.average(losses, weights=tokens))
    same = {
        **run, "model": "small", "params": 1000, "family": "causal", "series": "decoder",
        "untuned": "", "world_seed": None, "base_seed": None, "method": "sequential",
        "parametrisation": "full", "method_params": "{}", "recipe": "default", "order": "real",
        "end_task_seed": None, "kind": "lm", "axis": "prose", "probe": probe, "subset": "",
        "split": "test", "shots": 0, "n": ITEMS, "chance": None, "engine": "fast",
        "dtype": "float32", "task_version": "1", "task_digest": probe, "lm_eval_version": "none",
        "schema_version": 3, "stderr": 0.1,
    }  # fmt: skip
    return [
        {**same, "metric": "lm_loss", "headline": False, "value": mean, "higher_is_better": False},
        {**same, "metric": "lm_likelihood", "headline": True, "value": float(np.exp(-mean)),
         "higher_is_better": True},
    ]  # fmt: skip


def table_of(scores: pd.DataFrame, items: dict[str, pd.DataFrame]):
    metrics = study_metrics(scores, items, seed=1, resamples=RESAMPLES)
    return LongTables(scores, metrics).parted()


def test_the_rise_is_by_token_and_its_interval_is_paired_over_texts():
    tables = table_of(*scored())
    rows = tables.texts.set_index(["probe", "metric", "stage_index"])
    before, tokens = losses_of("lm_novel", 0, 0)
    after, _ = losses_of("lm_novel", 0, 3)
    risen = tables.texts[
        (tables.texts["metric"] == "text_loss_risen") & (tables.texts["probe"] == "lm_novel")
    ].iloc[0]
    assert rows.loc[("lm_novel", "text_loss", 0)]["value"] == pytest.approx(
        np.average(before, weights=tokens)
    )
    assert risen["value"] == pytest.approx(np.average(after - before, weights=tokens))
    # The naive reference: the ratio estimator over the same draws of whole texts.
    names = [f"lm_novel-{n}" for n in range(ITEMS)]
    order = np.argsort(names)
    generator = item_generator(1, "lm_novel", sorted(names))
    drawn = cluster_weights(ITEMS, RESAMPLES, generator)
    change, count = (after - before)[order], tokens[order]
    naive = (drawn * change * count).sum(1) / (drawn * count).sum(1)
    half = (risen["high"] - risen["low"]) / 2
    assert half == pytest.approx(2.02 * naive.std(), rel=0.1)
    # Unpaired it would be as wide as the texts differ.
    assert half < 0.02 < np.average(before, weights=tokens) * 0.1
    assert not risen["note"] and risen["unit"] == "items" and risen["n_units"] == ITEMS


def test_other_tables_do_not_see_texts_and_theirs_shows_perplexity():
    tables = table_of(*scored())
    assert not len(tables.metrics)
    for other in (bases, fg):
        assert "prose" not in other.build(tables).frame.astype(str).to_numpy()
    frame = texts.build(tables).frame
    assert list(frame["set"]) == ["lm_novel", "prose_talks", "all"]
    tokens = losses_of("lm_novel", 0, 0)[1]
    base, final = (np.average(losses_of("lm_novel", 0, s)[0], weights=tokens) for s in (0, 3))
    first = frame.iloc[0]
    assert first["perplexity_base"] == pytest.approx(np.exp(base))
    assert first["perplexity_final"] == pytest.approx(np.exp(final))
    assert first["perplexity_base_low"] < first["perplexity_base"] < first["perplexity_base_high"]
    assert frame["loss_risen"].iloc[2] == pytest.approx(frame["loss_risen"].iloc[:2].mean())
    assert pd.isna(frame["perplexity_base"].iloc[2])


def test_texts_that_are_read_at_the_ends_alone_give_the_same_rise():
    whole, ends = (texts.build(table_of(*scored(between))).frame for between in (True, False))
    pd.testing.assert_frame_equal(whole, ends)
    rows = table_of(*scored(False)).texts
    assert sorted(rows["stage_index"].dropna().unique()) == [0, 3]


def test_over_three_seeds_the_interval_is_students():
    frame = texts.build(table_of(*scored(seeds=(0, 1, 2)))).frame
    assert set(frame["interval_over"]) == {"3 train seeds"}
    values = [
        np.average(losses_of("lm_novel", s, 3)[0] - losses_of("lm_novel", s, 0)[0],
                   weights=losses_of("lm_novel", s, 0)[1]) for s in (0, 1, 2)
    ]  # fmt: skip
    assert frame["loss_risen"].iloc[0] == pytest.approx(np.mean(values))
    half = 4.3027 * np.std(values, ddof=1) / np.sqrt(3)
    assert frame["loss_risen_high"].iloc[0] == pytest.approx(np.mean(values) + half, rel=1e-3)


@pytest.mark.parametrize("read", [(0,), (0, 1, 2)], ids=["base alone", "not after the last"])
def test_texts_that_were_not_read_after_the_last_stage_have_no_rise(read):
    """Other sets tell which stage is the last: an earlier one does not stand for it."""
    scores, items = scored()
    other = scores[(scores["probe"] == "lm_novel") & scores["headline"]].assign(
        kind="probe", axis="knowledge", probe="know", metric="acc", chance=0.25
    )
    kept = scores[scores["stage_index"].isin(read)]
    frame = texts.build(table_of(pd.concat([kept, other], ignore_index=True), items)).frame
    assert frame["perplexity_base"].iloc[:2].notna().all()
    assert frame[["perplexity_final", "loss_risen"]].isna().all().all()
    assert frame["note"].str.contains("the cell (stage 3", regex=False).all()


def test_a_base_that_no_stage_follows_has_its_own_loss_alone():
    scores, items = scored()
    rows = table_of(scores[scores["stage_index"] == 0], items).texts
    assert set(rows["metric"]) == {"text_loss", "text_loss_base"}


def test_a_set_without_a_predicted_token_has_the_interval_of_its_standard_error():
    scores, items = scored()
    items["lm_novel"] = items["lm_novel"].assign(value_tokens=0.0)
    notes = texts.build(table_of(scores, items)).frame["note"]
    assert "standard errors" in notes.iloc[0] and not notes.iloc[1]


def test_domains_read_at_the_ends_alone_are_all_counted_and_named_where_missing():
    scores, items = scored(between=False)
    # A domain each of the first two stages.
    names = {"lm_novel": "lm_simp", "prose_talks": "lm_emdg"}
    headline = {"headline": scores["metric"] == "lm_loss", "axis": "domain"}
    other = scored()[0]
    other = other[(other["probe"] == "lm_novel") & other["headline"]].assign(
        kind="probe", axis="knowledge", probe="know", metric="acc", chance=0.25
    )
    domains = scores.assign(probe=scores["probe"].map(names), **headline)
    domains = domains[domains["headline"]]
    metrics = study_metrics(
        pd.concat([domains, other], ignore_index=True),
        {names[probe]: rows.assign(probe=names[probe]) for probe, rows in items.items()},
        seed=1,
        resamples=RESAMPLES,
    )
    rows = metrics[metrics["axis"] == "domain"].set_index(["metric", "probe"])
    for probe in ("lm_simp", "lm_emdg"):
        assert np.isfinite(rows.loc[("loss_final", probe), "value"])
        assert np.isnan(rows.loc[("loss_forgotten", probe), "value"])
        assert probe in rows.loc[("loss_forgotten", probe), "note"]
    assert rows.loc[("loss_final", ""), "n"] == 2 * ITEMS
    assert np.isnan(rows.loc[("loss_own", ""), "value"])


def test_a_report_begins_with_the_rise_and_shows_it_by_line():
    scores, items = scored()
    tables = LongTables(scores, study_metrics(scores, items, seed=0, resamples=RESAMPLES)).parted()
    (found,) = tiles(tables)
    rise = rise_of(tables)
    assert found.heading == "Held-out texts, plain training"
    assert found.number == f"+{rise['value']:.2f} nats"
    assert found.interval == f"{rise['low']:.2f} to {rise['high']:.2f}"
    assert "nats a token" in found.words and "holds zero" not in found.words


def rise_of(tables: LongTables) -> pd.Series:
    rows = tables.texts[
        (tables.texts["metric"] == "text_loss_risen") & (tables.texts["probe"] == "")
    ]
    return rows.iloc[0]


def test_a_headline_of_two_seeds_has_no_interval():
    scores, items = scored(seeds=(0, 1))
    better = scores.assign(method="better", node="b" + scores["node"])
    better["value"] -= 0.1 * (better["stage_index"] > 0)
    both = pd.concat([scores, better], ignore_index=True)
    every = {
        probe: pd.concat([frame, frame.assign(node="b" + frame["node"])], ignore_index=True)
        for probe, frame in items.items()
    }
    tables = LongTables(both, study_metrics(both, every, seed=0, resamples=RESAMPLES)).parted()
    (found,) = tiles(tables)
    assert found.interval == "no interval" and "Risen least under better" in found.words
    assert "nan" not in found.words and found.words.endswith("no interval.")
