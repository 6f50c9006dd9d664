"""Rows of users' evaluation files that are also taught, or gave no item, are counted and told."""

import json

import pandas as pd
import pytest
from test_stage_rows import RUN, write_stage

from lethe.artefacts.manifests import publish
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.stage_rows import stage_rows
from lethe.longtables.tables import read_stages, write_stages
from lethe.metrics.warnings import sentence, study_warnings


def write_data(folder, node, files, spec, rows=None):
    """Prepared data: every file's rows are given by their prompts or texts."""
    place = folder / "data" / node
    for file, named in files.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"id": str(n), **row}) + "\n" for n, row in enumerate(named)]
        (place / file).write_text("".join(lines), encoding="utf-8")
    publish(place, "data.json", {"spec": spec, "rows": rows or {}}, [])


def prompts(*words):
    return [{"prompt": word, "response": "so"} for word in words]


def texts(*words):
    return [{"text": word} for word in words]


def stages_of(folder, tasks, mixtures, limit=None, splits=("test",)):
    """What stages.csv holds of a chain of two stages whose base is asked some sets."""
    for node, mixture in zip(("one", "two"), mixtures, strict=True):
        parts = [{"task": "t", "data": data, "file": file} for data, file in mixture]
        write_stage(folder, node, spec={"mixture": parts})
    for split in splits:
        (folder / "scores" / split).mkdir(parents=True)
        spec = {"tasks": tasks, "limit": limit, "split": split}
        publish(folder / "scores" / split, "probe.json", {"spec": spec}, [])
    record = {"runs": [RUN], "probes": {"base": list(splits)}}
    write_stages(folder / "stages.csv", stage_rows(record, folder))
    return read_stages(folder / "stages.csv")


def counted(stages, measure):
    rows = stages[stages["measure"] == measure]
    return dict(zip(rows["stage_index"], rows["value"], strict=True))


OWN = {"name": "own_mine", "data": "mine-1", "data_kind": "data", "texts": None}
HELD = {"name": "prose", "data": "held-2", "data_kind": "data", "texts": "{split}.jsonl"}
LOADED = {"loader": "generic"}


def test_a_row_that_is_asked_and_taught_is_counted_by_set_and_stage(tmp_path):
    write_data(
        tmp_path,
        "mine-1",
        {
            "train.jsonl": prompts("What is red?", "What is  blue?\n", "Grün ist was?"),
            # The same question, capitals and white space aside; a part of one is another question.
            "test.jsonl": prompts("what is blue?", "GRÜN IST WAS?", "What is", "What is new?"),
        },
        LOADED,
    )
    taught = texts("A long day.", "A long night.")
    asked = {"train.jsonl": taught, "test.jsonl": texts("A long night.", "A new day.")}
    write_data(tmp_path, "held-2", asked, LOADED)
    write_data(tmp_path, "other-3", {"train.jsonl": taught}, LOADED)
    mixtures = [[("mine-1", "train.jsonl")], [("other-3", "train.jsonl")]]
    stages = stages_of(tmp_path, [OWN, HELD], mixtures)
    assert counted(stages, "rows.also_taught.own_mine") == {1: 2}
    # A held-out text of one source that another teaches.
    assert counted(stages, "rows.also_taught.prose") == {2: 1}
    scores = pd.DataFrame(columns=[*RUN_COLUMNS, "split", "stage_index", "node"])
    told = [sentence(row) for row in study_warnings(scores, stages).to_dict("records")]
    assert told == [
        "asked and taught (enc, das, both): stage 1 (simp): word for word in files of its data: 2 "
        "rows that own_mine asks",
        "asked and taught (enc, das, both): stage 2 (emdg): word for word in files of its data: 1 "
        "row that prose asks",
    ]


def test_joined_texts_are_rows_of_the_file_that_their_tokens_are_made_of(tmp_path):
    files = {"train.jsonl": texts("a", "b"), "test.jsonl": texts("b", "c")}
    rows = {"train": {"dropped": {"text is empty": 2}}, "test": {"dropped": {}}}
    write_data(tmp_path, "held-2", files, LOADED, rows)
    (tmp_path / "tokens" / "held-tokens-7").mkdir(parents=True)
    made_of = {"spec": {"data": "held-2", "file": "train.jsonl"}}
    publish(tmp_path / "tokens" / "held-tokens-7", "tokens.json", made_of, [])
    write_stage(tmp_path, "one", spec={"mixture": [{"task": "t", "tokens": "held-tokens-7"}]})
    write_stage(tmp_path, "two", spec={"mixture": []})
    (tmp_path / "scores" / "asks").mkdir(parents=True)
    publish(tmp_path / "scores" / "asks", "probe.json", {"spec": {"tasks": [HELD]}}, [])
    record = {"runs": [RUN], "probes": {"base": ["asks"]}}
    write_stages(tmp_path / "stages.csv", stage_rows(record, tmp_path))
    stages = read_stages(tmp_path / "stages.csv")
    assert counted(stages, "rows.also_taught.prose") == {1: 1}
    assert counted(stages, "rows.left_out") == {1: 2}


