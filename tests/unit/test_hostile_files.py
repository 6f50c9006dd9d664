"""Files that users bring besides YAML: whatever is in one is read, or refused with one sentence."""

import json

import pytest

from lethe.artefacts import strict_json
from lethe.artefacts.files import read_json
from lethe.artefacts.jsonlines import read_rows
from lethe.commands.metrics import read_matrix
from lethe.errors import LONGEST, UserError
from lethe.imported.items import read_samples
from lethe.imported.result_file import read_result_file
from lethe.sources.reading import read_objects, read_parallel_lists, read_raw

HOSTILE = {
    "deep": b'{"a":' + b"[" * 100_000,
    "5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": 1e999}',
    "Latin-1": '{"a": "ä"}'.encode("latin-1"),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "NUL": b'{"a": "\0"}',
    "a key twice": b'{"a": 1, "a": 2}',
    "half a character": rb'{"a": "\ud800"}',
    "cut": b'{"a": ',
}


def refusal(read, path):
    with pytest.raises(UserError) as caught:
        read(path)
    message = str(caught.value)
    # A long path keeps its end.
    assert "/".join(path.parts[-2:]) in message
    assert len(message) <= LONGEST
    return message


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "read",
    [
        read_json,
        read_rows,
        lambda path: read_result_file(path, "results"),
        lambda path: list(read_samples(path)),
        lambda path: list(read_objects([path], "sources.a")),
        lambda path: list(read_parallel_lists(path, "sources.a")),
    ],
    ids=["json", "jsonl", "results", "samples", "objects", "parallel lists"],
)
def test_json_that_cannot_be_trusted_names_its_file(tmp_path, read, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    refusal(read, path)


RESULTS = {"results": {"a": {"acc,none": 0.5}}, "versions": {"a": 1}}


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": [1]},
        {"config": 5},
        {"configs": {"a": 5}},
        {"groups": {"a": 0.5}},
        {"group_subtasks": {"a": "b"}},
        {"higher_is_better": [True]},
        {"n-samples": {"a": 100}},
        {"n-shot": [0]},
        {"samples": 5},
        {"samples": {"a": [5]}},
        {"samples": {"a": [{"doc": {}, "doc_id": [1]}]}},
        {"samples": {"a": [{"doc": {}, "filtered_resps": 5}]}},
        {"samples": {"a": [{"doc": {}, "filter": ["none"]}]}},
        {"task_hashes": "x"},
    ],
    ids=str,
)
def test_a_result_file_of_another_form_names_its_key(tmp_path, changes):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS | changes))
    assert f"`{next(iter(changes))}`" in refusal(lambda p: read_result_file(p, "results"), path)


def test_a_result_file_may_say_no_more_than_its_scores(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS | {"config": {"model_num_parameters": "many"}}))
    found = read_result_file(path, "results")
    assert found.tasks["a"].values == {("acc", "none"): 0.5}
    assert found.params is None


def test_a_whole_number_that_no_float_holds_is_no_score_and_no_number_of_items(tmp_path):
    huge = 10**400
    path = tmp_path / "results.json"
    changes = {"results": {"a": {"acc,none": huge}}, "n-samples": {"a": {"effective": huge}}}
    path.write_text(json.dumps(RESULTS | changes))
    found = read_result_file(path, "results").tasks["a"]
    assert (found.values, found.n) == ({}, None)
    assert found.broken == {("acc", "none"): "a number of more than 60 digits"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"stage,a\n0,\0\n1,2\n",
        "stage,a\n0,1\n".encode("utf-16"),
        b"stage,a\n0," + b"9" * 200_000,
    ]
    + [b'stage,a\n0,"1\n1,2\n', b"stage,a\n0,1e999\n1,2\n", b"stage," + b"a" * 1000 + b"\n0,x\n"],
)
def test_a_table_that_holds_no_numbers_names_its_file(tmp_path, content):
    path = tmp_path / "matrix.csv"
    path.write_bytes(content)
    refusal(lambda p: read_matrix(str(p)), path)


def test_a_folder_or_an_empty_file_in_place_of_rows_is_named(tmp_path):
    assert "a folder of that name" in refusal(read_rows, tmp_path)
    (tmp_path / "a.jsonl").write_text("")
    message = refusal(lambda p: list(read_raw([p], "sources.a")), tmp_path / "a.jsonl")
    assert "found an empty file" in message


def test_a_character_beyond_the_first_65536_may_be_written_as_a_pair():
    assert strict_json.loads(r'{"a": "\ud83d\ude00"}') == {"a": "😀"}
