"""A run's words: said once, and the same in plans, records, tables, schemas and the index."""

import csv
import json
from dataclasses import fields, replace

import jsonschema
import pytest

from lethe.errors import UserError
from lethe.longtables.columns import rule
from lethe.longtables.rows import SCHEMAS
from lethe.longtables.run import COLUMNS, RUN_COLUMNS, Run, run_of
from lethe.planning.nodes import Node, Plan
from lethe.planning.records import write_specs

RUN = Run(
    model="enc",
    family="masked",
    series="encoder",
    untuned="",
    world_seed=1,
    base_seed=None,
    method="das",
    method_params={"b": 1, "a": [0.5]},
    recipe="brief",
    order="both",
    train_seed=0,
    checkpoints=("base-1", "stage-2", "stage-3"),
    stages=("", "simp", "emdg&general:8"),
)


def test_a_run_survives_its_record_as_json():
    again = run_of(json.loads(json.dumps(RUN.record())))
    assert replace(again, checkpoints=tuple(again.checkpoints), stages=tuple(again.stages)) == RUN


def test_a_record_with_another_word_is_one_sentence():
    record = RUN.record()
    with pytest.raises(UserError, match="found 'hyper'; run `snakemake` again"):
        run_of({**record, "hyper": {}})
    del record["recipe"]
    with pytest.raises(UserError, match="'recipe' is missing; run `snakemake` again"):
        run_of(record)


def test_every_word_of_a_run_is_a_column_whose_rule_takes_it():
    row = {**RUN.row(), "params": 7}
    assert list(row) == list(COLUMNS)
    assert json.loads(row["method_params"]) == RUN.method_params
    for name, value in row.items():
        assert jsonschema.Draft202012Validator(COLUMNS[name]).is_valid(value), name
    said = {one.name for one in fields(Run)} - {"checkpoints", "stages"}
    assert said == set(COLUMNS)


@pytest.mark.parametrize("table", ["scores", "metrics", "stages"])
def test_the_words_that_tell_runs_apart_are_columns_of_every_table_in_their_order(table):
    columns = list(SCHEMAS[table]["properties"])
    assert [name for name in columns if name in RUN_COLUMNS] == RUN_COLUMNS


@pytest.mark.parametrize(
    ("kind", "options", "good", "bad"),
    [
        (str, {}, ["a"], ["", None, 1]),
        (str, {"empty": True}, ["a", ""], [None]),
        (int | None, {}, [0, 5, None], [-1, 0.5, "1"]),
        (int, {"minimum": 1}, [1], [0, None]),
        (float | None, {}, [-0.5, None], ["x"]),
        (bool | None, {}, [True, None], ["true"]),
    ],
)
def test_the_rule_of_a_type_takes_its_values_and_no_others(kind, options, good, bad):
    checked = jsonschema.Draft202012Validator(rule(kind, "a value", **options))
    assert all(checked.is_valid(value) for value in good)
    assert not any(checked.is_valid(value) for value in bad)


def test_the_index_has_the_words_of_a_run_but_none_of_training_beside_a_base(tmp_path):
    kinds = ("base", "stage", "stage")
    nodes = [Node(name, kind, {}, ()) for name, kind in zip(RUN.checkpoints, kinds, strict=True)]
    plan = Plan({node.id: node for node in nodes}, [RUN], {node.id: {} for node in nodes})
    write_specs(plan, tmp_path)
    with open(tmp_path / "index.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["node", "kind", "model", "world_seed", "base_seed", "method", "parametrisation", "order",
         "train_seed", "stage_index", "history"],
        ["base-1", "base", "enc", "1", "", "", "", "", "", "0", ""],
        ["stage-2", "stage", "enc", "1", "", "das", "full", "both", "0", "1", "simp"],
        ["stage-3", "stage", "enc", "1", "", "das", "full", "both", "0", "2",
         "simp+emdg&general:8"],
    ]  # fmt: skip