@pytest.mark.parametrize(("limit", "expected"), [(1, {}), (2, {1: 1}), (None, {1: 2})])
def test_only_rows_that_are_asked_count(tmp_path, limit, expected):
    files = {"train.jsonl": prompts("b", "c"), "test.jsonl": prompts("a", "b", "c")}
    write_data(tmp_path, "mine-1", files, LOADED)
    stages = stages_of(tmp_path, [OWN], [[("mine-1", "train.jsonl")], []], limit)
    assert counted(stages, "rows.also_taught.own_mine") == expected


@pytest.mark.parametrize(
    ("splits", "expected"), [(["dev"], 1), (["test", "dev"], 2), (["dev", "test"], 2)]
)
def test_the_split_that_is_asked_counts_and_of_both_the_test_split(tmp_path, splits, expected):
    files = {
        "train.jsonl": prompts("b", "c"),
        "dev.jsonl": prompts("a", "b"),
        "test.jsonl": prompts("b", "c"),
    }
    write_data(tmp_path, "mine-1", files, LOADED)
    stages = stages_of(tmp_path, [OWN], [[("mine-1", "train.jsonl")], []], splits=splits)
    assert counted(stages, "rows.also_taught.own_mine") == {1: expected}


def test_rows_are_counted_and_not_prompts(tmp_path):
    files = {"train.jsonl": prompts("b", "b", "b"), "test.jsonl": prompts("a", "b", "B ")}
    write_data(tmp_path, "mine-1", files, LOADED)
    mixture = [("mine-1", "train.jsonl"), ("mine-1", "train.jsonl")]
    stages = stages_of(tmp_path, [OWN], [mixture, []])
    assert counted(stages, "rows.also_taught.own_mine") == {1: 2}


def test_rows_of_a_file_that_is_taught_under_another_name_are_its_own(tmp_path):
    rows = {"validation": {"dropped": {"text is empty": 2}}, "train": {"dropped": {"odd": 5}}}
    write_data(tmp_path, "held-2", {"dev.jsonl": texts("a")}, LOADED, rows)
    asked = {**HELD, "texts": "train.jsonl"}
    stages = stages_of(tmp_path, [asked], [[("held-2", "dev.jsonl")], []])
    assert counted(stages, "rows.left_out") == {1: 2}
    assert counted(stages, "rows.asked_left_out.prose") == {1: 5}


def test_rows_that_a_held_out_split_left_out_are_of_train_and_told_once(tmp_path):
    one = {"files": ["mine.jsonl"], "dropped": {"prompt or response is empty": 3}}
    rows = {"train": one, "test": one}
    spec = {**LOADED, "parameters": {"hold_out": {"test": 1, "validation": None}}}
    files = {"train.jsonl": prompts("b"), "test.jsonl": prompts("a")}
    write_data(tmp_path, "mine-1", files, spec, rows)
    stages = stages_of(tmp_path, [OWN], [[("mine-1", "train.jsonl")], []])
    assert counted(stages, "rows.left_out") == {1: 3}
    assert not stages["measure"].str.startswith("rows.asked_left_out").any()


def test_joined_texts_whose_tokens_were_deleted_are_gathered_without_counts(tmp_path):
    write_data(tmp_path, "held-2", {"test.jsonl": texts("b")}, LOADED)
    write_stage(tmp_path, "one", spec={"mixture": [{"task": "t", "tokens": "gone-7"}]})
    write_stage(tmp_path, "two", spec={"mixture": []})
    (tmp_path / "scores" / "asks").mkdir(parents=True)
    publish(tmp_path / "scores" / "asks", "probe.json", {"spec": {"tasks": [HELD]}}, [])
    found = stage_rows({"runs": [RUN], "probes": {"base": ["asks"]}}, tmp_path)
    assert not [row for row in found if row["measure"].startswith("rows.")]


def test_built_data_have_rules_of_their_own_and_what_is_elsewhere_is_no_row(tmp_path):
    same = {"tasks/a/train.jsonl": texts("a"), "test.jsonl": texts("a")}
    write_data(tmp_path, "held-2", same, {"world_seed": 1})
    gone = {**OWN, "data": "gone-4"}
    stages = stages_of(tmp_path, [HELD, gone], [[("held-2", "tasks/a/train.jsonl")], []])
    assert not stages["measure"].str.startswith("rows.").any()


def test_rows_of_an_evaluation_file_that_gave_no_item_are_told(tmp_path):
    rows = {
        "train": {"dropped": {}},
        "test": {"dropped": {"prompt or response is empty": 3, "too odd": 1}},
    }
    files = {"train.jsonl": prompts("b"), "test.jsonl": prompts("a")}
    write_data(tmp_path, "mine-1", files, LOADED, rows)
    stages = stages_of(tmp_path, [OWN], [[("mine-1", "train.jsonl")], []])
    assert counted(stages, "rows.asked_left_out.own_mine") == {1: 4}
    scores = pd.DataFrame(columns=[*RUN_COLUMNS, "split", "stage_index", "node"])
    (told,) = [sentence(row) for row in study_warnings(scores, stages).to_dict("records")]
    assert told.startswith("rows left out (enc, das, both): own_mine: 4 of its file's rows gave no")
