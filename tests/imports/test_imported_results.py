"""Scores made elsewhere come through as they are, and what cannot be compared is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from result_files import DATE, choice_sample, result, study, task_entry, write, write_samples
from scipy import stats

from lethe.artefacts.manifests import publish
from lethe.artefacts.nodes import read_results, write_results
from lethe.artefacts.paths import node_directory
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.imported.result_file import read_result_file
from lethe.imported.scores import imported_results
from lethe.longtables.collect import gather
from lethe.longtables.items import ItemsWriter, ItemTables, read_items
from lethe.longtables.tables import read_scores, write_scores
from lethe.metrics.study import study_metrics
from lethe.planning.plan import make_plan
from lethe.planning.records import study_record

KNOWLEDGE = {"axis": "knowledge", "metric": "acc", "chance": 0.25}


def planned(raw):
    chosen = parse_study(merge(read_yaml(DEFAULT), raw))
    catalogue = read_catalogue(chosen)
    return chosen, catalogue, make_plan(chosen, catalogue)


def specs(raw):
    return [node.spec for node in planned(raw)[2].of_kind("probe")]


def refused(raw) -> str:
    with pytest.raises(UserError) as told:
        planned(raw)
    return str(told.value)


def two_stages(folder, first: dict, second: dict) -> list[list[str]]:
    return [[write(folder / "base", first)], [write(folder / "one", second)]]


def publish_probe(results, node, spec, found, parameters):
    folder = node_directory(results, "probe", node)
    facts = {"spec": spec, "parameters": parameters}
    publish(folder, "probe.json", facts, write_results(folder, found))


def collected(raw, results):
    """The two tables of a study of result files alone."""
    chosen, catalogue, plan = planned(raw)
    for node in plan.of_kind("probe"):
        found, parameters, _ = imported_results(node.spec)
        publish_probe(results, node.id, node.spec, found, parameters)
    write_scores(results / "scores.csv", gathered(study_record(chosen, catalogue, plan), results))
    return read_scores(results / "scores.csv"), ItemTables(results / "items")


def gathered(record, results):
    """The rows of the scores; items are written."""
    with ItemsWriter(results / "items", results / "work") as items:
        rows = gather(record, results, items)
        items.finish()
    return rows


def test_a_score_comes_through_with_its_error_size_version_and_precision(tmp_path):
    files = two_stages(tmp_path, result({"quiz": 0.75}), result({"quiz": 0.5}))
    scores, items = collected(study(files, {"quiz": KNOWLEDGE}), tmp_path)
    rows = scores[scores["headline"]]
    assert rows["value"].tolist() == [0.75, 0.5]
    assert rows["stage_task"].tolist() == ["", "simp"]
    told = rows.iloc[0]
    assert (told["stderr"], told["n"], told["shots"], told["params"]) == (0.1, 12, 0, 1000)
    assert (told["engine"], told["dtype"]) == ("lm-eval", "bfloat16")
    assert (told["task_version"], told["lm_eval_version"]) == ("1.0", "0.4.13")
    assert told["higher_is_better"] and told["chance"] == 0.25
    # An error that lm-eval could not compute is empty, not zero.
    assert scores[scores["metric"] == "acc_norm"]["stderr"].isna().all()
    metrics = study_metrics(scores, items, 0, 50)
    drop = metrics[(metrics["metric"] == "drop_points") & (metrics["probe"] == "quiz")]
    assert drop["value"].item() == pytest.approx(25.0)
    assert "interval from standard errors" in drop["note"].item()


def grouped(acc: float) -> dict:
    raw = result({"a": acc, "b": acc})
    group = {"alias": "ab", "acc,none": acc, "acc_stderr,none": 0.07}
    raw["results"]["ab"] = group
    raw["results"]["all"] = {"alias": "all", " ": " "}
    raw["groups"] = {"ab": group}
    raw["group_subtasks"] = {"ab": ["b", "a"], "all": ["ab"]}
    raw["versions"]["ab"] = 2
    return raw


def test_a_group_counts_the_items_of_its_tasks_and_a_group_without_a_score_is_none(tmp_path):
    found = read_result_file(write(tmp_path, grouped(0.5)), "here").tasks
    assert found.keys() == {"a", "b", "ab"}
    assert (found["ab"].n, found["ab"].shots, found["ab"].version) == (24, 0, "2/1.0")
    assert found["ab"].leaves == ("a", "b")


def test_samples_beside_a_result_give_the_items_of_a_group(tmp_path):
    right = {"a": [True] * 9 + [False] * 3, "b": [True] * 3 + [False] * 9}
    for name in ("base", "one"):
        files = write(tmp_path / name, grouped(0.5))
        for place, (task, values) in enumerate(right.items()):
            samples = [
                choice_sample(100 * place + i, value, kind="xy"[i % 2], text=i // 4)
                for i, value in enumerate(values)
            ]
            write_samples(tmp_path / name, task, samples)
        assert DATE in files
    paths = [[str(tmp_path / name / f"results_{DATE}.json")] for name in ("base", "one")]
    # The two stages' files would be taken for the same one.
    second = grouped(0.5) | {"date": 2}
    write(tmp_path / "one", second)
    task = {**KNOWLEDGE, "cluster": "text", "subset": "kind"}
    scores, items = collected(study(paths, {"ab": task}), tmp_path)
    base = read_items(tmp_path / "items" / "ab.parquet")
    base = base[base["node"] == scores["node"].iloc[0]]
    assert len(base) == 24 and base["item_id"].is_unique
    assert base["correct"].mean() == 0.5
    assert set(base["cluster_id"]) == {"0", "1", "2"}
    one = base[base["correct"] == 1].iloc[0]
    assert (one["gold_logprob"], one["margin"], one["predicted"]) == (-1.0, 2.0, "0")
    parts = scores[(scores["stage_index"] == 0) & (scores["subset"] != "")]
    assert parts["n"].tolist() == [12, 12]
    metrics = study_metrics(scores, items, 0, 50)
    assert set(metrics[metrics["metric"] == "score_acc"]["unit"]) == {"item clusters"}


def answered(number: int, strict: bool, flexible: bool) -> list[dict]:
    """The samples of one document: lm-eval logs it once for each filter."""
    sample = choice_sample(number, True) | {"filtered_resps": ["4"], "metrics": ["exact_match"]}
    return [
        sample | {"filter": name, "exact_match": float(right)}
        for name, right in (("strict", strict), ("flexible", flexible))
    ]


@pytest.mark.parametrize("headline", ["exact_match,strict", "exact_match,flexible"])
def test_every_filter_of_logged_samples_is_paired_over_the_stages(tmp_path, headline):
    right = {"base": [True] * 9 + [False] * 3, "one": [True] * 6 + [False] * 6}
    for name, values in right.items():
        mean = sum(values) / len(values)
        write(tmp_path / name, filtered({"strict": mean, "flexible": 1 - mean}) | {"date": name})
        samples = [s for n, value in enumerate(values) for s in answered(n, value, not value)]
        write_samples(tmp_path / name, "maths", samples)
    files = [[str(tmp_path / name / f"results_{DATE}.json")] for name in right]
    task = {"axis": "reasoning", "metric": headline, "chance": 0.0}
    scores, items = collected(study(files, {"maths": task}), tmp_path)
    found = items["maths"]
    assert len(found) == 24
    assert (found["value_exact_match,strict"] + found["value_exact_match,flexible"] == 1).all()
    metrics = study_metrics(scores, items, 0, 200)
    drop = metrics[(metrics["metric"] == "drop_points") & (metrics["probe"] == "maths")].iloc[0]
    assert abs(drop["value"]) == pytest.approx(25) and drop["note"] == ""
    # Nothing was learned, three items of 12 were lost. Unpaired, three quarters and a half of them
    # right have a standard error of 19 points; paired, the interval is a fifth narrower or more.
    unpaired = 100 * np.sqrt((0.75 * 0.25 + 0.5 * 0.5) / 12) * stats.t.ppf(0.975, 11)
    assert (drop["high"] - drop["low"]) / 2 < 0.8 * unpaired


def test_a_second_metric_of_logged_samples_is_paired_and_a_statistic_of_the_corpus_is_not(tmp_path):
    for name, norm in {"base": 9, "one": 6}.items():
        raw = result({"quiz": 0.5}) | {"date": name}
        raw["results"]["quiz"] |= {"acc_norm,none": norm / 12, "acc_norm_stderr,none": 0.12}
        raw["results"]["quiz"] |= {"f1,none": 0.5, "f1_stderr,none": 0.1, "brier,none": 0.2}
        write(tmp_path / name, raw)
        samples = [
            choice_sample(n, n < 6) | {"acc_norm": float(n < norm), "f1": [1, 0], "brier": 10**400}
            for n in range(12)
        ]
        write_samples(tmp_path / name, "quiz", samples)
    files = [[str(tmp_path / name / f"results_{DATE}.json")] for name in ("base", "one")]
    for metric, note in (("acc_norm", ""), ("f1", "interval from standard errors, not paired")):
        task = {**KNOWLEDGE, "metric": metric}
        scores, items = collected(study(files, {"quiz": task}), tmp_path / metric)
        assert {"value_acc", "value_acc_norm"} <= set(items["quiz"])
        found = study_metrics(scores, items, 0, 200)
        drop = found[(found["metric"] == "drop_points") & (found["probe"] == "quiz")].iloc[0]
        assert drop["note"] == note
    listed = read_items(tmp_path / "acc_norm" / "items" / "quiz.parquet")["choice_logprobs"]
    assert listed[0].tolist() == [-1.0, -3.0] and listed[11].tolist() == [-4.0, -3.5]


def test_what_the_files_lack_is_missing_and_told_once(tmp_path):
    files = two_stages(tmp_path, result({"quiz": 0.75, "b": 0.5}), result({"quiz": 0.5}))
    tasks = {"quiz": KNOWLEDGE, "b": KNOWLEDGE, "c": KNOWLEDGE}
    lacking = [imported_results(spec)[2] for spec in specs(study(files, tasks))]
    assert lacking == [["the task c"], ["the task b", "the task c"]]
    scores, items = collected(study(files, tasks), tmp_path)
    metrics = study_metrics(scores, items, 0, 50)
    cell = metrics[(metrics["probe"] == "b") & (metrics["stage_index"] == 1)]
    assert cell["note"].item() == "missing" and cell["value"].isna().all()
    drop = metrics[(metrics["probe"] == "b") & (metrics["metric"] == "drop_points")]
    assert "missing" in drop["note"].item()


def filtered(scores: dict[str, float]) -> dict:
    raw = result({"maths": 0.0})
    raw["results"]["maths"] = {f"exact_match,{name}": value for name, value in scores.items()}
    return raw


def test_a_metric_of_several_filters_is_named_with_its_filter(tmp_path):
    files = two_stages(
        tmp_path, filtered({"strict": 0.5, "flexible": 0.75}), filtered({"strict": 0.25})
    )
    one = {"axis": "reasoning", "metric": "exact_match,strict"}
    scores, _ = collected(study(files, {"maths": one}), tmp_path)
    assert scores[scores["headline"]]["value"].tolist() == [0.5, 0.25]
    told = refused(study(files, {"maths": {"axis": "reasoning", "metric": "exact_match"}}))
    assert "'exact_match,strict' and 'exact_match,flexible'" in told


@pytest.mark.parametrize("metric", ["accnorm", "acc,strict", "f1"])
def test_a_metric_that_no_stage_has_is_refused_before_anything_runs(tmp_path, metric):
    files = two_stages(tmp_path, result({"quiz": 0.75}), result({"quiz": 0.5}))
    told = refused(study(files, {"quiz": KNOWLEDGE | {"metric": metric}}))
    assert "'quiz'" in told and "`acc`" in told and repr(metric) in told


@pytest.mark.parametrize("text", ["{", "[]", '{"results": 1}', '{"results": {}}', "{}"])
def test_a_file_that_is_no_result_is_refused(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    good = write(tmp_path / "good", result({"quiz": 0.5}))
    told = refused(study([[good], [str(path)]], {"quiz": KNOWLEDGE}))
    assert told.startswith("imports.mine.stages[1].results: ") and str(path) in told


def test_a_file_that_is_absent_is_refused(tmp_path):
    good = write(tmp_path / "good", result({"quiz": 0.5}))
    told = refused(study([[good], [str(tmp_path / "none.json")]], {"quiz": KNOWLEDGE}))
    assert "cannot be read: No such file or directory" in told


def test_a_task_in_two_files_of_a_stage_is_refused(tmp_path):
    files = [write(tmp_path / name, result({"quiz": 0.5})) for name in ("a", "b", "c")]
    told = refused(study([files[:2], files[2:]], {"quiz": KNOWLEDGE}))
    assert "the task 'quiz' is in both" in told and "name one of the two" in told
    # Long paths keep their ends.
    assert all("/".join(Path(file).parts[-2:]) in told for file in files[:2])


def test_the_same_file_for_two_stages_is_refused(tmp_path):
    path = write(tmp_path, result({"quiz": 0.5}))
    assert "same results as stage 0" in refused(study([[path], [path]], {"quiz": KNOWLEDGE}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"versions": {"quiz": 2.0}}, "the version '1.0' in stage 0 (base) and '2.0' in stage 1"),
        ({"lm_eval_version": "0.4.9"}, "the lm-eval version '0.4.13' in stage 0 (base)"),
        ({"n-shot": {"quiz": 5}}, "the number of shots '0' in stage 0 (base) and '5' in stage 1"),
        ({"configs": {"quiz": {"doc_to_text": "x"}}}, "the definition (digest)"),
        ({"config": {"model_dtype": "torch.float32"}}, "the precision 'bfloat16' in stage 0"),
    ],
)
def test_a_task_that_differs_between_stages_is_refused(tmp_path, changes, words):
    other = result({"quiz": 0.5}, **changes)
    told = refused(study(two_stages(tmp_path, result({"quiz": 0.75}), other), {"quiz": KNOWLEDGE}))
    assert "imports.mine: the evaluation task 'quiz'" in told and words in told
    assert "score stage 0 (base) again" in told


def test_the_stage_that_stands_alone_is_to_be_scored_again(tmp_path):
    raws = [result({"quiz": acc}) for acc in (0.75, 0.5, 0.25)]
    raws[1]["versions"] = {"quiz": 2.0}
    files = [[write(tmp_path / str(place), raw)] for place, raw in enumerate(raws)]
    assert "score stage 1 (simp) again" in refused(study(files, {"quiz": KNOWLEDGE}))


def test_where_a_function_or_file_lay_is_no_difference(tmp_path):
    def described(address: str) -> dict:
        config = {"process_results": f"<function f at 0x{address}>"}
        config |= {"metadata": {"pretrained": address}, "dataset_kwargs": {"data_files": address}}
        return result({"quiz": 0.5}, configs={"quiz": config}, date=address)

    files = two_stages(tmp_path, described("7f01"), described("7f02"))
    assert len(specs(study(files, {"quiz": KNOWLEDGE}))) == 2


def test_the_probe_must_say_the_shots_that_were_used(tmp_path):
    raws = [result({"quiz": acc}, **{"n-shot": {"quiz": 5}}) for acc in (0.75, 0.5)]
    files = two_stages(tmp_path, *raws)
    assert "write `shots: 5` in the probe" in refused(study(files, {"quiz": KNOWLEDGE}))
    assert len(specs(study(files, {"quiz": {**KNOWLEDGE, "shots": 5}}))) == 2


def test_files_without_any_wanted_task_are_refused(tmp_path):
    files = two_stages(tmp_path, result({"a": 0.5}), result({"a": 0.6}))
    told = refused(study(files, {"quiz": KNOWLEDGE}))
    assert "hold no task of the selected probes" in told and "found a" in told


def test_a_chain_of_both_kinds_is_refused(tmp_path):
    raw = study([[write(tmp_path, result({"quiz": 0.5}))]], {"quiz": KNOWLEDGE})
    stages = raw["define"]["imports"]["mine"]["stages"]
    stages.append({"task": "simp", "import": str(tmp_path)})
    assert "stage 0 has `results`, stage 1 has `import`" in refused(raw)


def test_two_chains_that_no_table_can_tell_apart_are_refused(tmp_path):
    files = two_stages(tmp_path, result({"quiz": 0.75}), result({"quiz": 0.5}))
    raw = study(files, {"quiz": KNOWLEDGE})
    raw["define"]["imports"]["again"] = raw["define"]["imports"]["mine"]
    raw["imports"] = ["mine", "again"]
    assert "have the same model, method, order" in refused(raw)
    raw["define"]["imports"]["again"] = raw["define"]["imports"]["mine"] | {"train_seed": 1}
    assert len(planned(raw)[2].runs) == 2


def test_a_changed_file_is_a_new_node_and_is_not_taken_for_the_old_one(tmp_path):
    files = two_stages(tmp_path, result({"quiz": 0.75}), result({"quiz": 0.5}))
    before = specs(study(files, {"quiz": KNOWLEDGE}))
    os.truncate(files[1][0], 0)
    write(tmp_path / "one", result({"quiz": 0.25}))
    after = specs(study(files, {"quiz": KNOWLEDGE}))
    assert before[0] == after[0] and before[1] != after[1]
    with pytest.raises(UserError, match="has changed since it was planned"):
        imported_results(before[1])


def test_scores_made_here_that_differ_in_version_are_refused_when_collected(tmp_path):
    files = two_stages(tmp_path, result({"quiz": 0.75}), result({"quiz": 0.5}))
    raw = study(files, {"quiz": KNOWLEDGE})
    collected(raw, tmp_path)
    chosen, catalogue, plan = planned(raw)
    node = plan.runs[0].checkpoints[1]
    probe = read_results(tmp_path, "probe", node)
    probe["results"][0]["version"] = "2.0"
    del probe["spec"]["imported"]
    publish_probe(tmp_path, node, probe["spec"], probe["results"], probe["parameters"])
    with pytest.raises(UserError) as told:
        gathered(study_record(chosen, catalogue, plan), tmp_path)
    words = "m, sequential, imported: the evaluation task 'quiz' has the version '1.0' in stage 0"
    assert words in str(told.value) and "score stage 0 (base) again" in str(told.value)


def test_the_size_of_a_task_is_known_without_n_samples(tmp_path):
    raw = result({"quiz": 0.5})
    del raw["n-samples"]
    raw["results"]["quiz"] = task_entry("quiz", 0.5, n=7)
    assert read_result_file(write(tmp_path, raw), "here").tasks["quiz"].n == 7


def test_no_memory_is_asked_of_a_cluster_for_a_model_that_is_not_there(tmp_path):
    files = two_stages(tmp_path, result({"quiz": 0.75}), result({"quiz": 0.5}))
    _, _, plan = planned(study(files, {"quiz": KNOWLEDGE}, params=7e9))
    assert not plan.sizes
