"""Folds of an end task: one score of all predictions, restarts, and clusters that stay apart."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from end_task_case import SETTINGS, end_task_spec, labelled, made_nodes
from node_specs import write_spec

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.artefacts.nodes import read_results
from lethe.cli import main
from lethe.config.reading import merge, parse_study, read_catalogue, read_yaml
from lethe.endtasks import folds as folds_module
from lethe.endtasks.f1 import accuracy, macro_f1
from lethe.endtasks.finetune import fine_tune
from lethe.endtasks.labelled import read_folds, read_task
from lethe.errors import UserError
from lethe.planning.end_tasks import _not_in_spec
from lethe.training import loop, snapshot_pace

FILES = {"train": "train-{fold}.jsonl", "test": "test-{fold}.jsonl"}
SIZES = {1: 9, 2: 16}


@pytest.fixture
def nodes(tmp_path):
    """A base, and an end task of two folds whose test files differ in size."""
    for results in made_nodes(tmp_path):
        data = results / "data" / "data"
        for fold in SIZES:
            rows = {"train": labelled(24, fold), "test": labelled(SIZES[fold], 10 + fold)}
            for split, found in rows.items():
                marked = [
                    {**row, "id": f"{split}-{fold}-{n}", "cluster": f"{split}{fold}-{n % 4}"}
                    for n, row in enumerate(found)
                ]
                write_rows(data / f"{split}-{fold}.jsonl", marked)
        publish(data, "data.json", {}, [f"{s}-{f}.jsonl" for s in FILES for f in SIZES])
        yield results


def run(nodes, slug="toy", status=0, seconds=1e9, **changes) -> list[dict] | None:
    spec = {**FILES, "folds": 2, "epochs": 2, **changes}
    node = write_spec(nodes, slug, end_task_spec(**spec))
    timed = ["--snapshot-seconds", str(seconds)]
    assert main(["end_task", node, "--results", str(nodes), *timed]) == status
    manifest = nodes / "endtasks" / node / "end_task.json"
    return read_results(nodes, "end_task", node)["results"] if manifest.exists() else None


def test_one_score_is_computed_of_the_predictions_of_all_folds(nodes, monkeypatch):
    answered, models = [], []
    answers = folds_module.answers

    def kept(directory, task, settings, seed, snapshots):
        models.append(seed)
        answered.append(answers(directory, task, settings, seed, snapshots))
        return answered[-1]

    monkeypatch.setattr(folds_module, "answers", kept)
    (found,) = run(nodes, seeds=[3])
    predicted = [label for one in answered for label in one.predicted["test"]]
    truth = [number % 2 for fold in SIZES for number in range(SIZES[fold])]
    assert found["predicted"] == predicted and found["classes"] == truth
    assert found["counts"] == {"train": 48, "test": 25}
    assert found["scores"]["test"]["macro_f1"] == macro_f1(truth, predicted)
    assert found["scores"]["test"]["accuracy"] == accuracy(truth, predicted)
    clusters = [f"test{fold}-{number % 4}" for fold in SIZES for number in range(SIZES[fold])]
    assert found["clusters"] == clusters
    # Copies differ in their seeds, which are functions of the end task's seed and the fold.
    assert len(set(models)) == 2
    assert run(nodes, "again", seeds=[3], learning_rate=4e-3)[0]["seed"] == 3
    assert models[:2] == models[2:]


def test_a_killed_fold_goes_on_and_finished_folds_are_not_trained_again(nodes, monkeypatch):
    whole = run(nodes, "whole")
    for file in (nodes / "endtasks" / "store" / "base").iterdir():
        file.unlink()
    taken, take_step = [], loop.take_step

    def stopping(stage, *rest):
        taken.append(stage.step)
        if len(taken) == 10:
            raise KeyboardInterrupt
        take_step(stage, *rest)

    monkeypatch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
    monkeypatch.setattr(loop, "take_step", stopping)
    assert run(nodes, "cut", status=130, seconds=0) is None
    # Six steps of the first fold, then four of the second.
    assert taken == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert run(nodes, "cut", seconds=0) == whole
    assert taken[10:] == [3, 4, 5]
    left = (nodes / "work").rglob("*")
    assert not [path for path in left if path.suffix in (".safetensors", ".json")]


def test_answers_of_another_task_are_not_taken_for_a_folds(nodes, monkeypatch):
    """A killed job's answers belong to its files: with others every fold is trained again."""
    calls, answers = [], folds_module.answers

    def counted(directory, task, settings, seed, snapshots):
        if len(calls) == 1:
            calls.append("stopped")
            raise KeyboardInterrupt
        calls.append(len(task.splits["train"].texts))
        return answers(directory, task, settings, seed, snapshots)

    monkeypatch.setattr(folds_module, "answers", counted)
    assert run(nodes, "toy", status=130) is None
    data = nodes / "data" / "data"
    write_rows(data / "train-1.jsonl", labelled(16, 5))
    publish(data, "data.json", {}, [f"{s}-{f}.jsonl" for s in FILES for f in SIZES])
    assert run(nodes, "toy") is not None
    assert calls == [24, "stopped", 16, 24]


def test_one_fold_is_what_an_end_task_without_folds_is(nodes):
    spec = {"train": "train-1.jsonl", "test": "test-1.jsonl", "seeds": [0]}
    node = write_spec(nodes, "plain", end_task_spec(epochs=2, **spec))
    assert main(["end_task", node, "--results", str(nodes)]) == 0
    (found,) = read_results(nodes, "end_task", node)["results"]
    settings = replace(SETTINGS, epochs=2)
    data = nodes / "data" / "data"
    task = read_task({split: data / f"{split}-1.jsonl" for split in ("train", "test")})
    assert found == fine_tune(nodes / "bases" / "base", task, settings, 0)


