"""The tables of items: round trips, equal bytes, damage as one sentence."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lethe.artefacts.study_files import checked_files, publish_study_files
from lethe.errors import UserError
from lethe.longtables import items as tables
from lethe.longtables.items import (
    COLUMNS,
    SCOPE,
    ItemsWriter,
    ItemTables,
    file_name,
    read_items,
)
from lethe.longtables.joined_items import join_items
from lethe.longtables.rows import ITEMS_VERSION
from lethe.longtables.schema import columns

TEXTS = ['a "b", c\n', "", "NA", "nan", "é語👩\u200d🔬", "1", "None", "\x00"]


def item(number: int, **changes) -> dict:
    found = {
        "item_id": f"item-{number}",
        "cluster_id": f"cluster-{number // 2}",
        "subset": "",
        "correct": float(number % 2),
        "gold_logprob": -1.0 - number / 3,
        "margin": None,
        "predicted": TEXTS[number % len(TEXTS)],
        "choice_logprobs": [-1.0 - number / 3, -2.5],
        "metrics": {"acc": float(number % 2), "acc_norm": 1 / (number + 3)},
    }
    return {**found, **changes}


def written(folder, sets: dict[str, int], nodes=("a", "b"), **changes) -> list:
    """Files of sets with so many items on every checkpoint."""
    with ItemsWriter(folder / "items", folder / "work") as writer:
        for node in nodes:
            for probe, count in sets.items():
                writer.add(node, probe, [item(number, **changes) for number in range(count)])
        files = writer.finish()
        assert writer.rows == len(nodes) * sum(sets.values())
    assert not (folder / "work").exists()
    return files


def test_every_value_survives_to_the_last_bit_and_every_text_as_it_is(tmp_path):
    (path,) = written(tmp_path, {"quiz": 20})
    found = read_items(path)
    values = ["value_acc", "value_acc_norm"]
    assert [*found] == [*columns("items")[:-1], *values, "schema_version"]
    for place, row in enumerate(found.to_dict("records")):
        wanted = item(place % 20)
        assert (row["node"], row["probe"]) == ("ab"[place // 20], "quiz")
        assert row["schema_version"] == ITEMS_VERSION
        assert list(row["choice_logprobs"]) == wanted["choice_logprobs"]
        assert pd.isna(row["margin"])
        for name in ("item_id", "cluster_id", "subset", "correct", "gold_logprob", "predicted"):
            assert row[name] == wanted[name]
        assert [row[name] for name in values] == list(wanted["metrics"].values())


def test_pandas_reads_a_file_or_the_whole_folder_by_itself(tmp_path):
    written(tmp_path, {"quiz": 3, "exam": 2})
    one = pd.read_parquet(tmp_path / "items" / "quiz.parquet")
    assert one["predicted"].tolist() == TEXTS[:3] * 2
    every = pd.read_parquet(tmp_path / "items")
    assert every.groupby("probe").size().to_dict() == {"quiz": 6, "exam": 4}


def test_items_without_choices_or_metrics_and_sets_without_items_are_written(tmp_path):
    (path,) = written(tmp_path, {"quiz": 2}, choice_logprobs=None, metrics={}, correct=None)
    found = read_items(path)
    assert [*found] == columns("items") and found["choice_logprobs"].isna().all()
    (path,) = written(tmp_path, {"quiz": 0})
    assert len(read_items(path)) == 0


def test_bytes_depend_on_the_rows_and_not_on_how_many_were_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP_ROWS", 64)
    sets = {"quiz": 70, "exam": 30}
    whole = [path.read_bytes() for path in written(tmp_path / "whole", sets)]
    monkeypatch.setattr(tables, "HELD_ROWS", 40)
    assert [path.read_bytes() for path in written(tmp_path / "parts", sets)] == whole


def test_another_set_writes_only_its_own_file_and_one_that_is_gone_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "HELD_ROWS", 25)
    (first,) = written(tmp_path, {"quiz": 20})
    before = first.stat()
    assert {path.name for path in written(tmp_path, {"exam": 7, "quiz": 20})} == {
        "quiz.parquet",
        "exam.parquet",
    }
    after = first.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    written(tmp_path, {"exam": 7})
    assert [path.name for path in (tmp_path / "items").iterdir()] == ["exam.parquet"]


def test_checkpoints_may_have_other_metrics_and_what_one_lacks_is_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "HELD_ROWS", 1)
    with ItemsWriter(tmp_path / "items", tmp_path / "work") as writer:
        writer.add("a", "quiz", [item(0, metrics={"acc": 1.0})])
        writer.add("b", "quiz", [item(0, metrics={"acc": 0.0, "f1,strict": 0.5})])
        (path,) = writer.finish()
    found = read_items(path)
    assert found["value_acc"].tolist() == [1.0, 0.0]
    assert found["value_f1,strict"].isna().tolist() == [True, False]


NAMES = ["quiz", "a/b", "..", "%2F", "a b", "語", "a\\b", "a\nb", ".x", "A", 'q"', "x.parquet"]


def test_a_set_of_any_name_has_a_file_of_its_own_inside_the_folder(tmp_path):
    files = written(tmp_path, dict.fromkeys(NAMES, 1))
    assert len({file_name(name) for name in NAMES}) == len(files) == len(NAMES)
    assert {path.parent for path in files} == {tmp_path / "items"}
    read = ItemTables(tmp_path / "items")
    assert set(read) == set(NAMES)
    for name in NAMES:
        assert set(read[name]["probe"]) == {name}


def test_a_reader_for_metrics_leaves_out_what_no_metric_reads(tmp_path):
    written(tmp_path, {"quiz": 4})
    found = ItemTables(tmp_path / "items")["quiz"]
    assert set(COLUMNS) - set(found) == {"predicted", "choice_logprobs", "schema_version"}
    assert found["item_id"].dtype == "category"


def test_a_table_from_before_scopes_is_read_and_joined_as_one_whose_scopes_are_not_known(tmp_path):
    (path,) = written(tmp_path / "now", {"quiz": 4})
    pq.write_table(pq.read_table(path).drop_columns(SCOPE), path)
    assert read_items(path)[SCOPE].tolist() == [""] * 8
    found = ItemTables(path.parent)
    assert found.clusters("quiz")[SCOPE].tolist() == [""] * 8
    with ItemsWriter(tmp_path / "joined", tmp_path / "work") as writer:
        join_items({"part": found}, writer)
        (joined,) = writer.finish()
    assert read_items(joined)[SCOPE].tolist() == [""] * 8


@pytest.mark.parametrize("value", [1.5, -0.25])
def test_a_value_outside_of_its_column_is_refused_with_its_set_and_checkpoint(tmp_path, value):
    with pytest.raises(UserError, match=rf"items of quiz on a: expected 'correct' .* {value}"):
        written(tmp_path, {"quiz": 2}, correct=value)
    assert not (tmp_path / "items").exists()


def changed(path, change) -> str:
    """What is said of a file whose table was changed."""
    pq.write_table(change(pq.read_table(path)), path)
    with pytest.raises(UserError) as told:
        read_items(path)
    assert str(told.value).startswith(str(path)) and "\n" not in str(told.value)
    return str(told.value)


def test_damaged_and_foreign_files_are_one_sentence(tmp_path):
    (path,) = written(tmp_path, {"quiz": 20})
    whole = path.read_bytes()
    with pytest.raises(UserError, match="there is no such file"):
        read_items(tmp_path / "none.parquet")
    assert "'margin' is missing" in changed(path, lambda table: table.drop_columns("margin"))
    path.write_bytes(whole)
    extra = pa.array([1] * 40)
    assert "unknown column 'x'" in changed(path, lambda table: table.append_column("x", extra))
    path.write_bytes(whole)
    text = pa.array(["a"] * 40)
    place = [*COLUMNS].index("correct")
    told = changed(path, lambda table: table.set_column(place, "correct", text))
    assert "'correct': expected double, found string" in told
    path.write_bytes(whole)
    empty = pa.array([None] * 40, type=pa.string())
    assert "'node' has an empty field" in changed(path, lambda t: t.set_column(0, "node", empty))
    for content in (b"", b"not parquet", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="cannot be read as Parquet"):
            read_items(path)
        with pytest.raises(UserError, match="is no table of items"):
            ItemTables(tmp_path / "items")


def test_the_items_of_a_study_count_as_one_input_and_each_file_is_checked(tmp_path):
    files = written(tmp_path, {"quiz": 3, "exam": 2})
    (tmp_path / "scores.csv").write_text("scores")
    everything = [tmp_path / "scores.csv", *files]
    by_hand = checked_files([tmp_path / "scores.csv", tmp_path / "items"])
    publish_study_files("collect", "collect", everything, {}, "code")
    published = checked_files([tmp_path / "scores.csv", tmp_path / "items"])
    assert by_hand == published and set(published) == {"scores.csv", "items"}
    files[0].write_bytes(files[1].read_bytes())
    with pytest.raises(UserError, match="items/exam.parquet.*altered"):
        checked_files([tmp_path / "items"])


def test_a_study_without_items_still_has_that_input(tmp_path):
    (tmp_path / "scores.csv").write_text("scores")
    with pytest.raises(UserError, match="expected a table at .*items"):
        checked_files([tmp_path / "items"])
    publish_study_files("collect", "collect", [tmp_path / "scores.csv"], {}, "code")
    assert set(checked_files([tmp_path / "scores.csv", tmp_path / "items"])) == {
        "scores.csv",
        "items",
    }
