"""Intervals of end tasks over clusters of items: worked numbers, naive references, and tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from end_task_case import end_task_spec
from end_task_scores import scores_of
from scipy.stats import t as student
from test_end_tasks_study import study_of

from lethe.artefacts.manifests import publish
from lethe.artefacts.nodes import write_results
from lethe.endtasks.f1 import ITEM_VALUES, METRICS, macro_f1, macro_f1_values
from lethe.longtables.collect import gather
from lethe.longtables.end_task_items import PREFIX, clustered_error, end_task_items
from lethe.longtables.end_task_rows import end_task_rows
from lethe.longtables.items import ItemsWriter, ItemTables, read_items
from lethe.longtables.tables import METRIC_COLUMNS, LongTables, read_scores, write_scores
from lethe.metrics.clustered import difference, item_score, level, p_of_difference
from lethe.metrics.end_task_intervals import end_task_intervals
from lethe.metrics.study import study_metrics
from lethe.planning.plan import make_plan
from lethe.planning.records import study_record
from lethe.tables import domains, end_task_tests, end_tasks, methods

TRUTH = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 2])


def test_an_items_value_is_the_score_and_its_influence_of_the_worked_example():
    """Class 0 has F1 4/5 of s = 5/6, 1 has 1/2 of 4/6, 2 has 2/3 of 3/6; its mean is 59/90."""
    values = macro_f1_values(TRUTH, PREDICTED)
    of_classes = [4 / 5, 1 / 2, 2 / 3]
    # The first item is a hit of class 0: (2 - 2 * 4/5) / (5/6).
    assert values[0] == pytest.approx((sum(of_classes) + (2 - 8 / 5) / (5 / 6)) / 3)
    # The third is of class 0 and was called 1: -4/5 / (5/6) and -1/2 / (4/6).
    moved = -(4 / 5) / (5 / 6) - (1 / 2) / (4 / 6)
    assert values[2] == pytest.approx((sum(of_classes) + moved) / 3)
    assert values.mean() == pytest.approx(macro_f1(TRUTH, PREDICTED)) == pytest.approx(59 / 90)


def test_item_values_average_to_every_score_and_follow_its_derivative():
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 3, 60)
    predicted = np.where(generator.random(60) < 0.7, truth, generator.integers(0, 3, 60))
    for name, values in ITEM_VALUES.items():
        assert values(truth, predicted).mean() == pytest.approx(METRICS[name](truth, predicted))
    # An item that is there once more moves macro-F1 by its influence over the number of items.
    often = 400
    values = macro_f1_values(truth, predicted)
    for place in (0, 7, 31):
        more = np.concatenate([np.tile(np.arange(60), often), [place]])
        moved = macro_f1(truth[more], predicted[more]) - macro_f1(truth, predicted)
        assert moved * (60 * often + 1) == pytest.approx(values[place] - values.mean(), abs=1e-3)


def test_the_standard_error_over_clusters_is_that_of_the_worked_example():
    # Three clusters, mean 1/2: parts (2 * 1/2, -1/2 - 1/2 + 0, ...) / 6.
    values = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    clusters = ["a", "a", "b", "b", "c", "c"]
    # Parts of a, b, c: 1/6, -1/6, 0; sqrt(3/2 * 2/36) = sqrt(1/12).
    assert clustered_error(values, clusters) == pytest.approx(np.sqrt(1 / 12))
    assert clustered_error(values, ["a"] * 6) is None
    # Alone, items have the usual standard error of a mean.
    alone = clustered_error(values, list("abcdef"))
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(6))


def made(stems: int, seed: int, known: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Right and predicted classes of eight items a stem, of which most are known or not."""
    generator = np.random.default_rng(seed)
    stem = np.repeat(np.arange(stems), 8)
    right = generator.random(stems)[stem] * 0.4 + known > generator.random(8 * stems)
    truth = stem % 3
    return truth, np.where(right, truth, (truth + 1) % 3), [f"stem {one}" for one in stem]


