"""Claims on a made-up study: subjects, the table of verdicts, its files, and the command."""

import importlib
import json
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_study import FULL, Synthetic, long_tables, synthetic_study, with_gaps

from lethe.claims.report import claims_table
from lethe.commands import claims as command
from lethe.config.catalogue import Claim
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.longtables.dev_sets import ON_DEV
from lethe.longtables.tables import write_metrics, write_scores
from lethe.metrics.published import read_published, read_published_models
from lethe.metrics.subjects import axes_at_floor, reference, study_subjects
from lethe.planning.records import claims_record, write_claims_record

# Claims about three bases of four models, each with its metrics.
pytestmark = pytest.mark.slow

NAMES = [f"C{number}" for number in range(1, 11)]
XS_KNOWLEDGE = "decoder-xs (knowledge)"
EVERYTHING = Synthetic(
    models=FULL, base_seeds=(0, 1, 2), orders=("forward", "reverse", "mixed"), items=24
)


@pytest.fixture(scope="module")
def record():
    study = parse_study({**read_yaml(DEFAULT), "claims": NAMES})
    return claims_record(study, read_catalogue(study))


@pytest.fixture(scope="module")
def tables():
    return long_tables(*synthetic_study(EVERYTHING), changes=False)


@pytest.fixture(scope="module")
def frame(tables, record):
    return table(tables, record)


def table(tables, record):
    return claims_table(tables, record["claims"], read_published(), read_published_models()).frame