def row(text, label, **more):
    return {"text": text, "label": label, **more}


A, B = row("red", "a", id="1", cluster="zor"), row("red", "b", id="2", cluster="kel")


@pytest.mark.parametrize(
    ("train", "test", "folds", "sentence"),
    [
        ([A, B], [row("dog", "a", cluster="zor"), row("dog", "a", cluster="mi")], 1,
         "test-1.jsonl, row 1: the cluster 'zor' is in .*train-1.jsonl too, .* keep it in one"),
        ([row("red", "a", id="1"), row("red", "b", id="2")], [row("dog", "a", id="2")], 2,
         "test-1.jsonl, row 1: the id '2' is in .*train-1.jsonl too"),
        ([A, B], [row("dog", "a", cluster="mi"), row("cat", "b", cluster="mi")], 1,
         "test-1.jsonl: expected test texts of two clusters or more, found 'mi' alone"),
        ([A, B], [row("dog", "a", cluster=3)], 1,
         "test-1.jsonl, row 1: expected the name of a cluster under 'cluster', .* found 3"),
    ],
)  # fmt: skip
def test_clusters_that_cannot_be_tested_are_one_sentence(tmp_path, train, test, folds, sentence):
    for fold in range(1, folds + 1):
        write_rows(tmp_path / f"train-{fold}.jsonl", train)
        write_rows(tmp_path / f"test-{fold}.jsonl", test)
    files = [
        {split: tmp_path / f"{split}-{fold}.jsonl" for split in ("train", "test")}
        for fold in range(1, folds + 1)
    ]
    with pytest.raises(UserError, match=sentence):
        read_folds(files)


def test_numbers_as_ids_of_one_pair_of_files_are_no_clusters(tmp_path):
    for split in ("train", "test"):
        write_rows(tmp_path / f"{split}.jsonl", [row("red", "a", id=1), row("dog", "b", id=2)])
    task = read_task({split: tmp_path / f"{split}.jsonl" for split in ("train", "test")})
    assert task.splits["test"].names == ("1", "2")


def test_a_label_that_only_another_fold_trains_on_is_known_to_all(tmp_path):
    for fold, labels in ((1, "ab"), (2, "bc")):
        for split in ("train", "test"):
            rows = [row(f"{split} {label}", label) for label in labels]
            write_rows(tmp_path / f"{split}-{fold}.jsonl", rows)
    files = [{s: tmp_path / f"{s}-{fold}.jsonl" for s in ("train", "test")} for fold in (1, 2)]
    tasks = read_folds(files)
    assert [task.labels for task in tasks] == [("a", "b", "c")] * 2
    assert tasks[1].splits["train"].classes == (1, 2)


ROOT = Path(__file__).parents[2]
ENTRY = {"source": "domains", "task": "restaurant", "metric": "macro_f1", "epochs": 2}
HELD = "end_tasks/restaurant"


def catalogue_with(**entry):
    raw = read_yaml(ROOT / "config" / "config.yaml")
    define = {"end_tasks": {"folded": {**ENTRY, **entry}}}
    return read_catalogue(parse_study(merge(raw, {"define": define})))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"folds": 2, "train": "t-{fold}.jsonl", "test": "test.jsonl"},
         r"end_tasks.folded .*: expected `test` with {fold} .*, as `folds` is 2, found 'test"),
        ({"folds": 2, "train": "t-{fold}.jsonl", "test": "s-{fold}.jsonl", "dev": "d.jsonl"},
         r"expected `dev` with {fold} .* found 'd.jsonl'"),
        ({"train": "t-{fold}.jsonl"},
         r"expected `folds` above 1, as `train` is 't-{fold}.jsonl', found 1"),
        ({"folds": 0}, "end_tasks.folded.folds"),
        ({"reads": "last"}, "end_tasks.folded.reads .*: expected .*slot.* found 'last'"),
        ({"folds": 2, "train": HELD + "/labels-{fold}.jsonl", "test": HELD + "/test-{fold}.jsonl"},
         "end_tasks.folded.train, .* 'end_tasks/restaurant/labels-1.jsonl' is not known"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_one_sentence_before_anything_runs(entry, sentence):
    with pytest.raises(UserError, match=sentence):
        catalogue_with(**entry)


def test_new_keys_are_in_the_spec_where_they_are_not_the_default():
    files = {"train": f"{HELD}/train-1.jsonl", "test": f"{HELD}/test-1.jsonl"}
    plain, slot = (catalogue_with(**files, **more).end_tasks["folded"]
                   for more in ({}, {"reads": "slot"}))  # fmt: skip
    assert not {"reads", "folds", "dtype"} & set(plain.model_dump(exclude=_not_in_spec(plain)))
    assert slot.model_dump(exclude=_not_in_spec(slot))["reads"] == "slot"


def test_a_text_without_its_slot_is_found_before_the_first_fold_is_trained(nodes, capsys):
    data = nodes / "data" / "data"
    for name in ("train-1", "test-1", "train-2"):
        rows = [json.loads(line) for line in (data / f"{name}.jsonl").read_text().splitlines()]
        write_rows(data / f"{name}.jsonl", [{**r, "text": r["text"] + " <mask>"} for r in rows])
    publish(data, "data.json", {}, [f"{s}-{f}.jsonl" for s in FILES for f in SIZES])
    assert run(nodes, status=2, reads="slot") is None
    assert "test-2.jsonl, row 1: expected <mask> once in the text" in capsys.readouterr().err
    assert not list((nodes / "work").rglob("answers-*"))
