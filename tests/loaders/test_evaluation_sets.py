"""Every evaluation set of the paper's study, offline, on small files with its real columns."""

import json
from dataclasses import replace

import evaluation_world as world
import pytest
from evaluation_tables import REPOSITORIES, ROWS

from lethe.config.reading import read_catalogue, read_study
from lethe.errors import UserError
from lethe.evaluation.specification import EvalTask

# Every set of the paper is loaded and scored by lm-eval.
pytestmark = pytest.mark.slow

PROBES = ("luo2023", "luo2023-calibration")
CATALOGUE = read_catalogue(read_study())
TASKS = {name: entry for probe in PROBES for name, entry in CATALOGUE.probes[probe].tasks.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    world.write_checkpoint(folder / "checkpoint")
    for source, write in REPOSITORIES.items():
        write(folder / source / "files")
    return folder


def task(place, name: str, **changes) -> EvalTask:
    entry = TASKS[name]
    source = str(place / entry.source / "files")
    wanted = EvalTask(name, None, axis=entry.axis, chance=entry.chance, shots=entry.shots)
    wanted = replace(wanted, cluster=entry.cluster, subset=entry.subset, dataset_path=source)
    return replace(wanted, **changes)


def score(place, store, *tasks) -> list[dict]:
    from lethe.evaluation.harness import score_checkpoint

    return score_checkpoint(place / "checkpoint", "0" * 64, list(tasks), store)


@pytest.fixture(scope="module")
def results(place):
    found = score(place, place / "store", *(task(place, name) for name in TASKS))
    return {result["task"]: result for result in found}


def value(result: dict, metric: str, subset: str = "") -> dict:
    (row,) = (r for r in result["scores"] if (r["metric"], r["subset"]) == (metric, subset))
    return row


def test_every_source_of_the_probes_has_a_repository_with_its_real_columns():
    assert {entry.source for entry in TASKS.values()} == set(REPOSITORIES)
    assert all(CATALOGUE.sources[source].loader is None for source in REPOSITORIES)


@pytest.mark.parametrize("name", TASKS)
def test_every_evaluation_set_is_scored_offline_with_its_headline_metric(results, name):
    row = value(results[name], TASKS[name].metric)
    assert row["n"] == len(results[name]["items"]) > 0
    assert 0 <= row["value"] <= 1


STOCK = ["mmlu_anatomy", *(name for name in TASKS if "mmlu" not in name)]


@pytest.mark.parametrize("name", STOCK)
def test_the_requests_are_those_of_stock_lm_eval_on_the_same_files(place, name, tmp_path):
    from lm_eval.api.task import ConfigurableTask

    from lethe.evaluation.tasks import build, find

    known = "mmlu_stem" if name == "mmlu_anatomy" else name
    source = find(replace(task(place, known), name=name))
    ours = build(source)
    arguments = {"cache_dir": str(tmp_path)}
    config = {**source.config, "dataset_path": str(source.folder), "dataset_kwargs": arguments}
    stock = ConfigurableTask(config=config)
    stock.set_fewshot_seed(seed=1234)
    for one in (ours, stock):
        one.build_all_requests()
    assert [i.args for i in ours.instances] == [i.args for i in stock.instances]
    assert ours.instances


@pytest.mark.parametrize("group", [name for name in TASKS if "mmlu" in name])
def test_a_group_is_one_set_in_which_every_item_counts_the_same(place, results, group, tmp_path):
    from lethe.evaluation.lookup import members

    result = results[group]
    parts = score(place, place / "store", *members(task(place, group)))
    correct = [item["correct"] for part in parts for item in part["items"]]
    assert value(result, "acc")["value"] == pytest.approx(sum(correct) / len(correct))
    weighted = sum(value(part, "acc")["value"] * part["n"] for part in parts) / len(correct)
    assert value(result, "acc")["value"] == pytest.approx(weighted)
    assert {item["cluster_id"] for item in result["items"]} == {part["task"] for part in parts}
    assert len({item["item_id"] for item in result["items"]}) == result["n"] == len(correct)
    assert len({part["n"] for part in parts}) > 1


def test_a_group_keeps_each_of_its_tasks_in_the_store(place, results):
    kept = [path.name for path in (place / "store").iterdir() if path.name.startswith("mmlu_")]
    assert len(kept) == 2 * 57


def test_mmlu_has_five_examples_and_its_scoring_is_by_letter_or_by_answer(place):
    from lethe.evaluation.tasks import build, find

    prompts = {}
    for name in ("mmlu_anatomy", "mmlu_answers_anatomy"):
        wanted = replace(task(place, "mmlu_stem"), name=name)
        built = build(find(wanted))
        built.build_all_requests()
        prompts[name] = [instance.args for instance in built.instances[:4]]
        assert built.instances[0].args[0].count("Answer:") == 6
    letters = [continuation for _, continuation in prompts["mmlu_anatomy"]]
    assert letters == [" A", " B", " C", " D"]
    context, answer = prompts["mmlu_answers_anatomy"][0]
    assert context.startswith("Question: ") and "Choices:\nA. " in context
    assert answer == " " + context.rpartition("A. ")[2].split("\nB. ")[0]


def test_race_middle_is_a_document_a_passage_with_the_earlier_questions_answered(place, results):
    assert results["race_middle"]["n"] == ROWS
    assert results["race_middle"]["version"] == results["race"]["version"]
    from lethe.evaluation.tasks import build, find

    built = build(find(task(place, "race_middle")))
    docs = list(built.test_docs())
    assert [built.doc_to_text(doc).count("Answer: ") for doc in docs] == [0, 1, 2, 0, 1, 2]


def test_mutual_and_its_stock_form_ask_the_same_and_differ_in_recall_alone(results):
    ours, stock = results["mutual"], results["mutual_stock"]
    assert value(ours, "mrr") == value(stock, "mrr")
    assert [i["margin"] for i in ours["items"]] == [i["margin"] for i in stock["items"]]
    assert value(ours, "r@1")["value"] == pytest.approx(
        sum(item["correct"] for item in ours["items"]) / ours["n"]
    )
    assert ours["version"] != stock["version"] and ours["task_digest"] != stock["task_digest"]


def test_bias_is_scored_by_category(results):
    parts = {row["subset"] for row in results["crows_pairs_english"]["scores"]}
    assert parts == {"", "age", "race-color", "physical-appearance"}


def test_what_upstream_calls_recall_is_whether_the_second_reply_is_right():
    from lm_eval.tasks.mutual import utils

    from lethe.evaluation.mutual import process_results

    # The right reply, A, is the likeliest; B is least likely.
    ranked = [(-1.0, False), (-9.0, False), (-2.0, False), (-3.0, False)]
    ours = process_results({"answers": "A"}, ranked)
    assert ours == {"r@1": 1.0, "r@2": 1.0, "mrr": 1.0}
    assert not utils.process_results({"answers": "A"}, ranked)["r@1"]
    assert utils.process_results({"answers": "B"}, ranked)["r@1"]
    assert process_results({"answers": "B"}, ranked) == {"r@1": 0.0, "r@2": 0.0, "mrr": 0.25}
    assert process_results({"answers": "C"}, ranked) == {"r@1": 0.0, "r@2": 1.0, "mrr": 0.5}
    for letter in "ABCD":
        theirs = utils.process_results({"answers": letter}, ranked)
        assert theirs["mrr"] == process_results({"answers": letter}, ranked)["mrr"]


def test_a_task_counts_by_the_content_of_its_files_and_not_by_where_they_lie(place, tmp_path):
    import shutil

    from lethe.evaluation.task_digest import task_digest
    from lethe.evaluation.tasks import find

    first = task_digest(find(task(place, "piqa")))
    moved = tmp_path / "piqa" / "files"
    shutil.copytree(place / "piqa" / "files", moved)
    assert task_digest(find(task(place, "piqa", dataset_path=str(moved)))) == first
    recorded = {"repo": "baber/piqa", "files": {}}
    for path in sorted(moved.rglob("*.*")):
        recorded["files"][f"files/{path.relative_to(moved)}"] = {"size": 1, "sha256": "f" * 64}
    (moved.parent / "fetch.json").write_text(json.dumps(recorded))
    assert task_digest(find(task(place, "piqa", dataset_path=str(moved)))) != first


@pytest.mark.parametrize(
    ("name", "rows", "sentence"),
    [
        ("piqa", [{"goal": "a", "sol1": "b", "answer2": "c", "label": 0}], "'sol2'.*found goal"),
        ("boolq", [{"question": "a", "passages": "b", "idx": 0, "label": 0}], "passage"),
        ("hellaswag", [{"ctx": "a", "endings": ["b"], "label": "0"}], "'ctx_a'"),
    ],
)
def test_a_renamed_column_is_named_with_what_was_found(place, tmp_path, name, rows, sentence):
    from evaluation_tables import write_repository

    subset = {"boolq": "boolq"}.get(name, "default")
    write_repository(tmp_path / "files", {subset: {"train": rows, "validation": rows}})
    with pytest.raises(UserError, match=sentence):
        score(place, tmp_path / "s", task(place, name, dataset_path=str(tmp_path / "files")))
    assert not list((tmp_path / "s").glob("*"))


def test_a_split_that_is_missing_is_named(place, tmp_path):
    from evaluation_tables import write_repository

    write_repository(tmp_path / "files", {"high": {"train": [{"article": "a", "problems": "[]"}]}})
    with pytest.raises(UserError, match="race: expected the split test in .* found train"):
        score(place, tmp_path / "s", task(place, "race", dataset_path=str(tmp_path / "files")))