def test_an_interval_is_that_of_whole_stems_drawn_again():
    """The spread of macro-F1 of drawn stems, computed in full, by a loop."""
    truth, before, stems = made(24, 0, 0.5)
    after = made(24, 1, 0.3)[1]
    of_stem = [np.flatnonzero(np.array(stems) == name) for name in dict.fromkeys(stems)]
    generator, drawn = np.random.default_rng(5), []
    for _ in range(2000):
        chosen = np.concatenate([of_stem[one] for one in generator.integers(0, 24, 23)])
        drawn.append(
            macro_f1(truth[chosen], before[chosen]) - macro_f1(truth[chosen], after[chosen])
        )
    scores = [item_score(macro_f1_values(truth, one), stems) for one in (before, after)]
    found = difference([(1.0, scores[0]), (-1.0, scores[1])], seed=0)
    assert found.value == pytest.approx(macro_f1(truth, before) - macro_f1(truth, after))
    half = student.ppf(0.975, 23) * np.std(drawn)
    assert min(found.value - found.low, found.high - found.value) == pytest.approx(half, rel=0.1)
    assert (found.clusters, found.items) == (24, 192)


def test_stems_of_two_end_tasks_are_one_cluster():
    """Two tasks with the same stems and answers tell no more than one of them."""
    truth, predicted, stems = made(12, 2, 0.4)
    one = item_score(macro_f1_values(truth, predicted), stems)
    other = item_score(macro_f1_values(truth, predicted), [f"other {stem}" for stem in stems])
    alone, twice, apart = (level(scores, 0) for scores in ([one], [one, one], [one, other]))
    assert (alone.clusters, twice.clusters, apart.clusters) == (12, 12, 24)
    width = {name: found.high - found.low for name, found in (("1", alone), ("2", twice))}
    assert width["2"] == pytest.approx(width["1"], rel=0.1)
    assert apart.high - apart.low < 0.8 * width["1"]


def test_a_difference_is_paired_by_stems_and_its_p_is_students():
    truth, predicted, stems = made(12, 3, 0.4)
    score = item_score(macro_f1_values(truth, predicted), stems)
    same = difference([(1.0, score), (-1.0, score)], 0)
    # What is left is one item's toss of a coin.
    assert same.value == 0 and same.high < (level([score], 0).high - score.value) / 2
    low, high = -1.0 * student.ppf(0.975, 11) + 2, student.ppf(0.975, 11) + 2.5
    # The ends are 2 +- t and, on one side, skew: the standard error is 1 and t is 2.
    assert p_of_difference(2.0, low, high, 12) == pytest.approx(2 * student.sf(2, 11))
    assert np.isnan(p_of_difference(2.0, 2.0, 2.0, 12))


def test_one_cluster_has_no_interval():
    truth, predicted, _ = made(3, 0, 0.4)
    score = item_score(macro_f1_values(truth, predicted), ["a"] * len(truth))
    assert np.isnan(level([score], 0).low) and np.isnan(difference([(1.0, score)], 0).low)


def manifest(**changes) -> dict:
    """Of an end task of two seeds and three texts in two clusters."""
    result = {
        "counts": {"train": 4, "test": 3},
        "scores": {"test": {"accuracy": 2 / 3}},
        "labels": ["no", "yes"],
        "clusters": ["zor", "zor", "kel"],
        "named_clusters": True,
    }
    seeds = [
        {**result, "seed": 0, "predicted": [1, 0, 1], "values": {"accuracy": [1.0, 1.0, 0.0]}},
        {**result, "seed": 1, "predicted": [0, 0, 1], "values": {"accuracy": [0.0, 1.0, 1.0]}},
    ]
    made = {"spec": end_task_spec(metric="accuracy"), "parameters": 7, "task_digest": "d"}
    return {**made, "results": [{**one, **changes} for one in seeds]}


def test_items_are_means_over_seeds_in_the_clusters_of_their_files():
    rows = end_task_items(manifest())
    assert [row["correct"] for row in rows] == [0.5, 1.0, 0.5]
    assert [row["cluster_id"] for row in rows] == ["zor", "zor", "kel"]
    assert [row["predicted"] for row in rows] == ["yes", "no", "yes"]
    # Names that only tell texts apart are not shared with other end tasks.
    (first, *_) = end_task_items(manifest(named_clusters=False))
    assert first["cluster_id"] == "toy zor"
    # Those that the files name are shared with end tasks on the same data.
    assert first["cluster_scope"] == "" and rows[0]["cluster_scope"] == manifest()["spec"]["data"]
    old = [{"seed": 0, "counts": {"test": 3}, "scores": {"test": {"accuracy": 1.0}}}]
    assert end_task_items({**manifest(), "results": old}) == []


