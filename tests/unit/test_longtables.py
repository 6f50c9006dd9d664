"""The long tables: round trips, breaches of the schema as sentences, refused matrices."""

import io
import json
import subprocess
import sys

import jsonschema
import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, synthetic_study, typed

from lethe.errors import UserError
from lethe.longtables import tables as longtables
from lethe.longtables.dev_sets import ON_DEV, SOME_ON_DEV, shown, words
from lethe.longtables.rows import SCHEMAS
from lethe.longtables.schema import columns, parse_table, table_text

SMALL = Synthetic(models=(("xs", 1000),), orders=("forward",), items=6)


@pytest.fixture(scope="module")
def tables():
    return synthetic_study(SMALL)


def first_run(scores):
    return longtables.runs(scores)[-1]


def test_scores_survive_writing_and_reading_to_the_last_bit(tables, tmp_path):
    scores, _ = tables
    scores = scores.assign(value=np.random.default_rng(0).random(len(scores)))
    longtables.write_scores(tmp_path / "scores.csv", scores)
    again = longtables.read_scores(tmp_path / "scores.csv")
    assert list(again.columns) == columns("scores")
    assert (again["value"].to_numpy() == scores["value"].to_numpy()).all()
    assert again["end_task_seed"].isna().all() and (again["params"] == 1000).all()
    again.pipe(lambda frame: longtables.write_scores(tmp_path / "again.csv", frame))
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "scores.csv").read_bytes()


def test_rows_may_be_dictionaries_and_none_at_all(tables, tmp_path):
    scores, _ = tables
    longtables.write_scores(tmp_path / "s.csv", scores.to_dict("records"))
    assert len(longtables.read_scores(tmp_path / "s.csv")) == len(scores)
    longtables.write_scores(tmp_path / "none.csv", [])
    assert len(longtables.read_scores(tmp_path / "none.csv")) == 0


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("value", "", "row 3, column 'value': expected a finite number, found an empty field"),
        ("value", "nan", "row 3, column 'value': expected a finite number, found 'nan'"),
        ("value", "inf", "expected a finite number, found 'inf'"),
        ("value", "abc", "expected a finite number, found 'abc'"),
        ("stderr", "-1", "row 3, column 'stderr': expected at least 0, found '-1'"),
        ("params", "1" * 30, "expected an integer or nothing, found '1111"),
        ("stage_index", "1.5", "expected an integer, found '1.5'"),
        ("train_seed", "x", "expected an integer or nothing, found 'x'"),
        ("higher_is_better", "maybe", "expected true or false or nothing, found 'maybe'"),
        ("kind", "exam", "expected one of probe, own_task, end_task, mlm, lm, cloze, found 'exam'"),
        ("model", "", "column 'model': expected some text, found an empty field"),
        ("method_params", "{", "expected a JSON object, found '{'"),
        ("schema_version", "1", "column 'schema_version': expected 3, found '1'"),
    ],
)
def test_a_breach_names_file_row_column_and_what_was_expected(
    tables, tmp_path, column, value, sentence
):
    text = table_text("scores", tables[0], "")
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    frame.loc[2, column] = value
    frame.to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(UserError) as error:
        longtables.read_scores(tmp_path / "scores.csv")
    assert sentence in str(error.value) and "scores.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_or_unknown_column_is_named(tables, tmp_path):
    path = tmp_path / "scores.csv"
    longtables.write_scores(path, tables[0])
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.drop(columns="engine").to_csv(path, index=False)
    with pytest.raises(UserError, match="the column 'engine' is missing"):
        longtables.read_scores(path)
    frame.assign(extra=1).to_csv(path, index=False)
    with pytest.raises(UserError, match="unknown column 'extra'"):
        longtables.read_scores(path)


def test_files_that_are_absent_cut_or_no_table_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        longtables.read_scores(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UserError, match="not a CSV table"):
        longtables.read_scores(tmp_path / "empty.csv")
    (tmp_path / "latin.csv").write_bytes("é".encode("latin-1"))
    with pytest.raises(UserError, match="latin.csv: cannot be read as UTF-8"):
        longtables.read_scores(tmp_path / "latin.csv")


def test_rows_that_break_the_schema_are_not_written(tables, tmp_path):
    scores, _ = tables
    bad = scores.assign(value=scores["value"].where(scores.index != 1, np.inf))
    with pytest.raises(UserError, match="row 2, column 'value'"):
        longtables.write_scores(tmp_path / "scores.csv", bad)
    with pytest.raises(UserError, match="'value'"):
        longtables.write_scores(tmp_path / "scores.csv", scores.assign(value=np.nan))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["scores", "items", "metrics", "stages"])
