"""End tasks: what is trained, what is kept, what is planned, and what is refused."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from end_task_case import SETTINGS, end_task_spec, made_nodes, task_of
from node_specs import write_spec

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.nodes import read_results
from lethe.cli import main
from lethe.endtasks import folds as kept
from lethe.endtasks.f1 import accuracy, macro_f1, micro_f1
from lethe.endtasks.finetune import fine_tune
from lethe.endtasks.labelled import read_task
from lethe.errors import UserError
from lethe.longtables.end_task_rows import end_task_rows


@pytest.fixture
def nodes(tmp_path):
    yield from made_nodes(tmp_path)


def digests(folder) -> dict:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_separable_task_is_learned_alike_twice_and_the_checkpoint_stays_as_it_was(nodes):
    checkpoint, task = nodes / "bases" / "base", task_of(nodes / "data" / "data")
    before = digests(checkpoint)
    found = fine_tune(checkpoint, task, SETTINGS, 0)
    assert found["scores"]["test"]["accuracy"] > 0.9
    assert found["counts"] == {"train": 64, "test": 32} and len(found["predicted"]) == 32
    torch.rand(3)
    again = fine_tune(checkpoint, task, SETTINGS, 0)
    assert again == found
    assert digests(checkpoint) == before


def test_the_seed_changes_the_weights_that_are_trained(nodes, monkeypatch):
    weights = []
    monkeypatch.setattr(
        "lethe.endtasks.finetune.predict",
        lambda model, rows, pad: weights.append(model.out.weight.detach().clone()) or [0] * 32,
    )
    settings = replace(SETTINGS, epochs=1)
    for seed in (0, 0, 1):
        checkpoint, task = nodes / "bases" / "base", task_of(nodes / "data" / "data")
        fine_tune(checkpoint, task, settings, seed)
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_a_further_seed_trains_only_itself_and_no_copy_is_kept(nodes, monkeypatch):
    trained = []

    def counted(checkpoint, task, settings, seed, snapshots):
        trained.append(seed)
        return fine_tune(checkpoint, task, settings, seed, snapshots)

    monkeypatch.setattr(kept, "fine_tune", counted)
    made = []
    for seeds in ([0], [0, 1]):
        node = write_spec(nodes, "toy", end_task_spec(seeds=seeds, epochs=1))
        assert main(["end_task", node, "--results", str(nodes)]) == 0
        made.append(read_results(nodes, "end_task", node))
    assert trained == [0, 1]
    assert made[1]["results"][0] == made[0]["results"][0]
    assert [result["seed"] for result in made[1]["results"]] == [0, 1]
    assert not [f for f in (nodes / "endtasks").rglob("*") if f.suffix not in ("", ".json")]


def test_f1_is_that_of_the_worked_example():
    truth, predicted = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    # Class 0: tp 2, fp 0, fn 1 -> 4/5; class 1: tp 1, fp 1, fn 1 -> 1/2; class 2: 1, 1, 0 -> 2/3.
    assert macro_f1(truth, predicted) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert micro_f1(truth, predicted) == accuracy(truth, predicted) == pytest.approx(4 / 6)
    assert macro_f1([0, 0], [0, 0]) == 1.0 and macro_f1([0, 0], [1, 1]) == 0.0


def test_f1_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    truth, predicted = generator.integers(0, 5, 60), generator.integers(0, 4, 60)
    for average, mine in (("macro", macro_f1), ("micro", micro_f1)):
        theirs = metrics.f1_score(truth, predicted, average=average, zero_division=0)
        assert mine(truth, predicted) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("train", "test", "labels", "sentence"),
    [
        (["a", "a"], ["a"], (), "at least two classes, found 1"),
        (["a", "b"], ["c"], (), "row 1: the label 'c' is not among the classes"),
        (["a", "b"], ["a"], ("a", "c"), "row 2: the label 'b' is not among"),
        (["a", "b"], [1], (), "expected a text under 'label', found '1'"),
        (["a", "b"], [], (), "expected labelled texts, found none"),
    ],
)
def test_wrong_labels_are_one_sentence(tmp_path, train, test, labels, sentence):
    files = {}
    for split, found in (("train", train), ("test", test)):
        files[split] = tmp_path / f"{split}.jsonl"
        write_rows(files[split], [{"text": "red", "label": label} for label in found])
    with pytest.raises(UserError, match=sentence):
        read_task(files, labels)


def test_texts_longer_than_the_encoder_are_one_sentence(nodes):
    settings = replace(SETTINGS, max_length=1000)
    with pytest.raises(UserError, match="at most .* is 1000; lower it"):
        fine_tune(nodes / "bases" / "base", task_of(nodes / "data" / "data"), settings, 0)


def test_the_rows_of_an_end_task_name_its_arithmetic():
    counts, scores = {"train": 4, "test": 8}, {"test": {"accuracy": 0.5, "macro_f1": 0.4}}
    results = [{"seed": 0, "counts": counts, "scores": scores}]
    for dtype in ("float32", "bfloat16"):
        made = {"spec": end_task_spec(dtype=dtype), "results": results}
        rows = end_task_rows({}, {**made, "parameters": 7, "task_digest": "d"}, {"toy": "simp"})
        assert [row["value"] for row in rows] == [0.5, 0.4]
        assert {row["dtype"] for row in rows} == {dtype}