@pytest.mark.parametrize(("other", "clusters"), [("texts-1", 2), ("texts-2", 4)])
def test_end_tasks_share_clusters_of_equal_names_on_the_same_data_alone(other, clusters):
    scores = scores_of({("sequential", "ab", 0): (70, 70, 70, 70)})
    tables = {}
    for name, data in (("task_a", "texts-1"), ("task_b", other)):
        made = manifest()
        made["spec"] = made["spec"] | {"end_task": name, "data": data}
        rows = pd.DataFrame(end_task_items(made))
        rows = rows.assign(value_accuracy=rows["correct"], value_macro_f1=rows["correct"])
        nodes = scores["node"].unique()
        tables[PREFIX + name] = pd.concat([rows.assign(node=node) for node in nodes])
    found = pd.DataFrame(end_task_intervals(scores, tables, 0, 50))
    summaries = found[(found["probe"] == "") & found["metric"].isin(["f1_own", "f1_final"])]
    assert set(summaries["n_units"]) == {clusters}


def test_scores_have_the_standard_error_over_their_clusters():
    rows = end_task_rows({}, manifest(), {"toy": "simp"})
    # Parts of zor and kel: (1/3 + 1/3) / 3 and -2/9; sqrt(2 * 2 * (2/9)^2).
    assert rows[0]["stderr"] == pytest.approx(np.sqrt(2 * 2 * (2 / 9) ** 2))


STEMS = 12


def study(methods: dict[str, tuple]) -> LongTables:
    """Two end tasks in one run a method, with items: shares of right answers by method."""
    scores = scores_of({(name, "ab", 0): cells for name, cells in methods.items()})
    items: dict[str, list] = {}
    truth = np.repeat(np.arange(STEMS), 10) % 3
    for (node, probe), rows in scores.groupby(["node", "probe"]):
        right = round(rows["value"].iloc[0] * len(truth))
        # The same stems are easy for all.
        easy = np.random.default_rng(0).permutation(len(truth)) < right
        predicted = np.where(easy, truth, (truth + 1) % 3)
        for metric, values in ITEM_VALUES.items():
            mine = (scores["node"] == node) & (scores["probe"] == probe)
            place = mine & (scores["metric"] == metric)
            scores.loc[place, "value"] = values(truth, predicted).mean()
        values = {f"value_{name}": of(truth, predicted) for name, of in ITEM_VALUES.items()}
        clusters = [f"stem {n // 10}" for n in range(len(truth))]
        items.setdefault(f"{PREFIX}{probe}", []).append(
            pd.DataFrame({"node": node, "cluster_id": clusters, **values})
        )
    joined = {name: pd.concat(parts, ignore_index=True) for name, parts in items.items()}
    rows = end_task_intervals(scores, joined, 0, 200)
    return LongTables(scores, pd.DataFrame(rows, columns=METRIC_COLUMNS)).parted()


POINTS = {"sequential": (40, 90, 60, 80), "das": (40, 85, 75, 85)}


def test_the_tables_of_one_run_have_intervals_over_stems():
    tables = study(POINTS)
    frame = end_tasks.build(tables).frame.set_index("method")
    assert set(frame["interval_over"]) == {f"{STEMS} item clusters"}
    for method in ("none", "sequential", "das"):
        row = frame.loc[method]
        assert row["task_a_low"] < row["task_a"] < row["task_a_high"]
        assert row["f1_final_low"] < row["f1_final"] < row["f1_final_high"]
    das = frame.loc["das"]
    assert das["f1_gain"] == pytest.approx(das["f1_final"] - frame.loc["sequential", "f1_final"])
    assert das["f1_gain_low"] < das["f1_gain"] < das["f1_gain_high"]
    assert np.isnan(frame.loc["sequential", "f1_gain_low"])
    # So has the table of domains, whose F1 is the same number.
    of_domains = domains.build(tables).frame.set_index("method").loc["das"]
    for part, name in (("final", "f1_final"), ("forgotten", "f1_fr_ke")):
        names = [f"f1_{part}{end}" for end in ("", "_low", "_high")]
        assert of_domains[names].tolist() == pytest.approx(
            [das[f"{name}{end}"] for end in ("", "_low", "_high")]
        )
    assert of_domains["interval_over"] == "stems"
    # And that of methods, whose measures are the same numbers; BWT has the other sign.
    row = methods.build(tables).frame.set_index("method").loc["das"]
    for measure, name, sign in (
        ("la", "f1_own", 1),
        ("acc", "f1_final", 1),
        ("bwt_gem", "f1_fr_ke", -1),
    ):
        ends = sorted(sign * das[f"{name}{end}"] for end in ("_low", "_high"))
        assert [row[f"{measure}_low"], row[f"{measure}_high"]] == pytest.approx(ends), measure
        assert not np.isnan(ends).any()


