"""Calibration: each measure against hand-made numbers, a plain reference, and simulated answers."""

import math

import numpy as np
import pandas as pd
import pytest

from lethe.longtables.calibration_columns import range_of
from lethe.longtables.run import COLUMNS
from lethe.longtables.schema import parse_table, table_text
from lethe.metrics.calibration import FEW_ITEMS, NOT_KEPT, study_calibration
from lethe.metrics.probabilities import (
    brier,
    covered,
    ece,
    ece_if_calibrated,
    probabilities,
    thresholds,
)
from lethe.metrics.resampled_probabilities import SameItems, of_set

NAN = float("nan")


def of(shares: list[list[float]], gold: list[int]):
    """Probabilities from shares of one, with fewer choices where a row is shorter."""
    most = max(map(len, shares))
    logprobs = np.array([[*np.log(row), *[NAN] * (most - len(row))] for row in shares])
    return probabilities(logprobs - 3.0, logprobs[range(len(gold)), gold] - 3.0)


def test_worked_numbers():
    found = of([[0.7, 0.2, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1])
    assert found.confidence == pytest.approx([0.7, 0.7, 0.8])
    assert found.right.tolist() == [1, 0, 1]
    # Two items in the bin of 0.7: right half of the time. One in that of 0.8, right.
    assert ece(found) == pytest.approx(2 / 3 * abs(0.5 - 0.7) + 1 / 3 * abs(1 - 0.8))
    squares = [0.3**2 + 0.2**2 + 0.1**2, 0.7**2 + 0.7**2, 0.2**2 + 0.2**2]
    assert brier(found) == pytest.approx(squares)
    by_bin = math.sqrt(2 / math.pi * 2 * 0.21), math.sqrt(2 / math.pi * 0.16)
    assert ece_if_calibrated(found.confidence) == pytest.approx(sum(by_bin) / 3)


def test_the_likeliest_of_equal_choices_is_right_by_its_share():
    found = of([[0.25] * 4, [0.4, 0.4, 0.2]], [3, 2])
    assert found.right.tolist() == [0.25, 0.0]
    assert ece(found) == pytest.approx(0.2)  # 0.25 - 0.25 and 0 - 0.4, each alone in its bin


def test_a_threshold_is_the_score_of_the_rank_that_a_finite_sample_needs():
    scores = np.arange(40) / 40
    half = np.arange(40) >= 20
    # (20 + 1) 0.9 = 18.9, so rank 19 of the other half.
    assert thresholds(scores, half).tolist() == [38 / 40] * 20 + [18 / 40] * 20
    # (9 + 1) 0.9 is 9, so nine items are just enough and eight are too few.
    nine = thresholds(scores[:18], np.arange(18) >= 9)
    assert nine.tolist() == [17 / 40] * 9 + [8 / 40] * 9
    assert np.isnan(thresholds(scores[:17], np.arange(17) >= 9)[:9]).all()


def made_up(generator, items: int, choices: int = 4, spread: float = 1.5):
    """(log-probabilities, gold) of answers that are right as often as they are sure."""
    logits = generator.normal(0, spread, (items, choices))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    gold = (shares.cumsum(1) < generator.random((items, 1))).sum(1)
    return logits, gold


def measured(logits, gold):
    return probabilities(logits, logits[np.arange(len(gold)), gold])


def test_all_measures_agree_with_a_plain_reference():
    generator = np.random.default_rng(1)
    logits, gold = made_up(generator, 300)
    logits[::3, 3] = NAN
    gold[::3] %= 3
    found = measured(logits, gold)
    gaps: dict[int, float] = {}
    squares = []
    for row, right in zip(logits.tolist(), gold.tolist(), strict=True):
        weights = [math.exp(x) for x in row if not math.isnan(x)]
        shares = [weight / sum(weights) for weight in weights]
        sure = max(shares)
        place = next(b for b in range(15) if b / 15 < sure <= (b + 1) / 15)
        gaps[place] = gaps.get(place, 0) + (shares.index(sure) == right) - sure
        squares.append(sum((p - (j == right)) ** 2 for j, p in enumerate(shares)))
    assert ece(found) == pytest.approx(sum(map(abs, gaps.values())) / 300)
    assert brier(found) == pytest.approx(squares)


def test_answers_that_are_as_right_as_sure_have_the_error_of_chance_and_the_coverage_of_the_sets():
    generator = np.random.default_rng(2)
    errors, chances, coverages = [], [], []
    for _ in range(300):
        found = measured(*made_up(generator, 200))
        errors.append(ece(found))
        chances.append(ece_if_calibrated(found.confidence))
        threshold = thresholds(1 - found.gold, np.arange(200) % 2 == 0)
        coverages.append(covered(found.gold, threshold).mean())
    assert np.mean(errors) == pytest.approx(np.mean(chances), rel=0.03)
    # 0.9 to 0.9 + 1/(n + 1) for halves of 100 items.
    assert 0.9 - 0.003 < np.mean(coverages) < 0.91 + 0.003


def test_answers_that_are_too_sure_by_a_known_amount_show_it():
    generator = np.random.default_rng(3)
    logits, gold = made_up(generator, 40_000, spread=1.0)
    sharper = measured(3 * logits, gold)
    too_sure = float((sharper.confidence - sharper.right).mean())
    assert ece(sharper) == pytest.approx(too_sure, abs=0.01) and too_sure > 0.2
    base = measured(logits, gold)
    threshold = thresholds(1 - base.gold, np.arange(40_000) % 2 == 0)
    assert covered(base.gold, threshold).mean() == pytest.approx(0.9, abs=0.005)
    expected = (sharper.gold >= 1 - threshold).mean()
    assert covered(sharper.gold, threshold).mean() == expected < 0.85


def test_neither_a_constant_nor_the_order_of_choices_changes_anything():
    generator = np.random.default_rng(4)
    logits, gold = made_up(generator, 100)
    moved = measured(logits + generator.normal(0, 5, (100, 1)), gold)
    turned = measured(logits[:, ::-1], 3 - gold)
    for name in ("gold", "confidence", "right", "squares"):
        reference = getattr(measured(logits, gold), name)
        assert getattr(moved, name) == pytest.approx(reference)
        assert getattr(turned, name) == pytest.approx(reference)


RUN = dict.fromkeys(COLUMNS) | {"model": "m", "method": "sequential", "order": "forward"}
RUN |= {
    "parametrisation": "full",
    "method_params": "{}",
    "recipe": "r",
    "series": "s",
    "family": "causal",
    "params": 9,
}


def study(stages: dict[str, list[tuple]], axis: str = "knowledge", **words):
    """(scores, items) of a run with one set; by stage (log-probabilities, gold), items in pairs."""
    scores, items = [], []
    for index, (node, (logits, gold)) in enumerate(stages.items()):
        cell = RUN | {"node": node, "stage_index": index, "stage_task": "t" if index else ""}
        cell |= {"axis": axis, "probe": "set", "subset": "", "split": "test", "kind": "probe"}
        scores.append(cell | words)
        for number, (row, right) in enumerate(zip(logits, gold, strict=True)):
            others = [x for place, x in enumerate(row) if place != right]
            item = {"node": node, "item_id": f"{number:04}", "cluster_id": f"c{number // 2:04}"}
            item |= {"gold_logprob": row[right], "margin": row[right] - np.nanmax(others)}
            item |= {"predicted": str(int(np.nanargmax(row))), "choices": float(len(row))}
            items.append(item | {f"choice_{place}": x for place, x in enumerate(row)})
    return pd.DataFrame(scores), pd.DataFrame(items)


def table(scores, items, seed: int = 0) -> pd.DataFrame:
    frame = study_calibration(scores, {"set": items}, seed, resamples=300)
    return parse_table("calibration", table_text("calibration", frame, "t"), "t")


def numbers(frame: pd.DataFrame, metric: str, probe: str = "set") -> pd.DataFrame:
    rows = frame[(frame["metric"] == metric) & (frame["probe"] == probe)]
    return rows.set_index("stage_index")


@pytest.fixture(scope="module")
def two_stages():
    logits, gold = made_up(np.random.default_rng(5), 120)
    return {"base": (logits, gold), "after": (2.5 * logits[:, ::-1], gold)}


def test_the_table_holds_every_measure_its_change_and_intervals_around_them(two_stages):
    frame = table(*study(two_stages))
    base, after = (measured(*two_stages[node]) for node in two_stages)
    assert numbers(frame, "ece")["value"].tolist() == pytest.approx([ece(base), ece(after)])
    change = numbers(frame, "brier_change")
    expected = float(brier(after).mean() - brier(base).mean())
    assert change["value"].tolist() == pytest.approx([0, expected])
    # No item differs from itself: as with none of 60 clusters that differ.
    assert -0.2 < change["low"][0] < 0 < change["high"][0] < 0.2
    assert change["low"][1] < expected < change["high"][1]
    assert set(change["unit"]) == {"item clusters"} and set(change["n_units"]) == {60}
    for metric, rows in frame.groupby("metric"):
        low, high = range_of(metric)
        assert (rows["low"].dropna() >= low).all() and (rows["high"].dropna() <= high).all()
    of_axis = numbers(frame, "coverage", probe="")
    assert of_axis["value"].tolist() == numbers(frame, "coverage")["value"].tolist()


def test_neither_the_order_of_rows_nor_of_items_changes_the_table(two_stages):
    scores, items = study(two_stages)
    shuffled = items.sample(frac=1, random_state=1, ignore_index=True)
    pd.testing.assert_frame_equal(table(scores, items), table(scores[::-1], shuffled))


def test_log_probabilities_that_were_not_kept_are_said_not_to_be(two_stages):
    scores, items = study(two_stages)
    choices = [name for name in items if name.startswith("choice")]
    items.loc[items["node"] == "base", choices] = np.nan
    frame = table(scores, items)
    first = frame[frame["stage_index"] == 0]
    assert first["value"].isna().all() and first["note"].str.contains(NOT_KEPT)[3:].any()
    assert numbers(frame, "ece")["value"].notna().tolist() == [False, True]
    assert numbers(frame, "ece_change")["value"].isna().all()


def test_bias_and_generated_answers_have_no_rows(two_stages):
    scores, items = study(two_stages)
    assert not len(table(scores.assign(axis="bias"), items))
    assert not len(table(scores, items.assign(margin=np.nan)))


def test_few_items_have_no_coverage_and_say_so(two_stages):
    frame = table(*study({node: (x[:16], gold[:16]) for node, (x, gold) in two_stages.items()}))
    rows = numbers(frame, "coverage")
    assert rows["value"].isna().all() and rows["note"].str.contains(FEW_ITEMS).all()
    assert numbers(frame, "ece")["value"].notna().all()


def test_collapsed_answers_are_noted(two_stages):
    logits, gold = two_stages["base"]
    frame = table(*study({"base": (logits, gold), "after": (logits + [9.0, 0, 0, 0], gold)}))
    notes = numbers(frame, "ece")["note"]
    assert "collapsed" not in notes[0] and "collapsed" in notes[1]


def paired_answers(seed: int, pairs: int):
    """Two checkpoints' answers to items in pairs that share their noise."""
    generator = np.random.default_rng(seed)
    logits = np.repeat(generator.normal(0, 1.5, (pairs, 4)), 2, axis=0)
    logits += generator.normal(0, 0.5, logits.shape)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    gold = (shares.cumsum(1) < generator.random((len(logits), 1))).sum(1)
    return [logits, 1.8 * np.roll(logits, 1, axis=1)], gold


def test_intervals_of_changes_hold_the_truth_nineteen_times_in_twenty():
    """The truth is that of very many pairs."""
    many, gold = paired_answers(0, 30_000)
    base, after = (measured(logits, gold) for logits in many)
    threshold = np.quantile(1 - base.gold, 0.9)
    truth = {
        "brier": brier(after).mean() - brier(base).mean(),
        "coverage": (1 - after.gold <= threshold).mean() - 0.9,
        "overconfidence": (after.confidence - after.right - base.confidence + base.right).mean(),
    }
    held = dict.fromkeys(truth, 0)
    for seed in range(1, 201):
        answers, gold = paired_answers(seed, 60)
        items = pd.DataFrame(np.concatenate(answers), columns=[f"choice_{k}" for k in range(4)])
        items = items.assign(gold_logprob=items.to_numpy()[np.arange(240), [*gold, *gold]])
        pairs = [f"c{number // 2:03}" for number in range(120)]
        items = items.assign(cluster_id=[*pairs, *pairs], predicted="0")
        rows = np.arange(240).reshape(2, 120).T
        part = SameItems("set", np.array(["base", "after"]), items, rows, seed, 300)
        before, later = part.drawn("base"), part.drawn("after")
        changes = {name: later.measured[name] - before.measured[name] for name in later.measured}
        changes["coverage"] = later.coverage(before) - before.coverage(before)
        for name in truth:
            found = of_set(f"{name}_change", changes[name], later)
            held[name] += found.low <= truth[name] <= found.high
    assert all(184 <= count <= 198 for count in held.values()), held


def test_a_set_that_was_not_scored_after_a_stage_is_named_where_it_is_left_out(two_stages):
    scores, items = study(two_stages)
    other = scores[scores["stage_index"] == 0].assign(probe="other")
    both = pd.concat([scores, other])
    found = study_calibration(both, {"set": items, "other": items}, 0, resamples=50)
    rows = numbers(found, "ece", probe="other")
    assert rows["value"].isna().tolist() == [False, True]
    assert rows["note"][1] == "missing: not scored"
    assert numbers(found, "ece", probe="")["note"][1] == "missing: not scored: other"


def test_a_mean_over_seeds_lacks_a_stage_that_one_of_them_lacks_and_says_so(two_stages):
    scores, items = study(two_stages)
    scores = scores.assign(train_seed=[1, 1])
    second = scores[scores["stage_index"] == 0].assign(train_seed=2)
    found = study_calibration(pd.concat([scores, second]), {"set": items}, 0, resamples=50)
    rows = numbers(found[found["unit"] == "train seeds"], "ece")
    assert rows["value"].isna().tolist() == [False, True]
    assert "missing: not scored" in rows["note"][1]
