"""Tables of made-up studies, and the forms they are written in."""

import importlib

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, long_tables, synthetic_study, with_gaps

from lethe.commands import table as command
from lethe.config.by_file import names_in
from lethe.errors import UserError
from lethe.longtables.tables import write_metrics, write_scores
from lethe.tables.latex import latex
from lethe.tables.latex_text import escape
from lethe.tables.writing import Table, markdown, readable

# Every table of every kind of study.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables():
    return long_tables(*synthetic_study(Synthetic(items=12)))


@pytest.fixture(scope="module")
def gaps():
    scores, items = synthetic_study(Synthetic(items=12))
    return long_tables(with_gaps(scores), items)


def build(name, tables):
    return importlib.import_module(f"lethe.tables.{name}").build(tables)


def test_a_value_and_its_interval_are_read_as_one_and_kept_apart_in_the_csv():
    frame = pd.DataFrame({"x": [1.234, np.nan], "x_low": [1, np.nan], "x_high": [2, np.nan]})
    shown = readable(Table(frame, "", {"x": 1}))
    assert shown["x"].tolist() == ["1.2 [1.0, 2.0]", ""]
    assert list(shown.columns) == ["x"]


def test_a_value_without_an_interval_stands_alone():
    frame = pd.DataFrame({"x": [0.5], "x_low": [np.nan], "x_high": [np.nan], "low": ["kept"]})
    assert readable(Table(frame, "")).iloc[0].tolist() == ["0.50", "kept"]


def test_markdown_and_latex_escape_what_would_break_them():
    table = Table(pd.DataFrame({"a_b": ["x|y", "50 % & {z}"]}), "A & B")
    assert "x\\|y" in markdown(table)
    text = latex(table)
    assert "a b" in text and r"50 \% \& \{z\}" in text and r"{A \& B}" in text
    assert escape("~^\\") == r"\textasciitilde{}\textasciicircum{}\textbackslash{}"


# Those of masked language models have tests of their own.
OF_DOMAINS = {
    "masked_loss", "end_tasks", "end_task_methods", "end_task_tests", "ablation", "orders",
    "compute", "domains",
}  # fmt: skip
TABLES = [name for name in names_in("tables") if name not in OF_DOMAINS]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_as_many_fields_as_the_head(tables, name):
    table = build(name, tables)
    width = len(readable(table).columns)
    lines = markdown(table).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == len(table.frame) + 2
    assert {row.replace("\\|", "").count("|") for row in rows} == {width + 1}


@pytest.mark.parametrize("name", TABLES)
def test_a_study_with_gaps_still_has_every_table(gaps, name):
    assert len(build(name, gaps).frame)


def test_the_table_of_forgetting_has_the_numbers_of_the_metrics_table(tables):
    frame = build("fg", tables).frame
    assert len(frame) == 4 * 6
    row = frame[(frame["axis"] == "reading") & (frame["order"] == "reverse")].iloc[0]
    metrics = tables.metrics
    found = metrics[
        (metrics["model"] == row["model"])
        & (metrics["order"] == "reverse")
        & (metrics["axis"] == "reading")
        & (metrics["probe"] == "")
    ].set_index("metric")
    assert row["fg_luo"] == found.loc["fg_luo", "value"]
    assert row["drop_points"] == pytest.approx(100 * (row["base"] - row["final"]))


def test_the_base_score_of_bias_is_the_mean_over_its_types(tables):
    frame = build("fg", tables).frame
    row = frame[(frame["axis"] == "bias") & (frame["order"] == "forward")].iloc[0]
    assert row["drop_points"] == pytest.approx(100 * (row["base"] - row["final"]))


def test_learning_has_each_task_before_and_after_its_stage_in_the_order_taught(tables):
    frame = build("learning", tables).frame
    part = frame[(frame["model"] == "decoder-s") & (frame["order"] == "reverse")]
    assert part["task"].tolist() == ["hgen", "exp", "inqqg", "emdg", "simp"]
    np.testing.assert_allclose(part["gain"], part["right_after"] - part["before"])
    np.testing.assert_allclose(part["change"][:-1], (part["final"] - part["right_after"])[:-1])
    assert np.isnan(part["change"].iloc[-1])
    assert "control:general" not in set(frame["order"])


def test_bases_are_listed_once_with_chance_and_what_hides_a_loss():
    scores, items = synthetic_study(Synthetic(items=40))
    base = scores["stage_index"] == 0
    for probe, value in {"read_high": 0.27, "know_trade": 1.0}.items():
        cells = base & (scores["probe"] == probe)
        scores.loc[cells, ["value", "stderr"]] = [value, 0.05 if value < 1 else 0.0]
    frame = build("bases", long_tables(scores, items)).frame
    assert len(frame) == 2 * 18
    at = frame.drop_duplicates("probe").set_index("probe")["at"]
    assert at["read_high"] == "floor" and at["know_trade"] == "ceiling"
    assert frame[frame["axis"] != "own"]["chance"].notna().all()


def test_a_missing_cell_is_empty_in_the_matrix(gaps):
    frame = build("matrix", gaps).frame
    row = frame[
        (frame["model"] == "decoder-xs")
        & (frame["order"] == "forward")
        & (frame["task"] == "own_emdg")
    ].iloc[0]
    assert np.isnan(row["stage_3"]) and not np.isnan(row["stage_2"])
    assert row["history"] == "simp+emdg+inqqg+exp+hgen"


def test_answers_show_what_lies_beside_accuracy():
    scores, items = synthetic_study(Synthetic(items=12))
    choice = scores[scores["metric"] == "acc"]
    choice = choice.assign(headline=False)
    extra = [choice.assign(metric="modal_share", value=0.4, stderr=None)]
    extra += [choice.assign(metric="gold_logprob", value=-1.0 - choice["stage_index"])]
    frame = build("answers", long_tables(pd.concat([scores, *extra]), items)).frame
    assert (frame["modal_share_final"] == 0.4).all()
    assert (frame["gold_logprob_final"] == -6.0).all() and frame["margin_base"].isna().all()


def test_the_command_writes_four_forms_and_knows_its_names(tables, tmp_path, capsys):
    write_scores(tmp_path / "scores.csv", tables.scores)
    write_metrics(tmp_path / "metrics.csv", tables.metrics)
    parser = importlib.import_module("argparse").ArgumentParser()
    command.add_arguments(parser)
    flags = ["--scores", tmp_path / "scores.csv", "--metrics", tmp_path / "metrics.csv"]
    arguments = [str(word) for word in ["fg", "bases", *flags, "--out", tmp_path / "tables"]]
    assert command.run(parser.parse_args(arguments)) == 0
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    forms = ("csv", "md", "tex", "html", "json")
    assert names == {f"{name}.{form}" for name in ("fg", "bases") for form in forms}
    assert len(capsys.readouterr().out.split()) == 8
    with pytest.raises(UserError, match="did you mean 'bases'"):
        command.run(parser.parse_args(["bsaes", *arguments[2:]]))