def of(frame, claim, part="", about=""):
    rows = frame[(frame["claim"] == claim) & (frame["part"] == part) & (frame["about"] == about)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_subjects_have_the_numbers_of_the_metrics_table(tables):
    subjects = study_subjects(tables)
    assert len(subjects) == 4 * 3 and not any(one.order.startswith("control") for one in subjects)
    one = next(one for one in subjects if (one.model, one.order) == ("decoder-s", "forward"))
    rows = tables.metrics[
        (tables.metrics["model"] == "decoder-s")
        & (tables.metrics["order"] == "forward")
        & (tables.metrics["metric"] == "fg_luo")
        & (tables.metrics["axis"] == "reading")
        & (tables.metrics["probe"] == "")
        & tables.metrics["base_seed"].notna()
    ]
    found = one.values("fg_luo", "reading")
    assert [found[100, seed, 0] for seed in (0, 1, 2)] == rows["value"].tolist()
    scored = tables.scores[
        (tables.scores["model"] == "decoder-s")
        & (tables.scores["order"] == "forward")
        & (tables.scores["axis"] == "reading")
        & (tables.scores["base_seed"] == 1)
    ]
    for name, stage in {"base_score": 0, "final_score": 5}.items():
        mean = scored[scored["stage_index"] == stage]["value"].mean()
        assert one.values(name, "reading")[100, 1, 0] == pytest.approx(100 * mean)


def test_what_is_mixed_in_is_told_from_what_is_taught(tables):
    mixed = [one for one in study_subjects(tables) if one.order == "mixed"]
    assert {one.tasks for one in mixed} == {("simp", "emdg", "inqqg", "exp", "hgen")}
    assert {one.extras for one in mixed} == {("general:64",) * 5}
    chosen = reference(study_subjects(tables))
    assert [one.order for one in chosen] == ["forward"] * 4


def test_every_claim_of_a_full_study_is_measured(frame):
    heads = frame[frame["part"] == ""]
    assert heads["claim"].tolist() == NAMES
    missing = frame[frame["verdict"] == "not measured"]
    # The made-up study has two sizes, and a turn needs three.
    assert (
        set(missing["claim"]) == {"C8"}
        and "three sizes" in of(frame, "C8", "size", "(bias)")["note"]
    )
    assert of(frame, "C10")["verdict"] == "no verdict"


def test_the_weakest_comparison_decides_and_counts_are_given(frame):
    order = ["contradicted", "negligible", "undecided", "not measured", "supported"]
    for claim in NAMES[:-1]:
        rows = frame[(frame["claim"] == claim) & frame["about"].ne("")]
        weakest = min(rows["verdict"], key=order.index)
        assert of(frame, claim)["verdict"] == weakest


def test_a_row_has_effect_interval_units_p_and_margin(frame):
    row = of(frame, "C6", "knowledge", "decoder-s-tuned - decoder-s (knowledge)")
    assert row["n"] == 3 and row["unit"] == "bases" and row["smallest_effect"] == 2.0
    assert row["effect_low"] < row["effect"] < row["effect_high"] < 0
    assert 0 < row["p_holm"] <= 1 and row["metric"] == "fg_luo"
    assert row["published"].startswith("partly contradict (1 of 2: BLOOMZ-7.1b - BLOOM-7.1b")


def test_a_published_source_is_that_of_the_models_compared(frame):
    row = of(frame, "C5", "reasoning", "decoder-s - encdec-s (reasoning)")
    assert row["source"].startswith("Table 4 (") and "Table 6" not in row["source"]


def test_spreads_say_how_many_units_are_behind_them(frame):
    row = of(frame, "C10", "seeds", "encdec-s (reading)")
    assert row["n"] == 3 and row["unit"] == "bases" and row["effect"] > 0


def test_the_effect_of_mixing_is_paired_by_base(frame, tables):
    subjects = reference(study_subjects(tables), mixed=True)
    plain, mixed = (
        next(one for one in subjects if one.model == "encdec-s" and one.is_mixed is kind)
        for kind in (False, True)
    )
    left, right = (one.values("final_score", "knowledge") for one in (mixed, plain))
    expected = np.mean([left[seeds] - right[seeds] for seeds in left])
    row = of(frame, "C7", "knowledge", "encdec-s + general:64 (knowledge)")
    assert row["effect"] == pytest.approx(expected) and row["unit"] == "bases"


def test_a_study_with_one_seed_is_at_most_consistent_and_says_what_is_missing(record):
    tables = long_tables(*synthetic_study(Synthetic(items=24, orders=("forward",))), changes=False)
    frame = table(tables, record)
    words = ("consistent, one seed", "inconsistent, one seed", "not measured", "no verdict")
    assert set(frame["verdict"]) <= set(words)
    assert of(frame, "C5")["verdict"] == "not measured"
    notes = " ".join(frame["note"])
    for missing in ("no decoder beside an encoder-decoder", "no model beside its", "no chain with"):
        assert missing in notes
    assert frame["p_holm"].isna().all()


def test_a_missing_cell_is_named(record):
    scores, items = synthetic_study(Synthetic(items=12))
    row = of(
        table(long_tables(with_gaps(scores), items, changes=False), record),
        "C1",
        "knowledge",
        XS_KNOWLEDGE,
    )
    assert row["verdict"] == "not measured"
    assert "the cell (stage 3, know_trade) is missing" in row["note"]


def test_a_base_at_floor_is_left_out_and_named(record):
    scores, items = synthetic_study(Synthetic(items=24, base_seeds=(0, 1, 2, 3)))
    floor = (scores["base_seed"] == 1) & (scores["model"] == "decoder-s")
    floor &= (scores["axis"] == "reading") & (scores["stage_index"] == 0)
    scores.loc[floor, "value"] = 0.27
    tables = long_tables(scores, items, changes=False)
    row = of(table(tables, record), "C1", "reading", "decoder-s (reading)")
    assert row["n"] == 3 and row["note"].startswith(
        "at floor, left out: decoder-s (world 100, base 1)"
    )


def test_an_axis_is_at_floor_within_two_standard_errors_of_chance():
    def rows(*values, stderr=0.04):
        cells = {"stage_index": 0, "headline": True, "split": "test", "axis": "reading"}
        return pd.DataFrame(
            [
                {**cells, "probe": f"p{place}", "subset": "", "value": value}
                | {"chance": 0.25, "stderr": stderr}
                for place, value in enumerate(values)
            ]
        )

    # Two sets with standard error 0.04: that of their mean is 0.0283, twice that 0.0566.
    assert axes_at_floor(rows(0.30, 0.31)) == {"reading"}
    assert axes_at_floor(rows(0.30, 0.32)) == set()
    # The same sets with ten clusters in common: a mean of theirs is known as each is, to 0.04.
    scored = {"stage_index": 0, "axis": "reading", "metric": "score_acc", "subset": "", "n": 50}
    metrics = [scored | {"probe": f"p{place}", "n_units": 10} for place in (0, 1)]
    whole = scored | {"stage_index": None, "metric": "drop_points", "probe": "", "n": 100}
    for units, found in ((20, set()), (10, {"reading"})):
        frame = pd.DataFrame([*metrics, whole | {"n_units": units}])
        assert axes_at_floor(rows(0.30, 0.32), frame) == found


def test_the_command_writes_four_forms_that_say_the_same(tables, record, tmp_path, capsys):
    write_scores(tmp_path / "scores.csv", tables.scores)
    write_metrics(tmp_path / "metrics.csv", tables.metrics)
    (tmp_path / "claims.json").write_text(json.dumps(record))
    parser = importlib.import_module("argparse").ArgumentParser()
    command.add_arguments(parser)
    flags = ["--scores", "scores.csv", "--metrics", "metrics.csv", "--claims", "claims.json"]
    flags = [word if word.startswith("--") else str(tmp_path / word) for word in flags]
    assert command.run(parser.parse_args([*flags, "--out", str(tmp_path / "out")])) == 0
    written = [Path(path).name for path in capsys.readouterr().out.split()]
    assert written == [f"claims.{ending}" for ending in ("csv", "md", "tex", "html")]
    frame = pd.read_csv(tmp_path / "out" / "claims.csv", keep_default_na=False)
    page = (tmp_path / "out" / "claims.md").read_text()
    shown = (tmp_path / "out" / "claims.html").read_text()
    for row in frame[frame["part"] == ""].to_dict("records"):
        assert f"## {row['claim']}: {row['verdict']}" in page and row["statement"] in page
        assert escape(row["verdict"]) in shown
    assert "Source: Table 5 (note-A)" in page
    body = (tmp_path / "out" / "claims.tex").read_text()
    assert all(claim in body for claim in frame["claim"].unique())
    assert ON_DEV not in page
    # Verdicts on dev sets are for choosing settings, and the page says so.
    write_scores(tmp_path / "scores.csv", tables.scores.assign(split="dev"))
    assert command.run(parser.parse_args([*flags, "--out", str(tmp_path / "out")])) == 0
    assert ON_DEV in (tmp_path / "out" / "claims.md").read_text()


def test_a_record_that_is_none_is_refused(tmp_path):
    (tmp_path / "claims.json").write_text("[]")
    parser = importlib.import_module("argparse").ArgumentParser()
    command.add_arguments(parser)
    flags = ["--scores", "s", "--metrics", "m", "--claims", str(tmp_path / "claims.json")]
    with pytest.raises(UserError, match="expected a record with a list `claims`"):
        command.run(parser.parse_args([*flags, "--out", str(tmp_path)]))


def test_the_record_is_named_by_what_it_says_and_written_only_if_there_are_claims(tmp_path):
    study = parse_study({**read_yaml(DEFAULT), "claims": ["C1"], "output": str(tmp_path)})
    catalogue = read_catalogue(study)
    first = write_claims_record(study, claims_record(study, catalogue))
    assert json.loads(open(first).read())["claims"][0]["name"] == "C1"
    none = study.model_copy(update={"claims": []})
    second = write_claims_record(none, claims_record(none, catalogue))
    assert second != first and len(list((tmp_path / "specs").iterdir())) == 1


def test_a_claim_of_ones_own_is_read_from_define_and_mistakes_are_named():
    part = {"contrast": "above_zero", "metric": "drop_points", "axes": ["reading"]}
    part |= {"unit": "bases", "smallest_effect": 2}
    own = {"statement": "Reading is lost.", "family": "mine", "parts": {"reading": part}}
    raw = {**read_yaml(DEFAULT), "claims": ["mine"], "define": {"claims": {"mine": own}}}
    study = parse_study(raw)
    assert isinstance(read_catalogue(study).claims["mine"], Claim)
    with pytest.raises(UserError, match="claims: 'C11' is not known; did you mean 'C1"):
        read_catalogue(parse_study({**raw, "claims": ["C11"]}))
    wrong = {**own, "parts": {"reading": {**part, "contrast": "above"}}}
    with pytest.raises(
        UserError,
        match="contrast in the configuration: .* one of above_zero, .*did you mean 'above_zero'",
    ):
        parse_study({**raw, "define": {"claims": {"mine": wrong}}})