def test_the_schema_is_valid_closed_and_complete(name):
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["required"] == columns(name) == list(schema["properties"])


@pytest.mark.slow  # hundreds of altered rows
def test_the_reader_agrees_with_a_json_schema_validator_on_altered_rows(tables):
    scores, _ = typed(*tables)
    validator = jsonschema.Draft202012Validator(SCHEMAS["scores"])
    row = json.loads(scores[:1].to_json(orient="records"))[0]
    values = [-1, 0, 1, 2, 0.5, None, "", "causal", "test", "{}"]
    for column in columns("scores"):
        for value in values:
            changed = {**row, column: value}
            kind = SCHEMAS["scores"]["properties"][column]["type"]
            if isinstance(value, str) != ("string" in kind) or (
                value is None and "null" not in kind
            ):
                continue  # a CSV field has no type of its own
            if "boolean" in kind and value is not None:
                continue
            try:
                parse_table("scores", table_text("scores", pd.DataFrame([changed]), "t"), "t")
                accepted = True
            except UserError:
                accepted = False
            if column == "method_params" and value not in ("{}", ""):
                continue  # that the text is JSON is an annotation to the validator
            assert accepted == validator.is_valid(changed), (column, value)


def test_a_matrix_has_the_base_in_row_zero(tables):
    scores, _ = typed(*tables)
    R = longtables.matrix(scores, first_run(scores), ["know_trade", "read_high"], "acc")
    assert R.shape == (6, 2)
    base = scores[(scores["stage_index"] == 0) & (scores["probe"] == "read_high")]
    assert R[0, 1] == base["value"].iloc[0]


@pytest.mark.parametrize("column", ["engine", "dtype"])
def test_a_matrix_that_mixes_engines_or_precisions_is_refused(tables, column):
    scores, _ = typed(*tables)
    mixed = scores["probe"] == "read_high"
    scores[column] = np.where(mixed, "other", scores[column])
    with pytest.raises(UserError, match=f"mixes two values of '{column}', .* and 'other'"):
        longtables.matrix(scores, first_run(scores), ["know_trade", "read_high"], "acc")


@pytest.mark.parametrize("column", ["task_version", "task_digest", "lm_eval_version"])
def test_a_matrix_that_mixes_versions_of_one_set_is_refused(tables, column):
    scores, _ = typed(*tables)
    scores[column] = np.where(scores["stage_index"] == 3, "other", scores[column])
    with pytest.raises(UserError, match=f"'read_high' mixes two values of '{column}'"):
        longtables.matrix(scores, first_run(scores), ["read_high"], "acc")


def test_a_matrix_with_other_items_at_one_stage_or_a_cell_twice_is_refused(tables):
    scores, _ = typed(*tables)
    fewer = scores.assign(n=np.where(scores["stage_index"] == 3, 5, scores["n"]))
    with pytest.raises(UserError, match="mixes two values of 'n', 6 and 5"):
        longtables.matrix(fewer, first_run(scores), ["read_high"], "acc")
    with pytest.raises(UserError, match="occurs twice"):
        longtables.matrix(pd.concat([scores, scores]), first_run(scores), ["read_high"], "acc")


def test_a_missing_cell_is_an_error_that_names_it_or_nan_where_asked(tables):
    scores, _ = typed(*tables)
    gone = (scores["stage_index"] == 4) & (scores["probe"] == "read_high")
    with pytest.raises(UserError, match=r"\(stage 4, read_high, acc\) of the run \(xs, sequential"):
        longtables.matrix(scores[~gone], first_run(scores), ["read_high"], "acc")
    R = longtables.matrix(scores[~gone], first_run(scores), ["read_high"], "acc", missing="nan")
    assert np.isnan(R[4, 0]) and np.isnan(R).sum() == 1


def test_a_stage_with_two_mixtures_is_refused(tables):
    scores, _ = typed(*tables)
    rows = scores[scores["stage_index"] == 1].assign(stage_task="other")
    with pytest.raises(UserError, match="two mixtures"):
        longtables.history(pd.concat([scores, rows]), first_run(scores))


