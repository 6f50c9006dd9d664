"""Ids and clusters of a user's own labelled texts: kept as the files name them."""

import json
from pathlib import Path

import pytest
import raw_tables
from test_loaders import rows, spec_of

from lethe.endtasks.labelled import read_folds, read_task
from lethe.errors import UserError
from lethe.sources.prepare import prepare


def labelled_files(folder: Path, **columns: list) -> "raw_tables.Roads":
    """Train and test files of four labelled rows each, with further columns."""
    local = {}
    for split in ("train", "test"):
        made = [{"text": f"{split} text {n}", "label": "ab"[n % 2]} for n in range(4)]
        for name, values in columns.items():
            for row, value in zip(made, values, strict=True):
                row[name] = f"{split}-{value}" if value and isinstance(value, str) else value
        local[split] = folder / f"{split}-raw.jsonl"
        local[split].write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return raw_tables.Roads(folder, local)


def test_labelled_texts_keep_their_ids_and_clusters_so_that_end_tasks_know_them(tmp_path):
    stems = ["zor", "zor", "kel", "kel"]
    roads = labelled_files(tmp_path, id=["w1", None, "w3", "w4"], cluster=stems)
    prepare(spec_of("labelled", roads, False), tmp_path / "made", None)
    found = rows(tmp_path / "made" / "test.jsonl")
    assert [row["id"] for row in found] == ["test-w1", "test-1", "test-w3", "test-w4"]
    files = {split: tmp_path / "made" / f"{split}.jsonl" for split in ("train", "test")}
    split = read_task(files).splits["test"]
    assert split.in_clusters and split.names == ("test-zor", "test-zor", "test-kel", "test-kel")


def test_columns_of_ids_and_clusters_may_have_other_names_or_be_absent(tmp_path):
    stems = ["zor", None, "kel", "kel"]
    roads = labelled_files(tmp_path, stem=stems)
    spec = spec_of("labelled", roads, False, columns={"cluster": "stem"})
    prepare(spec, tmp_path / "made", None)
    found = rows(tmp_path / "made" / "test.jsonl")
    assert [row.get("cluster") for row in found] == ["test-zor", None, "test-kel", "test-kel"]
    prepare(spec_of("labelled", roads, False), tmp_path / "plain", None)
    assert rows(tmp_path / "plain" / "test.jsonl")[0].keys() == {"id", "text", "label"}
    spec = spec_of("labelled", roads, False, columns={"cluster": "stems"})
    with pytest.raises(UserError, match=r"columns.cluster: expected a column .*stem.*'stems'"):
        prepare(spec, tmp_path / "wrong", None)


NESTED = [{"b": 1, "a": ["x"]}, {"a": ["x"], "b": 1}, ["d", 7], {}]


def test_an_id_that_is_a_list_or_an_object_names_its_row_by_its_json(tmp_path):
    roads = labelled_files(tmp_path, id=NESTED)
    prepare(spec_of("labelled", roads, False), tmp_path / "made", None)
    found = [row["id"] for row in rows(tmp_path / "made" / "test.jsonl")]
    # The order of an object's keys makes no other name, and an empty one names nothing.
    assert found == ['{"a":["x"],"b":1}'] * 2 + ['["d",7]', "test-3"]


def test_an_id_that_is_a_number_is_kept_as_it_is_written_and_nought_is_one(tmp_path):
    roads = labelled_files(tmp_path, id=[0, 12, 2.5, None])
    prepare(spec_of("labelled", roads, False), tmp_path / "made", None)
    assert [row["id"] for row in rows(tmp_path / "made" / "test.jsonl")] == [
        "0",
        "12",
        "2.5",
        "test-3",
    ]


def test_a_cluster_that_is_a_list_is_refused_as_it_would_name_several(tmp_path):
    roads = labelled_files(tmp_path, cluster=[["a", "b"], None, "c", "d"])
    with pytest.raises(UserError, match=r"row 1, column 'cluster': expected text, found \['a', 'b"):
        prepare(spec_of("labelled", roads, False), tmp_path / "made", None)


def test_the_same_object_as_an_id_is_the_same_text_in_two_files_of_folds(tmp_path):
    folds = []
    for fold in (1, 2):
        files = {split: tmp_path / f"{split}-{fold}.jsonl" for split in ("train", "test")}
        for split, file in files.items():
            pairs = [("doc", 1), ("at", 2)][:: 1 if split == "train" else -1]
            made = [
                {"id": dict(pairs) | {"row": 0 if row else split}, "text": "t", "label": "ab"[row]}
                for row in range(2)
            ]
            file.write_text("".join(json.dumps(row) + "\n" for row in made))
        folds.append(files)
    with pytest.raises(UserError, match="so it would be scored on what it was trained on"):
        read_folds(folds)