def test_a_paired_test_of_one_run_is_over_stems():
    tables = study(POINTS)
    frame = end_task_tests.build(tables).frame
    assert len(frame) == 1
    # Figures and tables of general ability know nothing of these rows.
    assert not len(tables.metrics) and len(tables.parted().end_tasks) == len(tables.end_tasks)
    row = frame.iloc[0]
    found = tables.end_tasks.set_index("metric").loc["f1_fr_ke_less_sequential"]
    assert (row["method"], row["against"]) == ("das", "sequential")
    assert (row["n"], row["over"]) == (STEMS, "item clusters")
    assert row["f1_fr_ke"] == pytest.approx(found["value"])
    assert row["f1_fr_ke_low"] == found["low"] and row["f1_fr_ke_high"] == found["high"]
    assert 0 < row["f1_fr_ke_p_t"] < 1 and np.isnan(row["f1_fr_ke_p"])


def test_with_several_runs_the_unit_stays_the_run():
    cells = {(name, "ab", world): c for name, c in POINTS.items() for world in range(3)}
    one = study(POINTS)
    frame = end_tasks.build(replace(one, scores=scores_of(cells))).frame
    assert set(frame["interval_over"]) == {"3 runs"}


def results_of(spec: dict, stage: int) -> list[dict]:
    """Results of 24 texts of eight stems, a third more of them wrong after each stage."""
    truth = np.arange(24) % 3
    predicted = np.where(np.arange(24) // 3 < 8 - 2 * stage, truth, (truth + 1) % 3)
    return [
        {
            "seed": seed,
            "counts": {"train": 4, "test": 24},
            "scores": {"test": {name: of(truth, predicted) for name, of in METRICS.items()}},
            "labels": ["a", "b", "c"],
            "predicted": predicted.tolist(),
            "values": {name: of(truth, predicted).tolist() for name, of in ITEM_VALUES.items()},
            "clusters": [f"stem {place // 3}" for place in range(24)],
            "named_clusters": True,
        }
        for seed in spec["seeds"]
    ]


def test_a_studys_items_of_end_tasks_reach_its_tables(tmp_path):
    study, catalogue = study_of(probes=[])
    plan = make_plan(study, catalogue)
    for run in plan.runs:
        for stage, checkpoint in enumerate(run.checkpoints):
            for node in plan.end_tasks[checkpoint]:
                spec, place = plan.nodes[node].spec, tmp_path / "endtasks" / node
                told = {"spec": spec, "parameters": 7, "task_digest": "d"}
                publish(place, "end_task.json", told, write_results(place, results_of(spec, stage)))
    with ItemsWriter(tmp_path / "items", tmp_path / "work") as writer:
        rows = gather(study_record(study, catalogue, plan), tmp_path, writer)
        files = writer.finish()
    assert {read_items(path)["probe"].iloc[0] for path in files} == {
        "end_task.toy",
        "end_task.other",
    }
    write_scores(tmp_path / "scores.csv", rows)
    scores = read_scores(tmp_path / "scores.csv")
    assert scores["stderr"].notna().all()
    metrics = study_metrics(scores, ItemTables(tmp_path / "items"), 0, 200)
    table = end_tasks.build(LongTables(scores, metrics).parted()).frame.set_index("method")
    # Both end tasks ask for the same eight stems.
    assert set(table["interval_over"]) == {"8 item clusters"}
    last = table.loc["sequential"]
    assert last["f1_final_low"] < last["f1_final"] < last["f1_final_high"]
    # own of toy after stage 1: six of eight stems; final: four; the order's last domain is other's.
    assert last["acc_fr_ke"] == pytest.approx(25)
    assert last["acc_fr_ke_low"] < 25 < last["acc_fr_ke_high"]