def test_a_stage_without_scores_takes_its_name_from_another_run_of_the_order():
    scores, _ = typed(*synthetic_study(Synthetic(items=4, orders=("forward",), control=False)))
    gone = (scores["model"] == "decoder-s") & scores["stage_index"].isin([2, 5])
    run = longtables.runs(scores)[-1]
    assert run[0] == "decoder-s"
    assert longtables.history(scores[~gone], run) == ["simp", "emdg", "inqqg", "exp", "hgen"]


PLOTTING = "seaborn", "scipy.stats", "matplotlib.pyplot"
HEAVY = "torch", "transformers", "datasets", "lm_eval"


@pytest.mark.parametrize(
    ("rooms", "heavy"),
    [(("metrics", "tables"), (*HEAVY, *PLOTTING)), (("figures",), HEAVY)],
)
def test_metrics_tables_and_figures_import_nothing_heavy(rooms, heavy):
    code = (
        "import sys, importlib, pkgutil\n"
        f"for room in {rooms}:\n"
        "    package = importlib.import_module('lethe.' + room)\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        f"print(sorted(set({heavy}) & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.strip() == "[]"


def test_dev_sets_stand_for_test_sets_where_stages_have_no_others(tables, tmp_path):
    scores, _ = tables
    stages = scores["stage_index"] > 0
    for name, on_dev, expected in (
        ("dev", scores.assign(split="dev"), {"test"}),
        # A base may be held to its floors on dev sets in a study on test sets.
        ("floors", scores.assign(split=stages.map({True: "test", False: "dev"})), {"dev", "test"}),
    ):
        file = tmp_path / f"{name}.csv"
        longtables.write_scores(file, on_dev)
        longtables.write_metrics(tmp_path / "metrics.csv", [])
        assert set(longtables.read_scores(file)["split"]) == expected
        read = longtables.read_long_tables(file, tmp_path / "metrics.csv")
        assert read.on_dev == (ON_DEV if name == "dev" else "")


def test_chains_on_dev_sets_beside_others_on_test_sets_are_shown_and_named(tables):
    scores = pd.concat([tables[0], tables[0].assign(model="s")], ignore_index=True)
    of_one = scores["model"] == scores["model"].iloc[0]
    assert 0 < of_one.sum() < len(scores)
    mixed = scores.assign(split=of_one.map({True: "dev", False: "test"}))
    # The base of the dev chains has test items too.
    base = scores[of_one & (scores["stage_index"] == 0)].assign(value=0.123)
    mixed = pd.concat([mixed, base], ignore_index=True)
    read = shown(mixed)
    assert (read["split"] == "test").all() and len(read) == len(scores)
    assert not (read["value"] == 0.123).any()
    told = words(mixed)
    assert told.startswith(SOME_ON_DEV) and scores["model"].iloc[0] in told
    named = told.partition(":")[2].replace(",", " ").split()
    assert not set(named) & set(scores.loc[~of_one, "model"])


def test_an_end_task_s_dev_file_never_stands_for_its_test_file(tables):
    scores, _ = tables
    found = scores.assign(split="dev")
    ends = scores.iloc[:2].assign(kind="end_task", split=["dev", "test"], value=[0.5, 0.9])
    read = shown(pd.concat([found, ends], ignore_index=True))
    tested = read[(read["kind"] == "end_task") & (read["split"] == "test")]
    assert tested["value"].tolist() == [0.9]
    assert set(read.loc[read["kind"] != "end_task", "split"]) == {"test"}


def test_items_of_models_with_domains_are_apart_beside_other_models_and_stay_alone():
    def rows(name, *models, **more):
        found = [{"model": m, "order": "forward", **more} for m in models]
        return pd.DataFrame(found, columns=columns(name))

    metrics = pd.concat(
        [rows("metrics", "xs", axis="knowledge"), rows("metrics", "masked", axis="evidence"),
         rows("metrics", "masked", axis="domain")]
    )  # fmt: skip
    scores = rows("scores", "xs", "masked")
    mixed = longtables.LongTables(scores, metrics, changes=rows("changes", "xs", "masked"))
    assert set(mixed.parted().changes["model"]) == {"xs"}
    assert set(mixed.parted().domains["model"]) == {"masked"}
    alone = longtables.LongTables(
        scores[scores["model"] == "masked"], metrics[metrics["model"] == "masked"],
        changes=rows("changes", "masked"),
    )  # fmt: skip
    assert set(alone.parted().changes["model"]) == {"masked"}
